using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Runs each migration as one transaction: BEGIN, the statements, the history row and COMMIT, of a whole group of small migrations,
/// travel in one pipelined round trip, more only where inline COPY data stands in between. The round trip's last commit waits for the
/// disk, for all of them; a server that crashes before has lost the newest of them whole, with their history rows.
/// </summary>
internal sealed class TransactionRun
{
    private readonly MigrationSession _session;
    private readonly HistoryTable _table;
    private readonly MigrationRequest _request;
    private readonly MigrationLock _lock;
    private readonly IOperationSink _sink;
    private readonly ForeignRecord? _beside;

    internal TransactionRun(
        MigrationSession session,
        HistoryTable table,
        MigrationRequest request,
        MigrationLock migrationLock,
        IOperationSink sink,
        ForeignRecord? beside)
    {
        _session = session;
        _table = table;
        _request = request;
        _lock = migrationLock;
        _sink = sink;
        _beside = beside;
    }

    /// <summary>
    /// Runs migrations that travel together, one transaction each. The server passes over all that follows a failed statement, so
    /// those before it are applied and those behind it are untouched. A lock timeout or deadlock is tried again after a jittered pause.
    /// </summary>
    /// <param name="scripts">The migrations, as <see cref="MigrationGroup"/> puts them together.</param>
    /// <param name="applied">Hears of each one that is applied, and how long it took by the server's clock.</param>
    /// <param name="cancellationToken">Cancels the running statement and rolls its migration back.</param>
    /// <exception cref="PgOpsException">MigrationFailed: everything of that migration was rolled back, the failure is recorded.</exception>
    internal async Task RunAsync(
        IReadOnlyList<MigrationScript> scripts, Action<MigrationScript, TimeSpan> applied, CancellationToken cancellationToken)
    {
        var retry = new LockRetry(_request, _lock, _sink.Log);
        for (var done = 0; done < scripts.Count;)
        {
            var attempt = new BatchAttempt(done == 0 ? scripts : scripts.Skip(done).ToList(), applied);
            var failure = await TryAsync(attempt, cancellationToken).ConfigureAwait(false);
            done += attempt.Applied;
            if (failure is null)
            {
                return;
            }

            if (attempt.Applied > 0)
            {
                retry.Restart();
            }

            var error = (PostgresException)failure.InnerException!;
            if (error.SqlState == PostgresErrorCodes.InvalidSqlStatementName && _session.ForgetPrepared())
            {
                continue;
            }

            if (!await retry.PauseAsync(scripts[done].File, error, cancellationToken).ConfigureAwait(false))
            {
                // The newest row tells how a migration stands: one whose undo failed is still applied.
                var failed = scripts[done];
                throw failed.IsUndo ? failure : await MigrationFailure.RecordedAsync(
                    failure, _table, () => RecordAsync(failed, error, cancellationToken)).ConfigureAwait(false);
            }
        }
    }

    private async Task<PgOpsException?> TryAsync(BatchAttempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            var batch = _session.NewPlainBatch();
            foreach (var script in attempt.Scripts)
            {
                attempt.Add(batch, script, null, _session.Preamble());
                attempt.Add(batch, script, null, new NpgsqlBatchCommand(script.Begin));
                foreach (var statement in script.Statements)
                {
                    if (statement.CopyData is not null)
                    {
                        await SendAsync(batch, attempt, cancellationToken).ConfigureAwait(false);
                        attempt.Copying = statement;
                        await CopyFeed.SendAsync(_session.Connection, script, statement, _sink, cancellationToken).ConfigureAwait(false);
                        attempt.Copying = null;
                        batch = _session.NewPlainBatch();
                        continue;
                    }

                    attempt.Add(batch, script, statement, new NpgsqlBatchCommand(statement.Text));
                }

                var record = _session.Recording(
                    _table, HistoryEntry.Of(script, HistoryState.Applied, null, _request.BackupId), attempt.FlushesAfter(script));
                attempt.Add(batch, script, null, record);
                attempt.Add(batch, script, null, _beside?.Of(script) ?? []);
                attempt.Add(batch, script, null, new NpgsqlBatchCommand("COMMIT"));
            }

            await SendAsync(batch, attempt, cancellationToken).ConfigureAwait(false);
            attempt.End(null);
            return null;
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error))
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            var (script, statement) = attempt.End(error);
            cancellationToken.ThrowIfCancellationRequested();
            return MigrationFailure.Describe(
                script, statement, error, $"{script.Title} was rolled back whole; the database is as it was before it.", _lock.Blockers,
                _table, _beside);
        }
        catch (OperationCanceledException)
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task SendAsync(NpgsqlBatch batch, BatchAttempt attempt, CancellationToken cancellationToken)
    {
        await using (batch.ConfigureAwait(false))
        {
            if (batch.BatchCommands.Count == 0)
            {
                return;
            }

            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                do
                {
                    if (reader.FieldCount == 1 && reader.GetName(0) == HistoryTable.RecordedColumn
                        && await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        attempt.Recorded(long.Parse(reader.GetString(0), CultureInfo.InvariantCulture));
                    }
                }
                while (await reader.NextResultAsync(cancellationToken).ConfigureAwait(false));
            }
        }
    }

    /// <summary>Records the failure, for people to find; a rerun is not held up by it.</summary>
    private async Task RecordAsync(MigrationScript script, PostgresException error, CancellationToken cancellationToken)
    {
        await _session.EnsureOpenAsync(cancellationToken).ConfigureAwait(false);
        var batch = _session.NewBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(
                MigrationHistory.Append(
                    _table, HistoryEntry.Of(script, HistoryState.Failed, $"{error.SqlState}: {error.MessageText}", _request.BackupId)));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
