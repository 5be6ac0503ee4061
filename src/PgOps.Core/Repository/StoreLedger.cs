using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// The ledger of drills in a store, and what else lies beside backups and grows by lines. A store has no locks: the new file is written as
/// a whole and read back, and written again when another's line came in between.
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
    internal static Task<string?> AppendAsync(PgDrill drill, BackupKey? key, CancellationToken cancellationToken)
    {
        var name = StoreUri.Parse(drill.Backup.Path).Name;
        var (manifest, list) = (StoreUri.Join(name, ManifestJson.FileName), StoreUri.Join(name, HashList.FileName));
        return AppendAsync(
            drill.Backup,
            DrillLedger.FileName,
            [manifest, list],
            (ledger, read, place) => DrillLedger.Extend(
                ledger, drill,
                (DrillLedger.HashOf(read.GetValueOrDefault(manifest)), DrillLedger.HashOf(read.GetValueOrDefault(list))), key, place),
            cancellationToken);
    }

    /// <summary>Adds a line to a file beside a backup.</summary>
    /// <param name="backup">The backup; its path is a URI.</param>
    /// <param name="fileName">The file beside it.</param>
    /// <param name="besides">Other files to read for each attempt.</param>
    /// <param name="extend">Gives of the file, of what was read and of its place how much of it stays, the next line, and a remark.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The remark.</returns>
    /// <exception cref="PgOpsException">The store cannot be written, or others keep writing.</exception>
    internal static async Task<string?> AppendAsync(
        PgBackup backup,
        string fileName,
        IReadOnlyList<string> besides,
        Func<byte[], IReadOnlyDictionary<string, byte[]>, string, (int Whole, byte[] Line, string? Remark)> extend,
        CancellationToken cancellationToken)
    {
        using var store = RemoteStore.Open(StoreUri.Parse(backup.Path).Parent!, new Throttle(null));
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var read = await store.ReadAsync([fileName, .. besides], cancellationToken).ConfigureAwait(false);
            var file = read.GetValueOrDefault(fileName) ?? await MissingAsync(store, fileName, cancellationToken).ConfigureAwait(false);
            var (whole, line, remark) = extend(file, read, store.Uri.Child(fileName).ToString());
            byte[] written = [.. file.AsSpan(0, whole), .. line];
            await store.WriteAsync(fileName, written, cancellationToken).ConfigureAwait(false);
            await Task.Delay(Backoff.Pause(attempt), cancellationToken).ConfigureAwait(false);
            if (await IsKeptAsync(store, fileName, written, line, cancellationToken).ConfigureAwait(false))
            {
                return remark;
            }
        }

        throw new PgOpsException(PgErrorCode.StoreFailed, $"{store.Uri.Child(fileName)} does not keep what is written to it.");
    }

    /// <summary>A file that was not found: it begins here, unless a listing shows it. Then all its lines would be lost.</summary>
    private static async Task<byte[]> MissingAsync(RemoteStore store, string fileName, CancellationToken cancellationToken)
        => (await store.ListAsync("", cancellationToken).ConfigureAwait(false)).Any(file => file.Name == fileName)
            ? await StoredFiles.InsistAsync(store, fileName, RemoteStore.Patience, cancellationToken).ConfigureAwait(false)
            : [];

    /// <summary>
    /// Whether the line is in the file. While the service shows what the file was before, or none, nobody else has written it: it is late.
    /// </summary>
    /// <exception cref="PgOpsException">StoreFailed: it is late for too long.</exception>
    private static async Task<bool> IsKeptAsync(
        RemoteStore store, string fileName, byte[] written, byte[] line, CancellationToken cancellationToken)
    {
        var kept = false;
        return await RemoteStore.Waiting(RemoteStore.Patience).UntilAsync(
            async () =>
            {
                var after = (await store.ReadAsync([fileName], cancellationToken).ConfigureAwait(false)).GetValueOrDefault(fileName) ?? [];
                kept = after.AsSpan().IndexOf(line) >= 0;
                return kept || !written.AsSpan().StartsWith(after);
            },
            cancellationToken).ConfigureAwait(false)
            ? kept
            : throw new PgOpsException(
                PgErrorCode.StoreFailed,
                $"{store.Uri.Child(fileName)}: the service accepted a line and does not show it, "
                    + $"{PgSize.Format(RemoteStore.Patience)} later.",
                "What was written stays there; it may show later.",
                "Look whether it does, before the command is run again: the line would stand there twice.");
    }
}
