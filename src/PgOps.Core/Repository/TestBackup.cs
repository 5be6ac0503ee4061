using System.Diagnostics;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// Tests a backup at rest: every file is there and no other, every byte is the one that was written (the list of hashes and the
/// manifest included), the manifest makes sense, and pg_restore reads the table of contents. A drill proves more.
/// </summary>
public sealed class TestBackup
{
    /// <summary>Tests it.</summary>
    /// <param name="request">Which one.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The checks.</returns>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or DecryptionFailed with a given identity; a damaged backup is a failed check, not an exception.</exception>
    public Task<PgBackupTest> RunAsync(TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgBackupTest> WorkAsync(TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        return (await TestAsync(request, sink, cancellationToken).ConfigureAwait(false)).Test;
    }

    /// <summary>As <see cref="RunAsync"/>, with what a foreign dump says about itself, which took a reading of all of it to know.</summary>
    internal static async Task<(PgBackupTest Test, DumpScript? Script)> TestAsync(
        TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        if (StoreUri.IsRemote(request.Path))
        {
            return (await TestStoredBackup.RunAsync(request, sink, cancellationToken).ConfigureAwait(false), null);
        }

        var startedAt = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        var backup = BackupFolder.Read(request.Path);
        try
        {
            var (test, script) = await CheckAsync(backup, request, sink, cancellationToken).ConfigureAwait(false);
            return (test with { StartedAt = startedAt, Duration = clock.Elapsed }, script);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"Cannot read {backup.Path}: {error.Message}",
                nextStep: "If the permissions are right, the disk may be failing: copy the backup elsewhere and test the copy.",
                innerException: error)
            { Subject = backup };
        }
    }

    private static async Task<(PgBackupTest Test, DumpScript? Script)> CheckAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var mark = await ReadingMark.TakeAsync(backup.Path, cancellationToken).ConfigureAwait(false);
        using var progress = new ProgressActivity(sink, $"Testing {request.Title ?? Path.GetFileName(backup.Path)}");
        if (backup.Foreign)
        {
            var foreign = await ForeignTest.RunAsync(backup, request, progress, cancellationToken).ConfigureAwait(false);
            var all = request.Deep && !ForeignDump.IsScript(backup.Format) && backup.Format.Length > 0
                ? foreign.Checks.Append(await BackupChecks.UnpackAsync(backup, request, cancellationToken).ConfigureAwait(false))
                : foreign.Checks;
            var count = Directory.Exists(backup.Path) ? HashList.Files(backup.Path).Count : 1;
            return (new PgBackupTest { Backup = backup, Checks = [.. all], Files = count, Bytes = backup.Bytes }, foreign.Script);
        }

        return (await CheckAsync(backup, request, progress, cancellationToken).ConfigureAwait(false), null);
    }

    private static async Task<PgBackupTest> CheckAsync(
        PgBackup backup, TestBackupRequest request, ProgressActivity progress, CancellationToken cancellationToken)
    {
        if (Path.GetExtension(backup.Path) is FileEndings.Partial or FileEndings.Removing || !Directory.EnumerateFileSystemEntries(backup.Path).Any())
        {
            return new PgBackupTest { Backup = backup, Checks = [PgCheck.Fail(PgCheckName.Files, $"No backup: {backup.Problem}.")] };
        }

        var names = HashList.Files(backup.Path);
        var clock = Stopwatch.StartNew();
        var files = await HashList.HashAsync(backup.Path, names, progress, cancellationToken).ConfigureAwait(false);
        var list = await ReadAsync(backup.Path, HashList.FileName, cancellationToken).ConfigureAwait(false);
        var manifestJson = await ReadAsync(backup.Path, ManifestJson.FileName, cancellationToken).ConfigureAwait(false);
        var hashing = clock.Elapsed;
        List<PgCheck> checks =
        [
            BackupChecks.Files(names, list),
            BackupChecks.Hashes(files, list) with { Duration = hashing },
            BackupChecks.Manifest(manifestJson, files),
        ];
        if (SignatureCheck.Take(backup.Path, list, request.Key) is { } signature)
        {
            checks.Add(signature);
        }

        clock.Restart();
        var contents = await BackupChecks.ContentsAsync(backup, request, checks, cancellationToken).ConfigureAwait(false);
        checks.Add(contents with { Duration = clock.Elapsed });
        if (request.Deep && backup.Manifest is not null)
        {
            progress.Report("unpacking");
            clock.Restart();
            var unpacked = await BackupChecks.UnpackAsync(backup, request, cancellationToken).ConfigureAwait(false);
            checks.Add(unpacked with { Duration = clock.Elapsed });
        }

        return new PgBackupTest
        {
            Backup = backup,
            Checks = checks,
            Files = files.Count + (list is null ? 0 : 1),
            Bytes = files.Sum(file => file.Bytes) + (list?.Length ?? 0),
        };
    }

    /// <summary>The check of the hashes alone, for whoever is about to read the backup.</summary>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    internal static async Task<PgCheck> HashesAsync(string folder, CancellationToken cancellationToken)
    {
        var files = await HashList.HashAsync(folder, HashList.Files(folder), null, cancellationToken).ConfigureAwait(false);
        return BackupChecks.Hashes(files, await ReadAsync(folder, HashList.FileName, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>A file's bytes; null when it is not there.</summary>
    private static async Task<byte[]?> ReadAsync(string folder, string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false) : null;
    }
}
