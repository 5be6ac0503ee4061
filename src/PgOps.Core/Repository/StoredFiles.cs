using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// The files of a backup, and those beside the backups, where a service's listing lags behind what was written or removed: a file is
/// missing only when the service, asked for it by name, does not have it either.
/// </summary>
internal static class StoredFiles
{
    // A listing lags by what was written in the last moments. Where more is missing, more than one question each would cost too much.
    private const int MostSought = 200;

    /// <summary>The files of a backup, with its list of hashes; null when there is no list.</summary>
    internal static async Task<(IReadOnlyList<StoredFile> Files, byte[]? List)> OfAsync(
        FileStore store, string backup, CancellationToken cancellationToken)
    {
        var listed = await store.ListAsync(backup, cancellationToken).ConfigureAwait(false);
        var list = await ListOfAsync(store, backup, cancellationToken).ConfigureAwait(false);
        return (await CompleteAsync(store, backup, listed, list, cancellationToken).ConfigureAwait(false), list);
    }

    /// <summary>A backup's list of hashes; null when there is none.</summary>
    internal static async Task<byte[]?> ListOfAsync(FileStore store, string backup, CancellationToken cancellationToken)
        => (await store.ReadAsync([StoreUri.Join(backup, HashList.FileName)], cancellationToken)
            .ConfigureAwait(false)).Values.FirstOrDefault();

    /// <summary>Adds to the files that a listing shows those that the list of hashes names and that are there, too.</summary>
    internal static async Task<IReadOnlyList<StoredFile>> CompleteAsync(
        FileStore store, string backup, IReadOnlyList<StoredFile> listed, byte[]? list, CancellationToken cancellationToken)
    {
        var missing = Named(list).Except(listed.Select(file => file.Name), StringComparer.Ordinal).ToList();
        return missing.Except([HashList.SignatureFileName]).Any() && missing.Count <= MostSought
            ? [.. listed, .. await store.SeekAsync(backup, missing, cancellationToken).ConfigureAwait(false)]
            : listed;
    }

    /// <summary>The names of the files that a backup with this list has, or may have.</summary>
    internal static IEnumerable<string> Named(byte[]? list)
        => list is null ? []
            : [.. HashList.Parse(list).Hashes.Keys.Where(FileNames.IsSafe), HashList.FileName, HashList.SignatureFileName];

    /// <summary>Whether a store has any of the files that its listing shows, which may have been removed a moment ago.</summary>
    internal static async Task<bool> HasAnyAsync(
        FileStore store, string backup, IEnumerable<string> listed, CancellationToken cancellationToken)
        => !store.ListsLate
            || (await store.SeekAsync(backup, [.. listed.Take(MostSought / 10)], cancellationToken).ConfigureAwait(false)).Count > 0;

    /// <summary>
    /// Reads a file that a listing shows, and that must not count as empty: a ledger, or the holds. It is asked for until it comes.
    /// </summary>
    /// <exception cref="PgOpsException">StoreFailed: it does not come.</exception>
    internal static async Task<byte[]> InsistAsync(FileStore store, string name, TimeSpan patience, CancellationToken cancellationToken)
    {
        byte[]? content = null;
        return await RemoteStore.Waiting(patience).UntilAsync(
            async () => (content = (await store.ReadAsync([name], cancellationToken).ConfigureAwait(false)).GetValueOrDefault(name))
                is not null,
            cancellationToken).ConfigureAwait(false)
            ? content!
            : throw new PgOpsException(
                PgErrorCode.StoreFailed,
                $"{store.Uri.Child(name)}: the service lists it, and does not give it.",
                "What it holds is not known, so nothing was written, and nothing was decided without it.",
                "Run the command again later; if it stays so, look after the service.");
    }
}
