using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Runs a migration statement by statement, because one of them refuses a transaction block. Progress is recorded in the history: a
/// statement that has a transaction commits together with its progress; one that refuses is marked before it begins, so that after
/// a kill exactly one statement can be in doubt, and the catalogs are asked about it (<see cref="InterruptedStatement"/>).
/// </summary>
internal sealed class StatementRun
{
    private readonly MigrationSession _session;
    private readonly HistoryTable _table;
    private readonly MigrationRequest _request;
    private readonly MigrationLock _lock;
    private readonly IOperationSink _sink;
    private readonly ForeignRecord? _beside;
    private readonly StatementProgress _progress;
    private bool _outside;
    private bool _unrecorded;
    private SqlStatement? _within;

    internal StatementRun(
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
        _progress = new StatementProgress(session, table);
    }

    /// <summary>Runs the migration from its first statement, or from the one where an earlier run stopped.</summary>
    /// <param name="script">The migration.</param>
    /// <param name="record">Its unfinished record; null when it begins again.</param>
    /// <param name="cancellationToken">Stops after undoing nothing: what is done stays done and recorded.</param>
    internal async Task RunAsync(MigrationScript script, HistoryRow? record, CancellationToken cancellationToken)
    {
        await _progress.SendAsync(_session.Preamble(), cancellationToken).ConfigureAwait(false);
        _session.Record.Watch([script.Text, .. await _session.Connection.QueryAsync(
            SessionRecord.RoutinesQuery, row => row.GetString(0), cancellationToken).ConfigureAwait(false)]);
        var done = record is null ? 0 : await ResumeAsync(script, record, cancellationToken).ConfigureAwait(false);
        await _progress.AskAsync(cancellationToken).ConfigureAwait(false);
        if (record is not null)
        {
            SessionState.RequireSame(script, done, record.SessionState, _progress.Held);
            _sink.Log.MigrationResumed(script.File, done + 1, script.Statements.Count);
        }

        try
        {
            await BeginAsync(script, done, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error))
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            throw MigrationFailure.Describe(
                script, null, error,
                done == 0 ? $"Nothing of {script.File} was run." : $"The {PgAmount.Of(done, "statement")} of {script.File} that ran "
                    + "before stay done.",
                _lock.Blockers, _table);
        }

        using var progress = new ProgressActivity(_sink, $"Migration {script.File}");
        for (; done < script.Statements.Count; done = EndOf(script, done) + 1)
        {
            var statement = script.Statements[done];
            progress.Report($"statement {done + 1} of {script.Statements.Count}", done, script.Statements.Count);
            _sink.Log.StatementBegun(script.File, done + 1, script.Statements.Count);
            try
            {
                await (script.Transactions.ContainsKey(done)
                    ? RunTransactionAsync(script, done, cancellationToken)
                    : RunStatementAsync(script, statement, done, cancellationToken)).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw await FailAsync(script, _within ?? statement, done, error, cancellationToken).ConfigureAwait(false);
            }
        }

        await EndAsync(script, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The last row says that it is applied, together with the record of a tool that PgOps works beside.</summary>
    private async Task EndAsync(MigrationScript script, CancellationToken cancellationToken)
    {
        var done = script.Statements.Count;
        try
        {
            await _progress.WriteAsync(
                MigrationHistory.Rewrite(_table, script.File.Version, HistoryState.Applied, done, null, null), cancellationToken,
                _beside?.Of(script)).ConfigureAwait(false);
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error) && _beside?.Writes(error.BatchCommand) == true)
        {
            await _session.RollbackAsync().ConfigureAwait(false);
            throw MigrationFailure.Describe(
                script, null, error, $"{(done == 1 ? "The one statement" : $"All {PgAmount.Of(done, "statement")}")} of {script.File} "
                    + $"{(done == 1 ? "is done and stays" : "are done and stay")} done; "
                    + "the history records that, but not that it is applied.",
                null, _table, _beside);
        }
    }

    /// <summary>The last of the statements that are done together with one: a transaction's COMMIT, else the statement itself.</summary>
    private static int EndOf(MigrationScript script, int index) => script.Transactions.GetValueOrDefault(index, index);

    /// <summary>Runs a transaction of the file's own, and records in it that it is done.</summary>
    private async Task RunTransactionAsync(MigrationScript script, int begin, CancellationToken cancellationToken)
    {
        (_outside, _unrecorded) = (false, false);
        var retry = new LockRetry(_request, _lock, _sink.Log);
        while (true)
        {
            var sent = new Dictionary<NpgsqlBatchCommand, SqlStatement>();
            _within = null;
            try
            {
                var noted = await SendTransactionAsync(script, begin, sent, cancellationToken).ConfigureAwait(false);
                _within = null;
                if (noted == _progress.Held)
                {
                    return;
                }

                break;
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                await _session.RollbackAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (!await retry.PauseAsync(script.File, error, cancellationToken).ConfigureAwait(false))
                {
                    _within = error.BatchCommand is NpgsqlBatchCommand command && sent.TryGetValue(command, out var failed)
                        ? failed
                        : _within ?? script.Statements[begin];
                    throw;
                }
            }
        }

        try
        {
            await _progress.RecordAsync(script, HistoryState.Started, EndOf(script, begin) + 1, null, null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error))
        {
            // The transaction is done and recorded; what its session holds is recorded again with the next statement.
            await _session.RollbackAsync().ConfigureAwait(false);
        }
    }

    /// <returns>What was noted of the session before the COMMIT.</returns>
    private async Task<string?> SendTransactionAsync(
        MigrationScript script, int begin, Dictionary<NpgsqlBatchCommand, SqlStatement> sent, CancellationToken cancellationToken)
    {
        var end = EndOf(script, begin);
        var modes = NestedTransactions.ModesOf(script.Statements[begin]);
        List<NpgsqlBatchCommand> commands = [];
        Add(modes.Length == 0 ? StatementProgress.Begin : $"{StatementProgress.Begin}, {modes}", script.Statements[begin]);
        for (var index = begin + 1; index < end; index++)
        {
            var statement = script.Statements[index];
            if (statement.CopyData is null)
            {
                Add(statement.Text, statement);
                continue;
            }

            _within = statement;
            await _progress.SendAsync(commands, cancellationToken).ConfigureAwait(false);
            commands.Clear();
            await CopyFeed.SendAsync(_session.Connection, script, statement, _sink, cancellationToken).ConfigureAwait(false);
        }

        // What the transaction set for itself alone ends with it. Its text tells that before the COMMIT, the server behind it.
        commands.Add(_session.Record.NoteAtEnd(_progress.Held, SessionState.LocalTo(script.Statements.Take(end).Skip(begin + 1))));
        commands.AddRange(_progress.Recorded(script, HistoryState.Started, end + 1, null, null));
        Add("COMMIT", script.Statements[end]);
        return await _progress.SendToEndAsync(commands, cancellationToken).ConfigureAwait(false);

        void Add(string text, SqlStatement statement)
        {
            var command = new NpgsqlBatchCommand(text);
            sent[command] = statement;
            commands.Add(command);
        }
    }

    /// <summary>
    /// A new row, also for a resumed run: it holds the script as it is now, and it is the last one, which may be rewritten.
    /// </summary>
    private async Task BeginAsync(MigrationScript script, int done, CancellationToken cancellationToken)
        => await _progress.WriteAsync(
            MigrationHistory.Append(_table, HistoryEntry.Of(script, HistoryState.Started, null, _request.BackupId) with
            {
                Transactional = false,
                StatementsDone = done,
                SessionState = done == 0 ? null : _progress.Held,
            }),
            cancellationToken).ConfigureAwait(false);

    /// <returns>How many statements are done.</returns>
    private async Task<int> ResumeAsync(MigrationScript script, HistoryRow record, CancellationToken cancellationToken)
    {
        var before = MigrationScript.StatementsOf(script.File, record.Script ?? "");
        var done = record.StatementsDone;
        SessionState.RequireSameBeginning(script, before, done);
        foreach (var statement in SessionState.ToReplay(script, before, done))
        {
            try
            {
                await _progress.SendAsync([new(statement.Text)], cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                throw SessionState.NotReplayed(script, statement, error);
            }
        }

        if (record.StatementRunning == done && done < before.Count)
        {
            var verdict = await InterruptedStatement.JudgeAsync(_session.Connection, script, before, record, cancellationToken)
                .ConfigureAwait(false);
            _sink.Log.StatementJudged(script.File, verdict.Remark);
            if (verdict.WasDone)
            {
                SessionState.RequireSameBeginning(script, before, ++done);
            }
        }

        return done;
    }

    private async Task RunStatementAsync(MigrationScript script, SqlStatement statement, int index, CancellationToken cancellationToken)
    {
        _outside = SqlStatementTraits.RefusesTransactionBlock(statement)
            || await CommittingCalls.MayCommitAsync(_session.Connection, statement, cancellationToken).ConfigureAwait(false);
        _unrecorded = false;
        var retry = new LockRetry(_request, _lock, _sink.Log);
        while (true)
        {
            try
            {
                await (_outside
                    ? RunOutsideTransactionAsync(script, statement, index, cancellationToken)
                    : RunWithProgressAsync(script, statement, index, cancellationToken)).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (!ServerErrors.IsLost(error))
            {
                var again = !_outside || SqlStatementTraits.IsRepeatable(statement);
                await _session.RollbackAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (error is PostgresException { SqlState: PostgresErrorCodes.ActiveSqlTransaction } && !_outside)
                {
                    // Only the catalogs know that this one refuses a transaction: REINDEX or CLUSTER of a partitioned table, for example.
                    _outside = true;
                }
                else if (error is not PostgresException server || !again
                    || !await retry.PauseAsync(script.File, server, cancellationToken).ConfigureAwait(false))
                {
                    throw;
                }
            }
        }
    }

    private async Task RunOutsideTransactionAsync(
        MigrationScript script, SqlStatement statement, int index, CancellationToken cancellationToken)
    {
        if (await ConcurrentLeftovers.ClearInvalidIndexAsync(_session.Connection, statement, cancellationToken).ConfigureAwait(false)
            is { } remark)
        {
            _sink.Log.InvalidIndexCleared(script.File, remark);
        }

        await _progress.RecordAsync(script, HistoryState.Started, index, index, null, cancellationToken).ConfigureAwait(false);

        // lock_timeout would also cut off the wait for old snapshots, which is what CONCURRENTLY is about; a script that sets it
        // knows what it wants.
        var patient = SqlStatementTraits.WaitsHarmlessly(statement) && !script.Statements.Take(index).Any(SetsLockTimeout);
        var timeout = patient ? "SET lock_timeout = " : null;
        if (timeout is not null)
        {
            await _progress.SendAsync([new($"{timeout}0")], cancellationToken).ConfigureAwait(false);
        }

        await _progress.SendAsync([new(statement.Text)], cancellationToken).ConfigureAwait(false);
        _unrecorded = true;
        if (statement.Keywords[0] == "DISCARD")
        {
            await _session.HoldKeyAsync(cancellationToken).ConfigureAwait(false);
            await _session.ResetAsync(cancellationToken).ConfigureAwait(false);
        }

        await _progress.RecordAsync(script, HistoryState.Started, index + 1, null, null, cancellationToken).ConfigureAwait(false);
        _unrecorded = false;
        if (timeout is not null)
        {
            await _progress.SendAsync([new($"{timeout}{(long)_request.LockTimeout.TotalMilliseconds}")], cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private static bool SetsLockTimeout(SqlStatement statement)
        => statement.Keywords is ["SET", "LOCK_TIMEOUT", ..] or ["SET", "SESSION", "LOCK_TIMEOUT", ..];

    private async Task RunWithProgressAsync(
        MigrationScript script, SqlStatement statement, int index, CancellationToken cancellationToken)
    {
        var progress = _progress.Of(script, HistoryState.Started, index + 1, null, null);
        string? noted;
        if (statement.CopyData is not null)
        {
            await _progress.SendAsync([new(StatementProgress.Begin)], cancellationToken).ConfigureAwait(false);
            await CopyFeed.SendAsync(_session.Connection, script, statement, _sink, cancellationToken).ConfigureAwait(false);
            noted = await _progress.SendToEndAsync([.. progress, new("COMMIT")], cancellationToken).ConfigureAwait(false);
        }
        else
        {
            noted = await _progress.SendToEndAsync(
                [new(StatementProgress.Begin), new(statement.Text), .. progress, new("COMMIT")], cancellationToken).ConfigureAwait(false);
        }

        if (SessionState.EndedWith(script, index, noted, _progress.Held) is { } failure)
        {
            // What was noted stays in the row: the next run asks for it, too.
            var failed = _progress.Recorded(script, HistoryState.Failed, index + 1, null, failure.Problem);
            throw await MigrationFailure.RecordedAsync(
                failure, _table,
                () => _progress.SendAsync([new(StatementProgress.Begin), .. failed, new("COMMIT")], cancellationToken))
                .ConfigureAwait(false);
        }
    }

    private async Task<PgOpsException> FailAsync(
        MigrationScript script, SqlStatement statement, int index, PostgresException error, CancellationToken cancellationToken)
    {
        // An error without a context comes from before the code was run.
        var recording = _table.Writes(error.BatchCommand);
        var inDoubt = !recording && _outside && SqlStatementTraits.RunsCode(statement) && !string.IsNullOrEmpty(error.Where);
        var running = inDoubt || (!recording && _outside && !SqlStatementTraits.RunsCode(statement)) ? index : (int?)null;
        var done = _unrecorded ? index + 1 : index;
        var state = $"{script.File} runs outside a transaction: "
            + $"{done} of {PgAmount.Of(script.Statements.Count, "statement")} "
            + $"{(done == 1 ? "is done and stays" : "are done and stay")} done; the history records {(_unrecorded ? index : "that")}. ";
        var failure = MigrationFailure.Describe(
            script,
            statement,
            error,
            state + (recording
                ? _unrecorded ? $"Statement {done} is committed." : $"Statement {done + 1} was rolled back or not begun."
                : inDoubt ? "What the statement that failed had committed by itself stays; the next run asks what became of it."
                : script.Transactions.ContainsKey(index)
                    ? $"The transaction that begins in line {script.ExcerptAt(script.Statements[index].Offset).Line} was rolled back "
                        + "whole; "
                        + "the next run goes on with it."
                : $"The next run goes on at the statement that failed.{ConcurrentLeftovers.Of(statement)}"),
            _lock.Blockers,
            _table,
            _beside,
            inDoubt ? InterruptedStatement.WayOut(script.File.Version) : null);
        return await MigrationFailure.RecordedAsync(
            failure,
            _table,
            async () =>
            {
                var connection = _session.Connection;
                await _session.EnsureOpenAsync(cancellationToken).ConfigureAwait(false);
                var progress = _progress.Of(
                    script, HistoryState.Failed, done, running, $"{error.SqlState}: {script.File.HideIn(error.MessageText)}");

                // A new connection does not have what the statements left on the one that is gone: what is recorded of that stays.
                await _progress.SendAsync(
                    [
                        new(StatementProgress.Begin), .. connection == _session.Connection ? progress : progress.Skip(1), new("COMMIT"),
                    ],
                    cancellationToken).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }
}
