using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Encryption;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// A backup's archive as pg_restore can read it. One that is not encrypted is read where it is; an encrypted file is decrypted into
/// pg_restore's standard input and never lies anywhere in plain; an encrypted folder is decrypted into a private folder, which goes away
/// with this.
/// </summary>
internal sealed class OpenedArchive : IDisposable
{
    private readonly string? _path;
    private readonly Decryptor? _decryptor;
    private readonly PrivateFolder? _folder;

    private OpenedArchive(string? path, Decryptor? decryptor, PrivateFolder? folder)
    {
        _path = path;
        _decryptor = decryptor;
        _folder = folder;
    }

    /// <summary>Whether pg_restore reads it from its standard input, and so with one worker alone.</summary>
    internal bool IsStreamed => _path is null;

    private string Encrypted { get; init; } = "";

    private Stream? Input { get; init; }

    /// <summary>An archive that is not encrypted.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="input">The archive's bytes, in place of the file.</param>
    internal static OpenedArchive Plain(string path, Stream? input = null) => new(path, null, null) { Input = input };

    /// <summary>Opens an archive, all of it.</summary>
    /// <inheritdoc cref="OpenAsync(PgBackup, string?, bool, ProgressActivity?, CancellationToken)"/>
    internal static async Task<OpenedArchive> OpenAsync(
        PgBackup backup, string? identity, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Decrypting {StoreUri.NameOf(backup.Path)}");
        return await OpenAsync(backup, identity, false, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens an archive.</summary>
    /// <param name="backup">The backup; its manifest must be there.</param>
    /// <param name="identity">age's identity file.</param>
    /// <param name="contentsOnly">Whether the table of contents is enough.</param>
    /// <param name="progress">Shows bytes decrypted; may be null.</param>
    /// <param name="cancellationToken">Ends the tool; what was decrypted is gone when the exception arrives.</param>
    /// <exception cref="PgOpsException">DecryptionFailed, ToolMissing, PathNotFound, DiskFull.</exception>
    internal static async Task<OpenedArchive> OpenAsync(
        PgBackup backup, string? identity, bool contentsOnly, ProgressActivity? progress, CancellationToken cancellationToken)
    {
        var path = Path.Combine(backup.Folder, backup.Manifest!.Payload.Path);
        if (Decryptor.For(backup, identity) is not { } decryptor)
        {
            return Plain(path);
        }

        if (!Directory.Exists(path))
        {
            return new OpenedArchive(null, decryptor, null) { Encrypted = path };
        }

        var ending = EncryptionTool.EndingOf(backup.Manifest.Payload.Encryption!.Tool);
        var files = new DirectoryInfo(path).GetFiles(contentsOnly ? "toc.dat" + ending : "*" + ending);
        var total = files.Sum(file => file.Length);
        var folder = new PrivateFolder();
        return await folder.OrDisposeAsync(async () =>
        {
            RequireRoom(folder.Path, total);
            var plain = Path.Combine(folder.Path, "data");
            DurableFile.CreateFolder(plain);
            long done = 0;
            var options =
                new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(files, options, async (file, token) =>
            {
                await decryptor.WriteAsync(file.FullName, Path.Combine(plain, file.Name[..^ending.Length]), token).ConfigureAwait(false);
                progress?.ReportBytes(file.Name, Interlocked.Add(ref done, file.Length), total);
            }).ConfigureAwait(false);
            return new OpenedArchive(plain, null, folder);
        }).ConfigureAwait(false);
    }

    /// <summary>Runs pg_restore on it.</summary>
    /// <param name="pgRestore">The command without the archive.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="PgOpsException">DecryptionFailed; pg_restore's own result is for the caller to judge.</exception>
    internal async Task<ToolResult> RunAsync(ToolCommand pgRestore, CancellationToken cancellationToken)
    {
        if (Input is not null)
        {
            return await ToolProcess.RunAsync(pgRestore with { Input = Input }, cancellationToken).ConfigureAwait(false);
        }

        if (_path is not null)
        {
            return await ToolProcess.RunAsync(
                pgRestore with { Arguments = [.. pgRestore.Arguments, _path] }, cancellationToken).ConfigureAwait(false);
        }

        var (decrypted, readers) = await ToolRelay.RunAsync(_decryptor!.Command(Encrypted), [pgRestore], cancellationToken)
            .ConfigureAwait(false);
        if (decrypted is not null)
        {
            _decryptor.Require(decrypted);
        }

        return readers[0]!;
    }

    private static void RequireRoom(string folder, long bytes)
    {
        try
        {
            new FreeSpace(folder).Require(bytes);
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.DiskFull)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull,
                $"There is no room below {Path.GetTempPath()} to decrypt {PgSize.Format(bytes)}.",
                "Nothing was decrypted.",
                "Make room, or name a folder on another disk in the environment variable TMPDIR (TEMP on Windows).",
                error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();
}
