using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// A backup whose files are on this machine and can be read: a folder's as it is, a store's, and what a packed foreign dump holds, in a
/// private temporary folder until disposed of.
/// </summary>
internal sealed class FetchedBackup : IDisposable
{
    private readonly PrivateFolder? _folder;

    /// <summary>Takes over the folder.</summary>
    /// <param name="backup">The backup, which knows where its files are.</param>
    /// <param name="folder">The folder that holds them; null when they are where they were.</param>
    internal FetchedBackup(PgBackup backup, PrivateFolder? folder)
    {
        Backup = backup;
        _folder = folder;
    }

    /// <summary>The backup, which knows where its files were fetched to.</summary>
    internal PgBackup Backup { get; }

    /// <summary>Fetches the files of a backup in a store. Nothing is checked yet: whoever reads them does.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops, and removes what was fetched.</param>
    /// <exception cref="PgOpsException">DiskFull before anything is fetched; StoreFailed; BackupDamaged for names that lead
    /// elsewhere.</exception>
    internal static async Task<FetchedBackup> TakeAsync(PgBackup backup, IOperationSink sink, CancellationToken cancellationToken)
    {
        if (!StoreUri.IsRemote(backup.Path))
        {
            return backup.Foreign && DumpFormat.IsPacked(backup.Format)
                ? await UnpackAsync(backup, sink, cancellationToken).ConfigureAwait(false)
                : new FetchedBackup(backup, null);
        }

        var uri = StoreUri.Parse(backup.Path);
        using var store = FileStore.Open(uri.Parent!);
        var (files, _) = await StoredFiles.OfAsync(store, uri.Name, cancellationToken).ConfigureAwait(false);
        FileNames.RefuseUnsafe(uri, files.Select(file => file.Name));
        FreeSpace.Require(
            Path.GetTempPath(), files.Sum(file => file.Bytes), "Make room, or let TMPDIR (TEMP on Windows) name a folder on another disk.");
        var folder = new PrivateFolder(sink.Log);
        try
        {
            using var progress = new ProgressActivity(sink, $"Fetching {uri.Name}");
            var meter = new TransferMeter(progress, files.Sum(file => file.Bytes), new Throttle(null));

            // A level below the owner file, which is not a file of the backup.
            var place = Path.Combine(folder.Path, "backup");
            DurableFile.CreateFolder(place);
            await store.FetchAsync(uri.Name, files, place, meter, cancellationToken).ConfigureAwait(false);
            return new FetchedBackup(backup with { FetchedTo = place }, folder);
        }
        catch (Exception error)
        {
            folder.Dispose();
            if (error is IOException)
            {
                throw FreeSpace.Error(Path.GetTempPath(), error);
            }

            throw;
        }
    }

    private static async Task<FetchedBackup> UnpackAsync(PgBackup backup, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var readLock = await BackupReadLock.TakeAsync(backup.Path, cancellationToken).ConfigureAwait(false);
        FreeSpace.Require(Path.GetTempPath(), backup.Bytes, "Make room, or let TMPDIR (TEMP on Windows) name a folder on another disk.");
        var folder = new PrivateFolder(sink.Log);
        return await folder.OrDisposeAsync(async () =>
        {
            try
            {
                var path = await UnpackedDump.TakeAsync(backup, folder.Path, sink, cancellationToken).ConfigureAwait(false);
                return new FetchedBackup(backup with { FetchedTo = path }, folder);
            }
            catch (IOException error) when (DurableFile.IsFull(error))
            {
                throw FreeSpace.Error(Path.GetTempPath(), error);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>Works with the files. What goes wrong names the store: the temporary folder is gone when it is read.</summary>
    internal async Task<T> UseAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (PgOpsException error) when (_folder is not null)
        {
            throw error.InState(
                Named(error.State),
                Named(error.Problem),
                Named(error.NextStep),
                error.Subject is PgBackup ? Backup with { FetchedTo = null } : error.Subject);
        }
    }

    /// <summary>Checks that name the store.</summary>
    internal IReadOnlyList<PgCheck> Named(IEnumerable<PgCheck> checks)
        => [.. checks.Select(check => check with { Detail = Named(check.Detail)! })];

    private string? Named(string? text) => _folder is null || text is null ? text : Regex.Replace(
        text,
        Regex.Escape(Backup.Folder) + @"(?:[/\\](?<file>[^\s""':;,]*[^\s""':;,.]))?",
        found =>
        {
            if (!StoreUri.IsRemote(Backup.Path))
            {
                return Backup.Path;
            }

            var (uri, file) = (StoreUri.Parse(Backup.Path), found.Groups["file"]);
            return (file.Success ? uri.Child(file.Value.Replace('\\', '/')) : uri).ToString();
        });

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();
}
