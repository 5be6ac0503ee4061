using System.Collections.Concurrent;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>Whether an archive in directory format has every file that its contents name, and each of them is there to its end.</summary>
internal static class DirectoryExtent
{
    private const int TailLength = 16;
    private static readonly string[] Endings = ["", ".gz", ".zst", ".lz4"];

    /// <summary>
    /// Looks at the files. Compressed ones are read to their end, for that is where they say whether they are whole; of others the last
    /// bytes are read.
    /// </summary>
    /// <param name="folder">The archive.</param>
    /// <param name="progress">Shows how many files were read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidDataException">Something is missing, named.</exception>
    internal static async Task RequireAsync(string folder, ProgressActivity progress, CancellationToken cancellationToken)
    {
        var files = ArchiveExtent.FilesOf(folder);
        var missing = new List<string>();
        var there = new List<(string Path, bool IsRows)>();
        foreach (var (file, entry) in files)
        {
            if (Find(folder, file) is { } path)
            {
                there.Add((path, !file.EndsWith(".toc", StringComparison.Ordinal)));
                foreach (var name in file.EndsWith(".toc", StringComparison.Ordinal) ? LargeObjects(path) : [])
                {
                    if (Find(folder, name) is { } part)
                    {
                        there.Add((part, false));
                    }
                    else
                    {
                        missing.Add($"{name} (a large object)");
                    }
                }
            }
            else
            {
                missing.Add($"{file} ({entry})");
            }
        }

        // A list that is cut between two lines names the rest no more.
        missing.AddRange(Directory.EnumerateFiles(folder, "blob_*.dat*").Except(there.Select(file => file.Path), StringComparer.Ordinal)
            .Select(file => $"the line of {Path.GetFileName(file)} in the list of large objects").Order(StringComparer.Ordinal));
        if (missing.Count > 0)
        {
            throw new InvalidDataException("missing: " + NameList.InSentence(missing));
        }

        var broken = new ConcurrentBag<string>();
        var done = 0;
        await Parallel.ForEachAsync(
            there,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken },
            async (file, token) =>
            {
                try
                {
                    await RequireEndAsync(file.Path, file.IsRows, token).ConfigureAwait(false);
                }
                catch (InvalidDataException error)
                {
                    broken.Add($"{Path.GetFileName(file.Path)}: {error.Message}");
                }

                progress.Report(Path.GetFileName(file.Path), Interlocked.Increment(ref done), there.Count);
            }).ConfigureAwait(false);
        if (!broken.IsEmpty)
        {
            throw new InvalidDataException(NameList.InSentence([.. broken.Order(StringComparer.Ordinal)]));
        }
    }

    private static string? Find(string folder, string name)
        => Endings.Select(ending => Path.Combine(folder, name + ending)).FirstOrDefault(File.Exists);

    /// <summary>The files of large objects that a list of them names: an oid and a file in each line.</summary>
    private static IEnumerable<string> LargeObjects(string list)
        => File.ReadLines(list).Select(line => line.Split(' ', 2)).Where(parts => parts.Length == 2).Select(parts => parts[1]);

    private static async Task RequireEndAsync(string path, bool isRows, CancellationToken cancellationToken)
    {
        var tail = new Tail();
        if (path.EndsWith(".lz4", StringComparison.Ordinal))
        {
            RequireLz4(path);
            return;
        }

        if (Path.GetExtension(path) is ".gz" or ".zst")
        {
            await PackedFile.ReadAsync(path, (block, _) => tail.Add(block.Span), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using var closed = file.ConfigureAwait(false);
            file.Position = Math.Max(0, file.Length - TailLength);
            var end = new byte[TailLength];
            var read = await file.ReadAtLeastAsync(end, TailLength, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            tail.Add(end.AsSpan(0, read));
        }

        if (isRows && !tail.EndsRows)
        {
            throw new InvalidDataException("the end of its rows is missing");
        }
    }

    /// <summary>
    /// Goes from block to block to the mark that ends the frame, and reads nothing else
    /// (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md).
    /// </summary>
    private static void RequireLz4(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new BinaryReader(file);
        try
        {
            file.Position = sizeof(uint);
            var flags = reader.ReadByte();
            var (hasBlockSum, hasSize, hasSum, hasDictionary) =
                ((flags & 0x10) != 0, (flags & 0x08) != 0, (flags & 0x04) != 0, (flags & 0x01) != 0);
            file.Position += 2 + (hasSize ? sizeof(ulong) : 0) + (hasDictionary ? sizeof(uint) : 0);
            while (reader.ReadUInt32() is not 0 and var size)
            {
                file.Position += (size & int.MaxValue) + (hasBlockSum ? sizeof(uint) : 0);
            }

            if (hasSum)
            {
                reader.ReadUInt32();
            }
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("the end of its lz4 data is missing", error);
        }
    }

    /// <summary>The last bytes of what passes by.</summary>
    private sealed class Tail
    {
        private readonly byte[] _bytes = new byte[2 * TailLength];
        private int _length;

        /// <summary>Whether it ends as a table's file does: with COPY's mark, or an INSERT's semicolon.</summary>
        internal bool EndsRows
        {
            get
            {
                var text = _bytes.AsSpan(0, _length).TrimEnd("\r\n"u8);
                return text.Length < _length
                    && (text.EndsWith("\n\\."u8) || text.SequenceEqual("\\."u8) || text.EndsWith(";"u8) || text.IsEmpty);
            }
        }

        internal void Add(ReadOnlySpan<byte> block)
        {
            block = block[Math.Max(0, block.Length - TailLength)..];
            var kept = Math.Min(_length, TailLength);
            _bytes.AsSpan(_length - kept, kept).CopyTo(_bytes);
            block.CopyTo(_bytes.AsSpan(kept));
            _length = kept + block.Length;
        }
    }
}
