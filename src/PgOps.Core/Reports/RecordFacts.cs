using System.Security.Cryptography;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Reports;

/// <summary>
/// What a report lists of each kind of record besides its verdict. A kind that is not named here is reported by its checks alone.
/// </summary>
internal static class RecordFacts
{
    /// <summary>Every target that a record holds: their secrets must not show.</summary>
    internal static IEnumerable<PgTarget?> Targets(object record) => record switch
    {
        PgDrill drill => [drill.Backup.Source],
        PgRestore restore => [restore.Backup.Source, restore.Target],
        PgBackupTest test => [test.Backup.Source],
        PgBackup backup => [backup.Source],
        PgTargetTest test => [test.Target],
        PgDatabaseTest test => [test.Target],
        PgDatabaseSwitch done => [done.Target],
        PgMigration migration => [migration.Target],
        PgMigrationRun run => [run.Target, .. run.Applied.Concat(run.Baselined).Concat(run.Reverted).Select(migration => migration.Target)],
        PgDatabaseReset reset => [reset.Target, .. reset.Applied.Concat(reset.Seeded).Select(migration => migration.Target)],
        PgOpsException { Subject: PgTarget target } => [target],
        PgOpsException { Subject: PgBackup backup } => [backup.Source],
        _ => [],
    };

    /// <summary>The plain values, a target as its text, a backup with all that identifies it.</summary>
    internal static IEnumerable<ReportFact> Of(object record, ReportText text)
    {
        var backup = record switch
        {
            PgDrill drill => OfBackup(drill.Backup, text),
            PgRestore restore => OfBackup(restore.Backup, text),
            PgBackupTest test => OfBackup(test.Backup, text),
            _ => Array.Empty<ReportFact>(),
        };
        return backup.Concat(Values(record).Select(value => Fact(value.Name, value.Value, text)).OfType<ReportFact>());
    }

    /// <summary>The tables that were compared.</summary>
    internal static IReadOnlyList<PgTableComparison> Tables(object record) => record switch
    {
        PgDrill drill => drill.Tables,
        PgComparison comparison => comparison.Tables,
        _ => [],
    };

    /// <summary>Migrations with what was done to them.</summary>
    internal static IEnumerable<(PgMigration Migration, string State)> Migrations(object record) => record switch
    {
        PgMigrationRun run =>
        [
            .. run.Applied.Select(migration => (migration, nameof(run.Applied))),
            .. run.Baselined.Select(migration => (migration, nameof(run.Baselined))),
            .. run.Reverted.Select(migration => (migration, nameof(run.Reverted))),
        ],
        PgDatabaseReset reset =>
        [
            .. reset.Applied.Select(migration => (migration, nameof(reset.Applied))),
            .. reset.Seeded.Select(migration => (migration, nameof(reset.Seeded))),
        ],
        _ => [],
    };

    /// <summary>How long the work took, where it is known.</summary>
    internal static TimeSpan? Duration(object record) => record switch
    {
        PgCheckedResult result => result.Duration,
        PgMigrationRun run => run.Duration,
        PgDatabaseReset reset => reset.Duration,
        PgBackup backup => backup.Duration,
        _ => null,
    };

    /// <summary>What tells one backup from any other.</summary>
    internal static ReportFact[] OfBackup(PgBackup backup, ReportText text)
    {
        var manifest = backup.Manifest;
        return
        [
            .. new (string Name, string? Value)[]
            {
                ("backupId", backup.Id),
                ("backupPath", backup.Path),
                ("backupFormat", backup.Format),
                ("manifestSha256", ManifestHash(backup.Path)),
                ("backupPart", backup.Part),
                ("backupLabel", backup.Label),
                ("fingerprint", manifest?.Fingerprint),
                ("sourceServer", manifest is null
                    ? null
                    : $"PostgreSQL {manifest.Server.Version}, {manifest.Server.Host}:{manifest.Server.Port}"),
                ("sourceClusterId", manifest?.Server.ClusterId),
                ("walPosition", manifest?.Server.WalPosition),
                ("dumpTool", manifest?.Payload.Tool),
                ("newestMigration", manifest?.Migration is { } mark ? $"{mark.Version}_{mark.Name}" : null),
                ("migrationHistoryHash", manifest?.Migration?.HistoryHash),
                ("backupCreatedBy", manifest?.CreatedBy),
                ("backupCreatedOn", manifest?.CreatedOn),
                ("backupPgOpsVersion", manifest?.PgOpsVersion),
            }.Where(fact => !string.IsNullOrEmpty(fact.Value)).Select(fact => new ReportFact(fact.Name, text.Clean(fact.Value!))),
            new ReportFact("snapshotAt", backup.SnapshotAt.ToUniversalTime()),
            new ReportFact("backupBytes", backup.Bytes),
        ];
    }

    // The names and their order are those of pgops-report/1.
    private static (string Name, object? Value)[] Values(object record) => record switch
    {
        PgDrill drill =>
        [
            ("database", drill.Database), ("backupPassed", drill.BackupPassed), ("proven", drill.Proven),
            ("contentEqual", drill.ContentEqual),
            ("tablesCompared", drill.TablesCompared), ("rows", drill.Rows), ("recoveryTime", drill.RecoveryTime),
            ("dataAge", drill.DataAge),
            ("serverVersion", drill.ServerVersion), ("target", drill.Target),
        ],
        PgBackupTest test => [("database", test.Database), ("files", test.Files), ("bytes", test.Bytes)],
        PgRestore restore =>
        [
            ("target", restore.Target), ("tablesVerified", restore.TablesVerified), ("rows", restore.Rows),
            ("replacedDatabase", restore.ReplacedDatabase),
        ],
        PgComparison comparison => [("reference", comparison.Reference), ("difference", comparison.Difference)],
        PgTargetTest test =>
        [
            ("target", test.Target), ("serverVersion", test.ServerVersion), ("currentUser", test.CurrentUser),
            ("isSuperuser", test.IsSuperuser),
            ("encrypted", test.Encrypted), ("inRecovery", test.InRecovery), ("transactionPooler", test.TransactionPooler),
            ("databaseBytes", test.DatabaseBytes), ("roundTrip", test.RoundTrip),
        ],
        PgDatabaseTest test =>
            [("target", test.Target), ("errors", test.Errors), ("warnings", test.Warnings), ("serverVersion", test.ServerVersion)],
        PgDatabaseSwitch done =>
        [
            ("target", done.Target), ("with", done.With), ("replacedDatabase", done.ReplacedDatabase), ("undone", done.Undone),
            ("alreadyInPlace", done.AlreadyInPlace), ("drainTime", done.DrainTime), ("downtime", done.Downtime),
        ],
        PgMigrationRun run =>
        [
            ("target", run.Target), ("schema", run.Schema), ("fromVersion", run.FromVersion), ("toVersion", run.ToVersion),
            ("stillPending", run.StillPending), ("statements", run.Statements), ("lockWait", run.LockWait), ("backupId", run.BackupId),
        ],
        PgDatabaseReset reset =>
        [
            ("target", reset.Target), ("droppedBytes", reset.DroppedBytes), ("toVersion", reset.ToVersion),
            ("statements", reset.Statements),
            ("leftDatabase", reset.LeftDatabase),
        ],
        _ => [],
    };

    private static ReportFact? Fact(string name, object? value, ReportText text) => value switch
    {
        null or "" => null,
        string words => new ReportFact(name, text.Clean(words)),
        PgTarget target => new ReportFact(name, text.Clean(target.ToString())),
        int number => new ReportFact(name, (long)number),
        _ => new ReportFact(name, value),
    };

    private static string? ManifestHash(string folder)
    {
        try
        {
            return Hex.Of(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "manifest.json"))));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
