using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository;

namespace PgOps.Core.Backups;

/// <summary>How much room a backup will need.</summary>
internal static class DumpEstimate
{
    private const double CompressedShare = 0.2;
    private const double Margin = 1.1;

    /// <summary>How long it will be about: as the last one of this database was, else a share of what its tables hold.</summary>
    /// <param name="parent">The folder of backups.</param>
    /// <param name="database">The database.</param>
    /// <param name="databaseBytes">Its size now.</param>
    /// <param name="tables">Its tables.</param>
    /// <param name="uncompressed">Whether the dump is not compressed.</param>
    /// <returns>Bytes.</returns>
    internal static long Of(string parent, string database, long databaseBytes, IReadOnlyList<DumpedTable> tables, bool uncompressed)
    {
        var last = Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent, PartialFolder.SafeName(database) + "_*").OrderDescending(StringComparer.Ordinal)
                .Select(TryRead)
                .FirstOrDefault(backup => backup is { IsWhole: true, Manifest.Facts.Bytes: > 0 } && backup.Database == database)
            : null;
        return last is not null
            ? (long)(last.Bytes * Margin * databaseBytes / last.Manifest!.Facts.Bytes)
            : (long)(tables.Sum(table => table.Bytes) * (uncompressed ? 1 : CompressedShare));
    }

    private static PgBackup? TryRead(string folder)
    {
        try
        {
            return BackupFolder.Read(folder);
        }
        catch (PgOpsException)
        {
            return null;
        }
    }
}
