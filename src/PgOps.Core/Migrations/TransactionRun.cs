using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Operations;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations;

/// <summary>
/// Runs a migration as one transaction: BEGIN, the statements, the history row and COMMIT travel in one pipelined round trip, more
/// only where inline COPY data stands in between.
/// </summary>
internal sealed class TransactionRun
{
    private readonly MigrationSession _session;
    private readonly HistoryTable _table;
    private readonly MigrationRequest _request;
    private readonly MigrationLock _lock;
    private readonly IOperationSink _sink;

    internal TransactionRun(
        MigrationSession session, HistoryTable table, MigrationRequest request, MigrationLock migrationLock, IOperationSink sink)
    {
        _session = session;
        _table = table;
        _request = request;
        _lock = migrationLock;
        _sink = sink;
    }

    /// <summary>Runs the migration; a lock timeout or deadlock is tried again after a jittered pause.</summary>
    /// <exception cref="PgOpsException">MigrationFailed: everything of this migration was rolled back, the failure is recorded.</exception>
    internal async Task RunAsync(MigrationScript script, CancellationToken cancellationToken)
    {
        var retry = new LockRetry(_request, _lock, _sink.Log);
        while (true)
        {
            var failure = await TryAsync(script, cancellationToken).ConfigureAwait(false);
            if (failure is null)
            {
                return;
            }

            var error = (PostgresException)failure.InnerException!;
            if (!await retry.PauseAsync(script.File, error, cancellationToken).ConfigureAwait(false))
            {
                // The newest row tells how a migration stands: one whose undo failed is still applied.
                if (!script.IsUndo)
                {
                    await RecordAsync(script, error, cancellationToken).ConfigureAwait(false);
                }

                throw failure;
            }
        }
    }

    private async Task<PgOpsException?> TryAsync(MigrationScript script, CancellationToken cancellationToken)
    {
        var sent = new Dictionary<NpgsqlBatchCommand, SqlStatement>(ReferenceEqualityComparer.Instance);
        SqlStatement? current = null;
        var batch = _session.NewBatch();
        try
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            foreach (var statement in script.Statements)
            {
                if (statement.CopyData is { } data)
                {
                    await SendAsync(batch, cancellationToken).ConfigureAwait(false);
                    current = statement;
                    await _session.CopyAsync(statement, script.Text.AsMemory(data.Offset, data.Length), cancellationToken)
                        .ConfigureAwait(false);
                    current = null;
                    batch = _session.NewPlainBatch();
                    continue;
                }

                var command = new NpgsqlBatchCommand(statement.Text);
                sent.Add(command, statement);
                batch.BatchCommands.Add(command);
            }

            foreach (var command in _session.Recording(MigrationHistory.Append(_table, script.Entry("applied", null, _request.BackupId))))
            {
                batch.BatchCommands.Add(command);
            }

            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            await SendAsync(batch, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error))
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            var statement = current;
            if (error.BatchCommand is NpgsqlBatchCommand failed)
            {
                sent.TryGetValue(failed, out statement);
            }

            return MigrationFailure.Describe(
                script, statement, error, $"{script.Title} was rolled back whole; the database is as it was before it.", _lock.Blockers);
        }
        catch (OperationCanceledException)
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task SendAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        await using (batch.ConfigureAwait(false))
        {
            if (batch.BatchCommands.Count > 0)
            {
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Records the failure, for people to find; a rerun is not held up by it.</summary>
    private async Task RecordAsync(MigrationScript script, PostgresException error, CancellationToken cancellationToken)
    {
        var batch = _session.NewBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(
                MigrationHistory.Append(_table, script.Entry("failed", $"{error.SqlState}: {error.MessageText}", _request.BackupId)));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
