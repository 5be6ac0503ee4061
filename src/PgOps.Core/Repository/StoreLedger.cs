using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// The ledger of drills in a store. A store has no locks: the new ledger is written as a whole and read back, and written again when
/// another drill's entry came in between.
/// </summary>
internal static class StoreLedger
{
    private const int Attempts = 6;

    /// <summary>Enters a drill in the ledger beside the backup.</summary>
    /// <param name="drill">The drill; its backup's path is a URI.</param>
    /// <param name="key">Signs the entry when it can.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What a person should know about the ledger; null when all is well.</returns>
    /// <exception cref="PgOpsException">The store cannot be written, or others keep writing.</exception>
    internal static async Task<string?> AppendAsync(PgDrill drill, BackupKey? key, CancellationToken cancellationToken)
    {
        var uri = StoreUri.Parse(drill.Backup.Path);
        using var store = RemoteStore.Open(uri.Parent!, new Throttle(null));
        var manifest = StoreUri.Join(uri.Name, ManifestJson.FileName);
        var list = StoreUri.Join(uri.Name, HashList.FileName);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var read = await store.ReadAsync([DrillLedger.FileName, manifest, list], cancellationToken).ConfigureAwait(false);
            var hashes = (DrillLedger.HashOf(read.GetValueOrDefault(manifest)), DrillLedger.HashOf(read.GetValueOrDefault(list)));
            var ledger = read.GetValueOrDefault(DrillLedger.FileName) ?? [];
            var (whole, line, remark) = DrillLedger.Extend(ledger, drill, hashes, key, store.Uri.Child(DrillLedger.FileName).ToString());
            await store.WriteAsync(DrillLedger.FileName, [.. ledger.AsSpan(0, whole), .. line], cancellationToken).ConfigureAwait(false);
            await Task.Delay(Backoff.Pause(attempt), cancellationToken).ConfigureAwait(false);
            var after = await store.ReadAsync([DrillLedger.FileName], cancellationToken).ConfigureAwait(false);
            if (after.GetValueOrDefault(DrillLedger.FileName).AsSpan().IndexOf(line) >= 0)
            {
                return remark;
            }
        }

        throw new PgOpsException(PgErrorCode.StoreFailed, $"{store.Uri.Child(DrillLedger.FileName)} does not keep what is written to it.");
    }
}
