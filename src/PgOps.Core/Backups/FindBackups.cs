using PgOps.Core.Drills;
using PgOps.Core.Operations;
using PgOps.Core.Stores;

namespace PgOps.Core.Backups;

/// <summary>Where to look for backups, and for which.</summary>
public sealed record FindBackupsRequest
{
    /// <summary>A backup's folder or a folder of backups, or the URI of either in a store.</summary>
    public required string Path { get; init; }

    /// <summary>Only backups of this database; null takes all.</summary>
    public string? Database { get; init; }

    /// <summary>Only the newest complete backup of each database.</summary>
    public bool Latest { get; init; }
}

/// <summary>Lists backups, newest first. An unfinished or damaged one is listed too, with its problem.</summary>
public sealed class FindBackups
{
    /// <summary>Lists them.</summary>
    /// <param name="request">Where, and which.</param>
    /// <param name="sink">Receives a failure for each folder that cannot be read.</param>
    /// <param name="cancellationToken">Stops looking.</param>
    /// <returns>The backups.</returns>
    /// <exception cref="PgOpsException">PathNotFound; PathInaccessible.</exception>
    public Task<IReadOnlyList<PgBackup>> RunAsync(FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);

        // Names and manifests only, but a share may be slow: off the caller's thread.
        return Task.Run(() => FindAsync(request, sink, cancellationToken), cancellationToken);
    }

    private static async Task<IReadOnlyList<PgBackup>> FindAsync(
        FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var (found, proven) = StoreUri.IsRemote(request.Path)
            ? await StoredBackups.FindAsync(request.Path, cancellationToken).ConfigureAwait(false)
            : InFolder(request, sink, cancellationToken);
        var wanted = found
            .Where(backup => request.Database is null || backup.Database == request.Database)
            .Select(backup => backup.Complete && proven.TryGetValue(backup.Id, out var at)
                ? backup with { Proven = true, ProvenAt = at }
                : backup)
            .OrderByDescending(backup => backup.SnapshotAt).ThenByDescending(backup => backup.Path, StringComparer.Ordinal);
        return request.Latest
            ? [.. wanted.Where(backup => backup.Complete).DistinctBy(backup => backup.Database)]
            : [.. wanted];
    }

    private static (IReadOnlyList<PgBackup> Found, IReadOnlyDictionary<string, DateTime> Proven) InFolder(
        FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path));
        var single = !Directory.Exists(root) || BackupFolder.IsBackup(root);
        var parent = single ? Path.GetDirectoryName(root) : root;
        var found = new List<PgBackup>();
        foreach (var folder in single ? [root] : Folders(root))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                found.Add(BackupFolder.Read(folder));
            }
            catch (PgOpsException error) when (!single)
            {
                sink.Failure(error);
            }
        }

        return (found, parent is null ? new Dictionary<string, DateTime>() : DrillLedger.ReadProven(parent));
    }

    private static IEnumerable<string> Folders(string root)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(root).Where(BackupFolder.IsBackup)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(PgErrorCode.PathInaccessible, $"Cannot read {root}: {error.Message}", innerException: error);
        }
    }
}
