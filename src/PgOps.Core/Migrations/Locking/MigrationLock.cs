using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Locking;

/// <summary>
/// One migrator at a time per database and history: a session advisory lock on a connection of its own, taken by polling (a blocking
/// wait would deadlock CREATE INDEX CONCURRENTLY, https://github.com/flyway/flyway/issues/1654). A second key is held by the session
/// that does the work: when a migrator is killed its lock goes at once, but the server may still be busy with its last statements,
/// so the next migrator also waits for that session to end.
/// </summary>
internal sealed class MigrationLock : IAsyncDisposable
{
    private static readonly TimeSpan LongestWatchInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShortestWatchInterval = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlConnection _connection;
    private readonly PgTarget _target;
    private readonly TimeSpan _silence;
    private readonly IOperationSink _sink;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _endWatch = new();
    private Task _watch = Task.CompletedTask;
    private HistoryTable? _table;
    private SessionSilence? _orphan;

    private MigrationLock(NpgsqlConnection connection, MigrationRequest request, IOperationSink sink)
    {
        _connection = connection;
        _target = request.Target;
        _silence = request.Silence;
        _sink = sink;
    }

    /// <summary>
    /// Cancelled when the lock's connection breaks, for another migrator may already have begun, or when the working session is seen to
    /// be lost.
    /// </summary>
    internal CancellationToken Lost => _lost.Token;

    /// <summary>Which connection was lost, in words.</summary>
    internal string LostWhat { get; private set; } = "the connection that holds the migration lock was lost";

    /// <summary>How long it took to get the lock.</summary>
    internal TimeSpan Waited { get; private set; }

    /// <summary>The sessions last seen in the way of the working session; null when there were none.</summary>
    internal string? Blockers { get; private set; }

    /// <summary>Takes the lock on an open connection, which it owns from then on.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="request">Where, and how long to wait.</param>
    /// <param name="sink">Hears of the wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="preparing">What must have succeeded before it is worth while to wait.</param>
    /// <exception cref="PgOpsException">MigrationLocked, naming the holder, when the wait takes longer than allowed.</exception>
    internal static async Task<MigrationLock> AcquireAsync(
        NpgsqlConnection connection,
        MigrationRequest request,
        IOperationSink sink,
        CancellationToken cancellationToken,
        Task? preparing = null)
    {
        var taken = new MigrationLock(connection, request, sink);
        return await taken.OrDisposeAsync(async () =>
        {
            await connection.ExecuteAsync(
                SessionSettings.Set(SessionSilence.Settings(connection, request.Silence)), cancellationToken).ConfigureAwait(false);
            await taken.PollAsync(request.HistorySchema, request.WaitTimeout, preparing, cancellationToken).ConfigureAwait(false);
            taken._table = new HistoryTable(request.HistorySchema);
            return taken;
        }).ConfigureAwait(false);
    }

    /// <summary>The key that migrators compete for.</summary>
    internal static long MigratorKey(string schema) => AdvisoryKey.Of($"pgops migrator {schema}");

    /// <summary>The key that the working session holds.</summary>
    internal static long WorkerKey(string schema) => AdvisoryKey.Of($"pgops worker {schema}");

    /// <summary>Watches the lock's connection, and who stands in the way of the working session, until disposed.</summary>
    /// <param name="workingProcess">Gives the process id of the working session; a new connection changes it.</param>
    /// <param name="request">
    /// Its lock_timeout: a blocker is looked for several times before it strikes. Its silence: how long an answer may take.
    /// </param>
    internal void Watch(Func<int> workingProcess, MigrationRequest request)
    {
        var lockTimeout = request.LockTimeout;
        var interval = lockTimeout == TimeSpan.Zero ? LongestWatchInterval : lockTimeout / 4;
        interval = interval > LongestWatchInterval ? LongestWatchInterval
            : interval < ShortestWatchInterval ? ShortestWatchInterval : interval;
        _watch = Task.Run(() => WatchAsync(workingProcess, interval, request.Silence, _endWatch.Token));
    }

    /// <summary>Begins a new attempt: who stood in the way of an earlier one says nothing about it.</summary>
    internal void ForgetBlockers() => Blockers = null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _endWatch.CancelAsync().ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
        if (_table is not null)
        {
            await MarkEndAsync(_table).ConfigureAwait(false);
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
        _endWatch.Dispose();
        _lost.Dispose();
    }

    /// <summary>Notes how many rows the history has, once for a whole turn. Without it the run is as good, so nothing is thrown.</summary>
    private async Task MarkEndAsync(HistoryTable table)
    {
        try
        {
            await _connection.ExecuteAsync(table.MarkEndStatement, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            _sink.Log.HistoryEndUnmarked(table.Name, error.Message);
        }
    }

    private async Task PollAsync(string schema, TimeSpan timeout, Task? preparing, CancellationToken cancellationToken)
    {
        var polling = Polling.ForLock(timeout);
        var told = "";
        using var progress = new ProgressActivity(_sink, $"Waiting to migrate {_target.Database}");
        while (true)
        {
            var (holder, dead) = await TryAsync(schema, cancellationToken).ConfigureAwait(false);
            if (holder is null)
            {
                Waited = polling.Waited;
                return;
            }

            await (preparing ?? Task.CompletedTask).ConfigureAwait(false);
            if (dead)
            {
                await EndSilentOrphanAsync(schema, cancellationToken).ConfigureAwait(false);
            }

            var what = dead ? "a dead migrator's session still works" : "another migrator holds the lock";
            if (polling.IsOver)
            {
                throw new PgOpsException(
                    PgErrorCode.MigrationLocked,
                    $"{_target}: {what}: {holder}. Waited {polling.Waited.TotalSeconds:0.0} s.",
                    "Nothing was touched.",
                    dead
                        ? "Wait until its statement ends, or end it with SELECT pg_terminate_backend(pid)."
                        : "Wait until it has ended and run the command again (-WaitTimeout waits longer).")
                { Subject = _target };
            }

            if (told != holder && polling.Waited > TimeSpan.FromSeconds(1))
            {
                _sink.Log.WaitingForMigrator(what, holder);
                told = holder;
            }

            progress.Report($"{what}: {holder}");
            await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Tries for the lock; gives the session in the way, or null when the lock is ours and no orphan is left.</summary>
    private async Task<(string? Holder, bool Dead)> TryAsync(string schema, CancellationToken cancellationToken)
    {
        var key = MigratorKey(schema);
        if (!await AdvisoryLock.TryHoldAsync(_connection, key, cancellationToken).ConfigureAwait(false))
        {
            // The holder may have gone between the two questions; then the next round gets the lock.
            return (await AdvisoryLock.HolderAsync(_connection, key, cancellationToken).ConfigureAwait(false) ?? "just ending", false);
        }

        // Nobody works when its key is free; to ask who holds it takes the server longer than all else.
        var worker = WorkerKey(schema);
        return await AdvisoryLock.IsFreeAsync(_connection, worker, cancellationToken).ConfigureAwait(false)
            ? (null, false)
            : (await AdvisoryLock.HolderAsync(_connection, worker, cancellationToken).ConfigureAwait(false), true);
    }

    /// <summary>
    /// Ends the working session of a migrator that is gone when it waits for its client and hears nothing: in the middle of a COPY no
    /// timeout of the server's own does that.
    /// </summary>
    private async Task EndSilentOrphanAsync(string schema, CancellationToken cancellationToken)
    {
        var process = await AdvisoryLock.HolderProcessAsync(_connection, WorkerKey(schema), cancellationToken).ConfigureAwait(false);
        if (_orphan?.Process != process)
        {
            _orphan = new SessionSilence(process, _silence);
        }

        if (await _orphan.EndsAsync(_connection, cancellationToken).ConfigureAwait(false) is { } what)
        {
            _sink.Log.MigratorLost(what);
        }
    }

    private async Task WatchAsync(Func<int> workingProcess, TimeSpan interval, TimeSpan longest, CancellationToken cancellationToken)
    {
        var told = "";
        var silence = new SessionSilence(workingProcess(), longest);
        using var answer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (true)
            {
                await Task.Delay(interval, cancellationToken).ConfigureAwait(false);
                answer.CancelAfter(longest);
                var process = workingProcess();
                silence = process == silence.Process ? silence : new SessionSilence(process, longest);
                if (await silence.EndsAsync(_connection, answer.Token).ConfigureAwait(false) is { } lost)
                {
                    await LoseAsync(lost).ConfigureAwait(false);
                    return;
                }

                if (await BlockersAsync(process, answer.Token).ConfigureAwait(false) is not [var (processes, blockers)])
                {
                    continue;
                }

                Blockers = blockers;
                if (processes != told)
                {
                    _sink.Log.WaitingForLock(blockers);
                    told = processes;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The work has ended.
        }
        catch (Exception error) when (error is NpgsqlException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            await LoseAsync($"{LostWhat} ({error.Message})").ConfigureAwait(false);
        }
    }

    private async Task LoseAsync(string what)
    {
        LostWhat = what;
        _sink.Log.RunStopped(what);
        await _lost.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>The sessions in the way, by process ids and in words; no row when there are none.</summary>
    private async Task<List<(string Processes, string Words)>> BlockersAsync(int workingProcess, CancellationToken cancellationToken)
        => await _connection.QueryAsync(
            """
            SELECT pg_catalog.string_agg(a.pid::text, ' ' ORDER BY a.pid),
              pg_catalog.string_agg(pg_catalog.format('pid %s (%s, %s, %s for %s s: %s)', a.pid, a.usename,
                coalesce(nullif(a.application_name, ''), 'unnamed'), a.state,
                extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.state_change))::int,
                pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80)), '; ')
            FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1)) HAVING count(*) > 0
            """,
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken,
            workingProcess).ConfigureAwait(false);
}
