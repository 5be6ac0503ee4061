using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations;

/// <summary>Begins a history on a database that already holds what the folder's migrations would make.</summary>
internal static class Baseline
{
    /// <summary>Records the folder's migrations, up to the version asked for, as present; a bare mark when the folder is empty.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: the database already has a history.</exception>
    internal static async Task<PgMigrationRun> RecordAsync(
        MigrationRequest request,
        MigrationFolder folder,
        HistoryTable table,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        if (history.Rows.Values.Any(row => row.IsApplied || row.IsUnfinished))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Target} already has a history; its newest version is {history.NewestVersion ?? "unfinished"}.",
                "Nothing was touched.",
                "A baseline begins a history. To record a single migration as present: "
                    + "Repair-PgMigration -Version … -MarkApplied -Reason ….")
            {
                Subject = request.Target,
            };
        }

        var all = MigrationStatus.Join(folder, history, request.Target);
        MigrationPlan.RequireVersion(request.ToVersion, all);
        var chosen = MigrationPlan.UpTo(request, folder).ToList();
        await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
        var entries = chosen.Count == 0 ? [Mark()] : chosen.ConvertAll(Entry);
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            foreach (var entry in entries)
            {
                batch.BatchCommands.Add(MigrationHistory.Append(table, entry));
            }

            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        return new PgMigrationRun
        {
            Target = request.Target,
            Baselined = entries.ConvertAll(entry => new PgMigration
            {
                Version = entry.Version,
                Name = entry.Name,
                State = PgMigrationState.Baselined,
                AppliedChecksum = entry.Checksum,
                AppliedAt = DateTime.UtcNow,
                Target = request.Target,
            }),
            ToVersion = entries[^1].Version,
            StillPending = folder.Files.Count - chosen.Count,
        };
    }

    private static HistoryEntry Entry(MigrationFile file) => new()
    {
        Version = file.Version,
        Name = file.Name,
        Checksum = file.Checksum,
        Script = file.Text,
        State = HistoryState.Baselined,
    };

    /// <summary>The mark that a history begins here, for a folder that is still empty. Every version comes after it.</summary>
    internal static HistoryEntry Mark() => new()
    {
        Version = "0",
        Name = "baseline",
        Kind = MigrationKind.Baseline,
        Checksum = "",
        Script = "",
        State = HistoryState.Baselined,
    };
}
