using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Sends the statements of a migration that runs one by one, together with the record of how far it is and what its session holds then.
/// </summary>
internal sealed class StatementProgress
{
    /// <summary>
    /// Begins a transaction. The history is written whatever the file has set; default_transaction_read_only would keep its progress out.
    /// </summary>
    internal const string Begin = "BEGIN READ WRITE";

    private readonly MigrationSession _session;
    private readonly HistoryTable _table;

    internal StatementProgress(MigrationSession session, HistoryTable table)
    {
        _session = session;
        _table = table;
    }

    /// <summary>What the session held when it was last asked.</summary>
    internal string Held { get; private set; } = "";

    /// <summary>Asks what the session holds.</summary>
    internal async Task AskAsync(CancellationToken cancellationToken)
        => Held = (await _session.Connection.ScalarAsync<string>(_session.Record.Query, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Sends commands that end a transaction, and asks what the session holds then.</summary>
    /// <returns>What was noted within the transaction.</returns>
    internal async Task<string?> SendToEndAsync(IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        string? noted = null;
        var batch = _session.NewPlainBatch();
        await using (batch.ConfigureAwait(false))
        {
            foreach (var command in commands.Concat(_session.Record.Ended()))
            {
                batch.BatchCommands.Add(command);
            }

            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                do
                {
                    if (reader.FieldCount == 2 && reader.GetName(1) == SessionRecord.EndedColumn
                        && await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        (noted, Held) = (reader.GetString(0), reader.GetString(1));
                    }
                }
                while (await reader.NextResultAsync(cancellationToken).ConfigureAwait(false));
            }
        }

        return noted;
    }

    /// <summary>Sends commands as one batch.</summary>
    internal async Task SendAsync(IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        var batch = _session.NewPlainBatch();
        await using (batch.ConfigureAwait(false))
        {
            foreach (var command in commands)
            {
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Records how far it is in a transaction of its own.</summary>
    internal async Task RecordAsync(
        MigrationScript script, HistoryState state, int done, int? running, string? error, CancellationToken cancellationToken)
        => await SendToEndAsync([new(Begin), .. Of(script, state, done, running, error), new("COMMIT")], cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Records how far it is and what the session holds, for use inside a transaction.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Of(MigrationScript script, HistoryState state, int done, int? running, string? error)
        => [_session.Record.Note(), .. Recorded(script, state, done, running, error)];

    /// <summary>Records how far it is; what the session holds stays as it was noted.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Recorded(MigrationScript script, HistoryState state, int done, int? running, string? error)
        => _session.Recording(MigrationHistory.Rewrite(_table, script.File.Version, state, done, running, error));

    /// <summary>Writes a history row in a transaction of its own, with what another tool's table is to hold.</summary>
    internal async Task WriteAsync(
        NpgsqlBatchCommand history, CancellationToken cancellationToken, IEnumerable<NpgsqlBatchCommand>? beside = null)
        => await SendAsync([new(Begin), .. _session.Recording(history), .. beside ?? [], new("COMMIT")], cancellationToken)
            .ConfigureAwait(false);
}
