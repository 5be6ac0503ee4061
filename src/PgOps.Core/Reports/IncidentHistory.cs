using System.Globalization;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Reports;

/// <summary>Reads a database's migration history for an incident: every row of the time, not only the newest of each version.</summary>
internal static class IncidentHistory
{
    /// <summary>Reads it. A history that was edited is read all the same, and said to be.</summary>
    /// <exception cref="PgOpsException">The database was not reached, or did not let us read.</exception>
    internal static async Task ReadAsync(
        WritePostmortemRequest request, PgTarget target, IncidentEvidence evidence, ReportText text, CancellationToken cancellationToken)
    {
        try
        {
            var session = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                var table = new HistoryTable(request.HistorySchema);
                if (!(await HistoryStanding.ReadAsync(session, table, cancellationToken).ConfigureAwait(false)).HasTable)
                {
                    evidence.Sources.Add(text.Clean($"{target}: there is no history {table.Name}."));
                    return;
                }

                var broken = await MigrationHistory.BreakAsync(session, table, cancellationToken).ConfigureAwait(false);
                var chain = broken is null ? "their chain of hashes holds" : $"**the history was edited: {broken}**";
                var rows = await MigrationHistory.EveryRowAsync(session, table, cancellationToken).ConfigureAwait(false);
                var covered = rows.FindAll(row => request.Covers(At(row)));
                evidence.Sources.Add(text.Clean(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{target}: {covered.Count} of {PgAmount.Of(rows.Count, "row")} of {table.Name}; {chain}.")));
                foreach (var row in covered)
                {
                    Take(row, rows, evidence, text);
                }
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(target, error, "reading the migration history");
        }
    }

    private static void Take(HistoryRow row, List<HistoryRow> rows, IncidentEvidence evidence, ReportText text)
    {
        var progress = row.StatementsTotal > 1
            ? string.Create(CultureInfo.InvariantCulture, $" after {row.StatementsDone} of {PgAmount.Of(row.StatementsTotal, "statement")}")
            : "";
        var words = row.State switch
        {
            HistoryState.Failed => $"failed{progress}: {row.Error}",
            HistoryState.Started => $"was begun and never ended{progress}",
            HistoryState.Reverted => "was undone",
            HistoryState.Resolved => "was declared resolved",
            HistoryState.Baselined => "was recorded as there already",
            _ => "was applied",
        };
        var reason = row.Reason is null ? "" : $" Reason given: {row.Reason}.";
        var what = text.Clean($"Migration {row} {words}, by {row.AppliedBy} from {row.Host} (PgOps {row.ToolVersion}).{reason}");
        evidence.Events.Add(new IncidentEvent(At(row), "history", what));
        if (row.State is HistoryState.Failed or HistoryState.Started)
        {
            evidence.Failures.Add(what);
        }
        else if (row.State is HistoryState.Reverted or HistoryState.Resolved
            || rows.Exists(other => other.Version == row.Version && other.Id < row.Id && other.State == HistoryState.Failed))
        {
            evidence.Repairs.Add(what);
        }

        if (row is { State: HistoryState.Applied or HistoryState.Failed, BackupId: null })
        {
            evidence.Gaps.Add(text.Clean($"No proven backup stood behind migration {row} (-ProvenBy)."));
        }
    }

    private static DateTime At(HistoryRow row) => row.FinishedAt ?? row.StartedAt;
}
