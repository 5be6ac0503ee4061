using Npgsql;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>Holds a run against the drill that is given as its safety net.</summary>
internal static class ProvenBackup
{
    /// <summary>Refuses a drill that failed, or that proved another database's backup.</summary>
    /// <exception cref="PgOpsException">BackupNotProven.</exception>
    internal static async Task RequireAsync(MigrationRequest request, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var (proof, target) = (request.Proof, request.Target);
        if (proof is null)
        {
            return;
        }

        if (!proof.Passed)
        {
            throw Refusal(
                target,
                $"the drill of its backup failed: {proof.Failure ?? "nothing was checked"}",
                "Find out why the backup does not restore, take a new one, and prove it with Test-PgRestore.");
        }

        if (!proof.Proven)
        {
            throw Refusal(
                target,
                "the drill of its backup did not compare the content of the tables",
                "Take a backup with -Fingerprint Archive, the default, or Source, and drill that.");
        }

        if (proof.Backup.Manifest is not { } manifest)
        {
            throw Refusal(
                target, "the drilled backup has no manifest that says which database it is of", "Take a backup with Backup-PgDatabase.");
        }

        if (manifest.Part is { } part)
        {
            throw Refusal(
                target,
                $"the drilled backup holds a part of the database only ({part})",
                "Take a backup of the whole database and prove it with Test-PgRestore.");
        }

        var cluster = await ClusterIdentity.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        var database = await connection.ScalarAsync<uint>(
            "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
            cancellationToken).ConfigureAwait(false);
        var same = manifest.Facts.Oid == database
            && (cluster.Length == 0 || manifest.Server.ClusterId.Length == 0 || cluster == manifest.Server.ClusterId);
        if (!same)
        {
            throw Refusal(
                target,
                $"the drilled backup is of another database ({manifest.Database} on {manifest.Server.Host}:{manifest.Server.Port})",
                "Give the target that was backed up, or back this one up.");
        }

        var age = DateTime.UtcNow - manifest.SnapshotAt;
        if (age < -PgBackup.ClockTolerance)
        {
            throw Refusal(
                target,
                $"the drilled backup is dated {PgSize.Format(-age)} after now, so nothing says how old it is",
                "Set the clock right that is wrong, then take a fresh one: Backup-PgDatabase | Test-PgRestore | Invoke-PgMigration.");
        }

        if (age > request.MaxProofAge)
        {
            throw Refusal(
                target,
                $"the drilled backup is {PgSize.Format(age)} old, and what was written since is not in it",
                $"Take a fresh one: Backup-PgDatabase | Test-PgRestore | Invoke-PgMigration; -MaxAge says how old it may be "
                    + $"({PgSize.Format(request.MaxProofAge)}).");
        }

        // A tenant's own history is a part of what the backup's mark stands for.
        if (!request.SchemaAlone)
        {
            await RequireSameStateAsync(proof.Backup, manifest, request, connection, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The backup's migration state must be the database's, but for migrations that ran behind this very backup.</summary>
    private static async Task RequireSameStateAsync(
        PgBackup backup, PgBackupManifest manifest, MigrationRequest request, NpgsqlConnection connection,
            CancellationToken cancellationToken)
    {
        var found = await DatabasePosition.ReadAsync(connection, manifest.Migration, cancellationToken).ConfigureAwait(false);
        var rows = manifest.Migration is { Tool: null } own ? own.HistoryRows : 0;
        if (found?.HistoryHash == manifest.Migration?.HistoryHash
            || (found is not null && found.HistorySchema == request.HistorySchema
                && await MigrationHistory.OnlyBehindAsync(
                    connection, new HistoryTable(request.HistorySchema), rows, backup.Id, cancellationToken)
                    .ConfigureAwait(false)))
        {
            return;
        }

        throw Refusal(
            request.Target,
            $"the drilled backup is of another state of its migrations ({Describe(manifest.Migration)}) than the database's now "
                + $"({Describe(found)})",
            "Take a fresh one: Backup-PgDatabase | Test-PgRestore | Invoke-PgMigration.");
    }

    private static string Describe(PgMigrationMark? mark) => mark is null ? "none"
        : $"{mark}, {PgAmount.Of(mark.HistoryRows, "row")}";

    private static PgOpsException Refusal(PgTarget target, string why, string next)
        => new(PgErrorCode.BackupNotProven, $"{target} is not migrated: {why.TrimEnd('.')}.", "Nothing was touched.", next)
        {
            Subject = target,
        };
}
