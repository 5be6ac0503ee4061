using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Operations;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations;

/// <summary>
/// Runs a migration statement by statement, because one of them refuses a transaction block. Progress is recorded in the history: a
/// statement that bears a transaction commits together with its progress; one that refuses is marked before it begins, so that after
/// a kill exactly one statement can be in doubt, and the catalogs are asked about it (<see cref="InterruptedStatement"/>).
/// </summary>
internal sealed class StatementRun
{
    private readonly MigrationSession _session;
    private readonly HistoryTable _table;
    private readonly MigrationRequest _request;
    private readonly MigrationLock _lock;
    private readonly IOperationSink _sink;

    internal StatementRun(
        MigrationSession session, HistoryTable table, MigrationRequest request, MigrationLock migrationLock, IOperationSink sink)
    {
        _session = session;
        _table = table;
        _request = request;
        _lock = migrationLock;
        _sink = sink;
    }

    /// <summary>Runs the migration from its first statement, or from the one where an earlier run stopped.</summary>
    /// <param name="script">The migration.</param>
    /// <param name="record">Its unfinished record; null when it begins anew.</param>
    /// <param name="cancellationToken">Stops after undoing nothing: what is done stays done and recorded.</param>
    internal async Task RunAsync(MigrationScript script, HistoryRow? record, CancellationToken cancellationToken)
    {
        var done = record is null
            ? await BeginAsync(script, cancellationToken).ConfigureAwait(false)
            : await ResumeAsync(script, record, cancellationToken).ConfigureAwait(false);
        using var progress = new ProgressActivity(_sink, $"Migration {script.File}");
        for (; done < script.Statements.Count; done++)
        {
            var statement = script.Statements[done];
            progress.Report($"statement {done + 1} of {script.Statements.Count}", done, script.Statements.Count);
            _sink.Log.LogDebug("{Migration}: statement {Number} of {Total}", script.File, done + 1, script.Statements.Count);
            try
            {
                await RunStatementAsync(script, statement, done, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw await FailAsync(script, statement, done, error, cancellationToken).ConfigureAwait(false);
            }
        }

        await RecordAsync(script, "applied", done, null, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> BeginAsync(MigrationScript script, CancellationToken cancellationToken)
    {
        var batch = _session.NewBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(MigrationHistory.Append(_table, new HistoryEntry
            {
                Version = script.File.Version,
                Name = script.File.Name,
                Checksum = script.File.Checksum,
                Script = script.File.Text,
                State = "started",
                Transactional = false,
                StatementsTotal = script.Statements.Count,
                BackupId = _request.BackupId,
            }));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        return 0;
    }

    private async Task<int> ResumeAsync(MigrationScript script, HistoryRow record, CancellationToken cancellationToken)
    {
        if (record.Checksum != script.File.Checksum)
        {
            RequireSameBeginning(script, record);
        }

        var done = record.StatementsDone;
        if (record.StatementRunning == done && done < script.Statements.Count)
        {
            var verdict = await InterruptedStatement.JudgeAsync(_session.Connection, script, done, record, cancellationToken)
                .ConfigureAwait(false);
            _sink.Log.LogInformation("{Migration}: {Verdict}", script.File, verdict.Remark);
            done += verdict.WasDone ? 1 : 0;
        }

        _sink.Log.LogInformation("{Migration} goes on at statement {Number} of {Total}.", script.File, done + 1, script.Statements.Count);
        return done;
    }

    /// <summary>A file may be corrected after a failure, but not in what has already run.</summary>
    private static void RequireSameBeginning(MigrationScript script, HistoryRow record)
    {
        var before = SqlScript.Parse(record.Script ?? "");
        for (var index = 0; index < record.StatementsDone; index++)
        {
            if (index >= script.Statements.Count || index >= before.Statements.Count
                || script.Statements[index].Text != before.Statements[index].Text)
            {
                throw new PgOpsException(
                    PgErrorCode.MigrationChanged,
                    $"{script.File} stopped after {record.StatementsDone} statements, and statement {index + 1}, which had run, was changed since.",
                    "Nothing was run now; what ran before is still there.",
                    "Put the statements that ran back as they were; only the ones after them may be changed.");
            }
        }
    }

    private async Task RunStatementAsync(MigrationScript script, SqlStatement statement, int index, CancellationToken cancellationToken)
    {
        if (SqlStatementTraits.RefusesTransactionBlock(statement) || SqlStatementTraits.RunsOwnTransactions(statement))
        {
            await RecordAsync(script, "started", index, index, null, cancellationToken).ConfigureAwait(false);

            // lock_timeout would also cut off the wait for old snapshots, which is what CONCURRENTLY is about.
            await SendAsync([new("SET lock_timeout = 0")], cancellationToken).ConfigureAwait(false);
            await SendAsync([new(statement.Text)], cancellationToken).ConfigureAwait(false);
            await RecordAsync(script, "started", index + 1, null, null, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            var progress = MigrationHistory.Rewrite(_table, script.File.Version, "started", index + 1, null, null);
            if (statement.CopyData is { } data)
            {
                await SendAsync([new("BEGIN")], cancellationToken).ConfigureAwait(false);
                await _session.CopyAsync(statement, script.File.Text.AsMemory(data.Offset, data.Length), cancellationToken)
                    .ConfigureAwait(false);
                await SendAsync([progress, new("COMMIT")], cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await SendAsync([new("BEGIN"), new(statement.Text), progress, new("COMMIT")], cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task SendAsync(IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(_session.Connection) { Timeout = 0 };
        await using (batch.ConfigureAwait(false))
        {
            foreach (var command in commands)
            {
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RecordAsync(
        MigrationScript script, string state, int done, int? running, string? error, CancellationToken cancellationToken)
    {
        var batch = _session.NewBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(MigrationHistory.Rewrite(_table, script.File.Version, state, done, running, error));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<PgOpsException> FailAsync(
        MigrationScript script, SqlStatement statement, int index, PostgresException error, CancellationToken cancellationToken)
    {
        var running = SqlStatementTraits.RefusesTransactionBlock(statement) ? index : (int?)null;
        await RecordAsync(script, "failed", index, running, $"{error.SqlState}: {error.MessageText}", cancellationToken).ConfigureAwait(false);
        return MigrationFailure.Describe(
            script,
            statement,
            error,
            $"{script.File} runs outside a transaction: {index} of its {script.Statements.Count} statements are done and stay done; the "
                + "history records that. The next run goes on at the statement that failed.",
            _lock.Blockers);
    }
}
