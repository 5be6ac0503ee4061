using System.Globalization;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
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
                var rows = await session.QueryAsync(table.EveryRowQuery, Row, cancellationToken).ConfigureAwait(false);
                var covered = rows.FindAll(row => request.Covers(row.At));
                evidence.Sources.Add(text.Clean(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{target}: {covered.Count} of {rows.Count} rows of {table.Name}; {chain}.")));
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

    private static void Take(HistoryLine row, List<HistoryLine> rows, IncidentEvidence evidence, ReportText text)
    {
        var progress = row.Total > 1 ? string.Create(CultureInfo.InvariantCulture, $" after {row.Done} of {row.Total} statements") : "";
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
        var what = text.Clean($"Migration {row.Label} {words}, by {row.By} from {row.Host} (PgOps {row.Tool}).{reason}");
        evidence.Events.Add(new IncidentEvent(row.At, "history", what));
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
            evidence.Gaps.Add(text.Clean($"No proven backup stood behind migration {row.Label} (-ProvenBy)."));
        }
    }

    private static HistoryLine Row(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), HistoryWords.Parse<MigrationKind>(row.GetString(3)),
        HistoryWords.Parse<HistoryState>(row.GetString(4)), row.GetInt32(5), row.GetInt32(6),
        row.GetDateTime(7), row.GetString(8), row.GetString(9), row.GetString(10),
        row.IsDBNull(11) ? null : row.GetString(11), row.IsDBNull(12) ? null : row.GetString(12),
        row.IsDBNull(13) ? null : row.GetString(13));

    private sealed record HistoryLine(
        long Id, string Version, string Name, MigrationKind Kind, HistoryState State, int Done, int Total, DateTime At, string By,
        string Host, string Tool,
        string? Error, string? Reason, string? BackupId)
    {
        internal string Label => Kind is MigrationKind.Repeatable or MigrationKind.Seed ? Version : $"{Version}_{Name}";
    }
}
