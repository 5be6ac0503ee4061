using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Running;

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
        ILogger log,
        CancellationToken cancellationToken)
    {
        var chosen = await ChooseAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
        if (chosen.Count > 0 && chosen.Count == folder.Files.Count)
        {
            log.NewestBaselined(chosen[^1]);
        }

        await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
        var entries = chosen.Count == 0 ? [HistoryEntry.BaselineMark()] : chosen.Select(Entry).ToList();
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

    /// <summary>The migrations that would be recorded.</summary>
    /// <exception cref="PgOpsException">
    /// InvalidArgument: the database already has a history, or lacks what one of them makes, and -ToVersion names none.
    /// </exception>
    internal static async Task<IReadOnlyList<MigrationFile>> ChooseAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        folder.ReadAs(connection);
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
        if (request.ToVersion is null
            && await BaselineEvidence.MissingAsync(connection, chosen, cancellationToken).ConfigureAwait(false) is { } missing)
        {
            var before = chosen.TakeWhile(file => file != missing.File).LastOrDefault();
            var command = $"Invoke-PgMigration -Baseline -ToVersion ";
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{missing.File} makes {missing.What}, which {request.Target} does not have: it was never run there, or what it made "
                    + "is gone.",
                "Nothing was touched.",
                (before is null
                    ? "If the database holds nothing of these migrations: Invoke-PgMigration -AllowNotEmpty runs them. "
                    : $"To record those before it, and run the rest afterwards: {command}{before.Version}. ")
                    + $"To record all of them nevertheless: {command}{chosen[^1].Version}.")
            { Subject = request.Target };
        }

        return chosen;
    }

    private static HistoryEntry Entry(MigrationFile file) => new()
    {
        Version = file.Version,
        Name = file.Name,
        Checksum = file.Checksum,
        Script = file.Text,
        State = HistoryState.Baselined,
    };
}
