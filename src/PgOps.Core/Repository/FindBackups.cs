using System.Collections.Concurrent;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Lists backups, newest first, foreign dumps included. An unfinished or damaged one is listed too, with its problem.</summary>
public sealed class FindBackups
{
    /// <summary>Lists them.</summary>
    /// <param name="request">Where, and which.</param>
    /// <param name="sink">Receives a failure for each backup that cannot be read.</param>
    /// <param name="cancellationToken">Stops looking.</param>
    /// <returns>The backups.</returns>
    /// <exception cref="PgOpsException">PathNotFound; PathInaccessible.</exception>
    public Task<IReadOnlyList<PgBackup>> RunAsync(FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private Task<IReadOnlyList<PgBackup>> WorkAsync(FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);

        // Names, headers and manifests only, but a share may be slow: off the caller's thread.
        return Task.Run(() => FindAsync(request, sink, cancellationToken), cancellationToken);
    }

    private static async Task<IReadOnlyList<PgBackup>> FindAsync(
        FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var (found, proven) = StoreUri.IsRemote(request.Path)
            ? await StoredBackups.FindAsync(request.Path, cancellationToken, request.Key, sink.Log).ConfigureAwait(false)
            : InFolder(request, sink, cancellationToken);
        var wanted = LatestBackup.NewestFirst(found
            .Select(backup => DrillLedger.Mark(backup, proven))
            .Where(backup => IsWanted(backup, request))).ToList();
        return request.Latest ? LatestBackup.OfEach(wanted, request, DateTime.UtcNow, sink) : wanted;
    }

    private static (IReadOnlyCollection<PgBackup> Found, IReadOnlyDictionary<string, DrillProof> Proven) InFolder(
        FindBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path));
        var single = !Directory.Exists(root) || BackupFolder.IsBackup(root) || ForeignDump.IsFolder(root);
        var parent = single ? Path.GetDirectoryName(root) : root;
        var found = single ? [BackupFolder.Read(root)] : ReadAll(Candidates(root), sink, cancellationToken);

        if (parent is null)
        {
            return (found, new Dictionary<string, DrillProof>());
        }

        var holds = BackupHolds.ReadFolder(parent, sink.Log);
        return ([.. found.Select(backup => BackupHolds.Mark(backup, holds))], DrillLedger.ReadProven(parent, request.Key));
    }

    private static ConcurrentBag<PgBackup> ReadAll(IEnumerable<string> paths, IOperationSink sink, CancellationToken cancellationToken)
    {
        var found = new ConcurrentBag<PgBackup>();
        Parallel.ForEach(paths, new ParallelOptions { CancellationToken = cancellationToken }, path =>
        {
            try
            {
                found.Add(BackupFolder.Read(path));
            }
            catch (PgOpsException error)
            {
                // One that was finished or removed since the folder was read is not an error.
                if (error.Code != PgErrorCode.PathNotFound)
                {
                    sink.Failure(error);
                }
            }
        });
        return found;
    }

    private static bool IsWanted(PgBackup backup, FindBackupsRequest request)
        => request.Database?.Invoke(backup.Database) != false
            && (request.Before is not { } before || backup.SnapshotAt < before)
            && (request.After is not { } after || backup.SnapshotAt >= after)
            && (request.Label is not { } label || (backup.Label is { } given && label(given)))
            && (backup.Part is not null || !request.Part)
            && (backup.Proven || !request.Proven);

    private static IEnumerable<string> Candidates(string root)
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories(root).Where(folder => BackupFolder.IsBackup(folder) || ForeignDump.IsFolder(folder)),
                .. Directory.EnumerateFiles(root).Where(ForeignDump.IsFile),
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(PgErrorCode.PathInaccessible, $"Cannot read {root}: {error.Message}", innerException: error);
        }
    }
}
