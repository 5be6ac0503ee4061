using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Common.Hashes;

/// <summary>
/// SHA256SUMS: one line for each file but itself, sorted by name, in the one spelling that <c>sha256sum -c</c> accepts. Because there is
/// only one right text for given files, a flipped bit in the list itself shows as well.
/// </summary>
internal static class HashList
{
    /// <summary>The list's file name.</summary>
    internal const string FileName = "SHA256SUMS";

    /// <summary>The file name of the list's signature, which stands beside it and is in no list.</summary>
    internal const string SignatureFileName = FileName + ".sig";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Every file of a backup except the list and its signature, sorted ordinally.</summary>
    internal static IReadOnlyList<string> Files(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(name => name is not (FileName or SignatureFileName))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Reads and hashes files, several at a time.</summary>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="names">The files.</param>
    /// <param name="progress">Shows bytes read; may be null.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>One entry for each name, in the same order.</returns>
    internal static async Task<IReadOnlyList<HashedFile>> HashAsync(
        string folder, IReadOnlyList<string> names, ProgressActivity? progress, CancellationToken cancellationToken)
    {
        var sizes = names.Select(name => new FileInfo(Path.Combine(folder, name)).Length).ToArray();
        var total = sizes.Sum();
        var hashed = new HashedFile[names.Count];
        long done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        // The biggest first, so that none of them runs alone at the end.
        await Parallel.ForEachAsync(Enumerable.Range(0, names.Count)
            .OrderByDescending(index => sizes[index]), options, async (index, token) =>
        {
            hashed[index] = await HashFileAsync(folder, names[index], read =>
                progress?.ReportBytes(names[index], Interlocked.Add(ref done, read), total), token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return hashed;
    }

    /// <summary>The list's only right text.</summary>
    internal static byte[] Text(IEnumerable<HashedFile> files)
    {
        var text = new StringBuilder();
        foreach (var file in files.OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            text.Append(file.Hash).Append("  ").Append(file.Name).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>What a list says, as far as it can be read.</summary>
    /// <returns>Hash by file name, and whether every line had the right shape.</returns>
    internal static (IReadOnlyDictionary<string, string> Hashes, bool WellFormed) Parse(byte[] list)
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        var text = Encoding.UTF8.GetString(list);
        var wellFormed = text.Length > 0 && text[^1] == '\n';
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 66 && line[64] == ' ' && line[65] == ' ' && !line.AsSpan(0, 64).ContainsAnyExcept(HexDigits))
            {
                wellFormed &= hashes.TryAdd(line[66..], line[..64]);
            }
            else
            {
                wellFormed = false;
            }
        }

        return (hashes, wellFormed);
    }

    private static async Task<HashedFile> HashFileAsync(string folder, string name, Action<int> onRead, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var file = new FileStream(
            Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (file.ConfigureAwait(false))
        {
            var buffer = new byte[256 * 1024];
            long bytes = 0;
            int read;
            while ((read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                bytes += read;
                onRead(read);
            }

            return new HashedFile(name, bytes, Hex.Of(hash.GetHashAndReset()));
        }
    }
}
