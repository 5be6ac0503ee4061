using System.Diagnostics;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Repository.Encryption;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// Tests a backup at rest: every file is there and no other, every byte is the one that was written (the list of hashes and the
/// manifest included), the manifest makes sense, and pg_restore reads the table of contents. A drill proves more.
/// </summary>
internal sealed class TestBackup
{
    /// <summary>Tests it.</summary>
    /// <param name="request">Which one.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The checks.</returns>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or DecryptionFailed with a given identity; a damaged backup is a
    /// failed check, not an exception.</exception>
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
        if (DumpFormat.IsPacked(backup.Format) && request.Packed is null)
        {
            return await TestPackedAsync(backup, request, sink, cancellationToken).ConfigureAwait(false);
        }

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

    /// <summary>The first step of every restore and drill: the backup's files are what its hashes say.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="request">How to test: the key, the identity, pg_restore's folder; its path is the backup's.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or DecryptionFailed.</exception>
    internal static async Task<BackupProof> ProveAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        // What cannot be decrypted is better said now than after all of it was read.
        _ = Decryptor.For(BackupFolder.Read(backup.Folder), request.Identity);
        var (test, script) = await TestAsync(
            request with
            {
                Path = backup.Folder,
                Title = StoreUri.NameOf(backup.Path),
                Packed = backup is { Foreign: true, FetchedTo: not null } ? backup : null,
            },
            sink,
            cancellationToken).ConfigureAwait(false);
        var signature = test.Checks.SingleOrDefault(check => check.Name == SignatureCheck.Name);
        var read = test.Backup with
        {
            Path = backup.Path,
            FetchedTo = backup.FetchedTo,
            Manifest = test.Backup.Foreign ? (script ?? new DumpScript()).Assume(test.Backup) : test.Backup.Manifest,
            Proven = backup.Proven,
            ProvenAt = backup.ProvenAt,
            ProvenBy = backup.ProvenBy,
            Source = backup.Source,
            Warnings = backup.Warnings,
            Duration = backup.Duration,
        };
        var wrong = test.Checks.Where(check => check != signature && check.Status == PgCheckStatus.Failed)
            .Select(check => check.Detail).ToList();
        if (wrong.Count == 0 && read.Manifest is null)
        {
            wrong.Add("the manifest cannot be read" + (read.Problem is null ? "" : ": " + read.Problem));
        }

        if (wrong.Count == 0 && backup.Id.Length > 0 && backup.Id != read.Id)
        {
            wrong.Add($"the folder holds the backup {read.Id}, not {backup.Id}");
        }

        if (read.Foreign && wrong.Count == 0)
        {
            var compared = test.Checks.First(one => one.Name == PgCheckName.Hashes);
            return new BackupProof(compared with { Duration = test.Duration }, read, script, null);
        }

        if (wrong.Count == 0 && signature?.Status != PgCheckStatus.Failed)
        {
            read = await SealedManifest.OpenAsync(read, request.Identity, cancellationToken).ConfigureAwait(false);
        }

        var check = test.Checks.Count > 0 && wrong.Count == 0
            ? PgCheck.Pass(
                PgCheckName.Hashes, $"{PgAmount.Of(test.Files, "file")}, {PgAmount.Of(test.Bytes, "byte")}, as recorded")
            : PgCheck.Fail(PgCheckName.Hashes, wrong.Count > 0 ? string.Join("; ", wrong) : "nothing could be checked");
        return new BackupProof(check with { Duration = test.Duration }, read, script, signature);
    }

    private static async Task<(PgBackupTest Test, DumpScript? Script)> TestPackedAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var startedAt = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        try
        {
            using var unpacked = await FetchedBackup.TakeAsync(backup, sink, cancellationToken).ConfigureAwait(false);
            var (test, script) = await unpacked.UseAsync(() => TestAsync(
                request with { Path = unpacked.Backup.Folder, Packed = backup, Title = Path.GetFileName(backup.Path) },
                sink,
                cancellationToken)).ConfigureAwait(false);
            return (test with
            {
                Backup = backup,
                Files = 1,
                Bytes = backup.Bytes,
                StartedAt = startedAt,
                Checks = unpacked.Named(test.Checks),
                Duration = clock.Elapsed,
            }, script);
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.BackupDamaged)
        {
            var test = new PgBackupTest
            {
                Backup = backup,
                Checks = [PgCheck.Fail(PgCheckName.Files, error.Problem)],
                Files = 1,
                Bytes = backup.Bytes,
                StartedAt = startedAt,
                Duration = clock.Elapsed,
            };
            return (test, null);
        }
    }

    private static async Task<(PgBackupTest Test, DumpScript? Script)> CheckAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var readLock = await BackupReadLock.TakeAsync(backup.Path, cancellationToken).ConfigureAwait(false);
        using var progress = new ProgressActivity(sink, $"Testing {request.Title ?? Path.GetFileName(backup.Path)}");
        if (backup.Foreign)
        {
            var foreign = await ForeignTest.RunAsync(backup, request, progress, cancellationToken).ConfigureAwait(false);
            var all = request.Deep && !DumpFormat.IsScript(backup.Format) && backup.Format.Length > 0
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
        if (Path.GetExtension(backup.Path) is FileEndings.Partial or FileEndings.Removing
            || !Directory.EnumerateFileSystemEntries(backup.Path).Any())
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
