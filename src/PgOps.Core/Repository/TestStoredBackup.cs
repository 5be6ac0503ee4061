using System.Diagnostics;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// Tests a backup where it lies: every file streams through its hash, and only the table of contents is fetched, unless all is needed.
/// </summary>
internal static class TestStoredBackup
{
    /// <summary>Tests it.</summary>
    /// <param name="request">Which one; its path is a URI.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    internal static async Task<PgBackupTest> RunAsync(TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var startedAt = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        var backup = await StoredBackups.ReadAsync(request.Path, cancellationToken).ConfigureAwait(false);
        var uri = StoreUri.Parse(backup.Path);
        using var store = FileStore.Open(uri.Parent!);
        var (found, list) = await StoredFiles.OfAsync(store, uri.Name, cancellationToken).ConfigureAwait(false);
        var there = found.OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        var whole = request.Deep || request.Key is not null || there.Exists(file => file.Name == HashList.SignatureFileName);
        if (backup.Manifest is { } manifest
            && (whole || manifest.Payload.Encryption is not null || DumpFormat.IsScript(manifest.Payload.Format)))
        {
            // Unpacking, decrypting, a signature, and a script to its last table take all of it: it is brought here once.
            using var fetched = await FetchedBackup.TakeAsync(backup, sink, cancellationToken).ConfigureAwait(false);
            var test = await fetched.UseAsync(() => new TestBackup().RunAsync(
                request with { Path = fetched.Backup.Folder, Title = uri.Name }, sink, cancellationToken)).ConfigureAwait(false);
            return test with { Backup = backup, StartedAt = startedAt, Checks = fetched.Named(test.Checks), Duration = clock.Elapsed };
        }

        using var progress = new ProgressActivity(sink, $"Testing {uri.Name}");
        var payload = there.Where(file => file.Name != HashList.FileName).ToList();
        var meter = new TransferMeter(progress, payload.Sum(file => file.Bytes), new Throttle(null));
        var files = await store.HashAsync(uri.Name, payload, meter, cancellationToken).ConfigureAwait(false);
        var read = await store.ReadAsync([StoreUri.Join(uri.Name, ManifestJson.FileName)], cancellationToken).ConfigureAwait(false);
        var hashing = clock.Elapsed;
        List<PgCheck> checks =
        [
            BackupChecks.Files([.. payload.Select(file => file.Name)], list),
            BackupChecks.Hashes(files, list) with { Duration = hashing },
            BackupChecks.Manifest(read.GetValueOrDefault(StoreUri.Join(uri.Name, ManifestJson.FileName)), files),
        ];
        var contents = await ContentsAsync(store, backup, payload, request, checks, cancellationToken).ConfigureAwait(false);
        checks.Add(contents with { Duration = clock.Elapsed - hashing });
        return new PgBackupTest
        {
            Backup = backup,
            Checks = checks,
            Files = there.Count,
            Bytes = there.Sum(file => file.Bytes),
            StartedAt = startedAt,
            Duration = clock.Elapsed,
        };
    }

    private static async Task<PgCheck> ContentsAsync(
        FileStore store,
        PgBackup backup,
        List<StoredFile> files,
        TestBackupRequest request,
        IReadOnlyList<PgCheck> before,
        CancellationToken cancellationToken)
    {
        var name = StoreUri.Parse(backup.Path).Name;
        if (backup.Manifest is not { } manifest)
        {
            return await BackupChecks.ContentsAsync(backup, request, before, cancellationToken).ConfigureAwait(false);
        }

        // One file begins with its table of contents, and pg_restore reads no further; a folder has it in a file of its own.
        if (files.Any(file => file.Name == manifest.Payload.Path))
        {
            var stream = await store.OpenAsync(StoreUri.Join(name, manifest.Payload.Path), cancellationToken).ConfigureAwait(false);
            await using var closing = stream.ConfigureAwait(false);
            return await BackupChecks.ContentsAsync(backup, request, before, cancellationToken, stream).ConfigureAwait(false);
        }

        var folder = new PrivateFolder();
        using var fetched = new FetchedBackup(backup with { FetchedTo = folder.Path }, folder);
        var contents = files.Where(file => file.Name == StoreUri.Join(manifest.Payload.Path, "toc.dat")).ToList();
        await store.FetchAsync(name, contents, folder.Path, TransferMeter.Silent, cancellationToken).ConfigureAwait(false);
        return await fetched.UseAsync(async () => fetched.Named(
            [await BackupChecks.ContentsAsync(fetched.Backup, request, before, cancellationToken).ConfigureAwait(false)])[0])
                .ConfigureAwait(false);
    }
}
