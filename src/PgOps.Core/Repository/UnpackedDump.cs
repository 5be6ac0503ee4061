using System.Formats.Tar;
using System.IO.Compression;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>
/// Unpacks a foreign dump that pg_restore and psql cannot read as it is: out of gzip, zstd, xz, bzip2, lz4 or zip, out of a tar archive
/// of a directory, or out of one in the other. What is unpacked goes into a folder of its own, and what it is its bytes say again.
/// </summary>
internal sealed class UnpackedDump
{
    private const int MostLayers = 4;

    private readonly PgBackup _backup;
    private readonly string _folder;
    private readonly ProgressActivity _progress;

    private UnpackedDump(PgBackup backup, string folder, ProgressActivity progress)
    {
        _backup = backup;
        _folder = folder;
        _progress = progress;
    }

    /// <summary>Unpacks it.</summary>
    /// <param name="backup">The dump.</param>
    /// <param name="folder">An empty folder, and the caller's to remove.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Ends programs.</param>
    /// <returns>The file or folder that pg_restore or psql reads.</returns>
    /// <exception cref="PgOpsException">BackupDamaged, ToolMissing, DiskFull, InvalidArgument where it holds several dumps.</exception>
    internal static async Task<string> TakeAsync(
        PgBackup backup, string folder, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Unpacking {Path.GetFileName(backup.Path)}");
        try
        {
            var path = await new UnpackedDump(backup, folder, progress).UnpackAsync(cancellationToken).ConfigureAwait(false);

            // A script does not say when it was made.
            if (File.Exists(path))
            {
                File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(backup.Path));
            }

            return path;
        }
        catch (InvalidDataException error)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged, $"{backup.Path} does not unpack: {error.Message}.", "Nothing of it was used.",
                "Use another backup, or fetch this one again from where a copy is kept.", error)
            { Subject = backup };
        }
    }

    private async Task<string> UnpackAsync(CancellationToken cancellationToken)
    {
        var path = _backup.Path;
        for (var layer = 0; layer < MostLayers; layer++)
        {
            var (format, _) = DumpFormat.Of(path);
            if (!DumpFormat.IsPacked(format))
            {
                return path;
            }

            var place = Path.Combine(_folder, $"{layer}");
            DurableFile.CreateFolder(place);
            path = await UnpackAsync(path, place, cancellationToken).ConfigureAwait(false);
            if (Directory.Exists(path))
            {
                return path;
            }
        }

        throw new InvalidDataException("it is packed in more layers than a dump is");
    }

    private async Task<string> UnpackAsync(string path, string place, CancellationToken cancellationToken)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous);
        await using var closed = file.ConfigureAwait(false);
        switch (Packing.Of(file))
        {
            case null:
                await ExtractAsync(file, place, cancellationToken).ConfigureAwait(false);
                return TheDumpIn(place);
            case { } packing when packing == Packing.Zip:
                await UnzipAsync(file, place, cancellationToken).ConfigureAwait(false);
                return TheDumpIn(place);
            case { } packing:
                var unpacked = Path.Combine(place, ForeignDump.WithoutLastEnding(path));
                var output = DurableFile.Create(unpacked);
                await using (output.ConfigureAwait(false))
                {
                    await UnpackAsync(packing, file, output, cancellationToken).ConfigureAwait(false);
                }

                return unpacked;
        }
    }

    private async Task UnpackAsync(Packing packing, FileStream file, FileStream output, CancellationToken cancellationToken)
    {
        if (packing.IsStreamed)
        {
            await WriteAsync(Packing.Open(packing, file), output, cancellationToken).ConfigureAwait(false);
            return;
        }

        var result = await ToolProcess.RunAsync(
            new ToolCommand(packing.FindProgram(_backup.Path), "-dc") { Input = file, Output = output }, cancellationToken)
            .ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw new InvalidDataException(result.Errors is [.., var last] ? last.TrimEnd('.') : $"{packing.Program} cannot read it");
        }
    }

    private async Task WriteAsync(Stream content, FileStream output, CancellationToken cancellationToken)
    {
        await using var closed = content.ConfigureAwait(false);
        var space = new FreeSpace(_folder);
        var buffer = new byte[1024 * 1024];
        long bytes = 0;
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            bytes += read;
            _progress.Report($"{PgSize.Format(bytes)} unpacked");
            if (bytes % (64L * buffer.Length) < read)
            {
                space.Watch();
            }
        }
    }

    private async Task ExtractAsync(FileStream file, string place, CancellationToken cancellationToken)
    {
        var reader = new TarReader(file, leaveOpen: true);
        await using var closed = reader.ConfigureAwait(false);
        try
        {
            while (await reader.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && PlaceOf(place, entry.Name) is { } to)
                {
                    await WriteEntryAsync(entry.DataStream ?? Stream.Null, to, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is FormatException or EndOfStreamException)
        {
            throw new InvalidDataException("the tar archive breaks off before its end, or is damaged", error);
        }
    }

    private async Task UnzipAsync(FileStream file, string place, CancellationToken cancellationToken)
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        foreach (var entry in zip.Entries)
        {
            if (PlaceOf(place, entry.FullName) is { } to)
            {
                await WriteEntryAsync(entry.Open(), to, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task WriteEntryAsync(Stream content, string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var output = DurableFile.Create(path);
        await using var closed = output.ConfigureAwait(false);
        await WriteAsync(content, output, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where a member goes: inside the folder, wherever its name leads; null for a folder.</summary>
    private static string? PlaceOf(string place, string name)
    {
        var path = Path.GetFullPath(Path.Combine(place, name.TrimStart('/', '\\')));
        return name.EndsWith('/') ? null
            : path.StartsWith(place + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
            : throw new InvalidDataException($"a member's name leads out of it: {name}");
    }

    /// <summary>The one dump among what was unpacked; where there is none, the one file.</summary>
    private string TheDumpIn(string place)
    {
        var files = Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).ToList();
        var folders = files.Where(file => Path.GetFileName(file) == ForeignDump.Contents).Select(file => Path.GetDirectoryName(file)!)
            .ToList();
        var dumps = folders.Concat(files.Where(
            file => !folders.Contains(Path.GetDirectoryName(file)!) && DumpFormat.Of(file).Format.Length > 0)).ToList();
        return dumps switch
        {
            [var dump] => dump,
            [] when files is [var file] => file,
            [] => throw new InvalidDataException("it holds no dump of pg_dump"),
            _ => throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{_backup.Path} holds several dumps: "
                    + NameList.InSentence([.. dumps.Select(dump => Path.GetRelativePath(place, dump)).Order(StringComparer.Ordinal)]) + ".",
                "Nothing of it was used.",
                "Unpack it, and give the dump that you mean.")
            { Subject = _backup },
        };
    }
}
