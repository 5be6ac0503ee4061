using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Says who keeps an operation's sessions waiting for a lock, and ends a wait that is longer than it may be.</summary>
/// <param name="Target">The database. Its application name marks the sessions that are watched.</param>
/// <param name="Subject">What waits: "The backup".</param>
/// <param name="Code">The error of a wait that took too long.</param>
/// <param name="State">The state of things then.</param>
internal sealed record LockWatch(PgTarget Target, string Subject, PgErrorCode Code, string State)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Who waits for us in turn may have a limit of its own; without one neither would ever go on, and the server does not see it.
    private static readonly TimeSpan LongestCircle = TimeSpan.FromMinutes(1);

    /// <summary>How long to wait for a lock; null for as long as it takes.</summary>
    internal TimeSpan? Limit { get; init; }

    /// <summary>Does work that may have to wait.</summary>
    /// <param name="log">Hears who holds the lock, after three seconds.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the work and the watch.</param>
    /// <exception cref="PgOpsException"><see cref="Code"/>, naming who held the lock until the limit.</exception>
    internal async Task<T> RunAsync<T>(ILogger log, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = new Watching(this, log, stop);
        var watching = watch.RunAsync(done.Token);
        try
        {
            return await work(stop.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (watch.Overdue && !cancellationToken.IsCancellationRequested)
        {
            throw new PgOpsException(
                Code,
                $"{Target}: {char.ToLowerInvariant(Subject[0])}{Subject[1..]} waited {SpanText.Limited(watch.Waited)} for a lock"
                    + $"{(Limit is null ? "" : " (-LockTimeout)")}: {watch.Seen}",
                State,
                $"Run the command again when the lock is free{(Limit is null ? "" : ", or with a longer -LockTimeout")}. "
                    + "SELECT pg_terminate_backend(pid) ends a session that has been forgotten.",
                error)
            { Subject = Target };
        }
        finally
        {
            await done.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }
    }

    private sealed class Watching(LockWatch watch, ILogger log, CancellationTokenSource stop)
    {
        private static readonly TimeSpan Precision = TimeSpan.FromMilliseconds(200);

        private string? _told;

        internal string? Seen { get; private set; }

        internal bool Overdue { get; private set; }

        internal TimeSpan Waited { get; private set; }

        private TimeSpan FirstLook => watch.Limit is { } limit && limit < Patience ? limit : Patience;

        internal async Task RunAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Task.Delay(FirstLook, cancellationToken).ConfigureAwait(false);
                var session = await ServerConnection.OpenAsync(
                    watch.Target with { ApplicationName = "PgOps lock watch" }, null, cancellationToken).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    while (!Overdue)
                    {
                        var left = await LookAsync(session, cancellationToken).ConfigureAwait(false);
                        await Task.Delay(left < Pause ? left : Pause, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception error) when (error is OperationCanceledException or NpgsqlException or PgOpsException)
            {
                // The wait is over, or nobody can look; the work says what becomes of it.
            }
        }

        // Returns how much of the limit is left.
        private async Task<TimeSpan> LookAsync(NpgsqlConnection session, CancellationToken cancellationToken)
        {
            // A wait begins with its statement on a server that does not tell when it began.
            var since = session.VersionNumber() >= 140000 ? "coalesce(l.waitstart, pg_catalog.clock_timestamp())" : "a.query_start";
            var waits = await session.QueryAsync(
                $"""
                SELECT a.pid, coalesce(l.relation::pg_catalog.regclass::pg_catalog.text,
                        'what transaction ' || l.transactionid || ' changes', 'the ' || l.locktype),
                    extract(epoch FROM pg_catalog.clock_timestamp() - {since})::float8
                FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND NOT l.granted
                WHERE a.datname = pg_catalog.current_database() AND pg_catalog.starts_with(a.application_name, $1)
                ORDER BY 3 DESC
                """,
                row => (Pid: row.GetInt32(0), What: row.GetString(1), Waited: TimeSpan.FromSeconds(row.GetDouble(2))),
                cancellationToken,
                watch.Target.ApplicationName).ConfigureAwait(false);
            foreach (var wait in waits)
            {
                // Sessions of one operation wait for each other without harm.
                var holders = await session.QueryAsync(
                    $"""
                    SELECT {DatabaseSessions.Columns} FROM pg_catalog.pg_stat_activity
                    WHERE pid = ANY (pg_catalog.pg_blocking_pids($1)) AND NOT pg_catalog.starts_with(application_name, $2)
                    ORDER BY pid
                    """,
                    DatabaseSessions.Read,
                    cancellationToken,
                    wait.Pid,
                    watch.Target.ApplicationName).ConfigureAwait(false);
                var (isPrepared, isCircle) = (await session.QueryAsync(
                    """
                    SELECT 0 = ANY (pg_catalog.pg_blocking_pids($1)), EXISTS (
                        SELECT FROM unnest(pg_catalog.pg_blocking_pids($1)) holder, unnest(pg_catalog.pg_blocking_pids(holder)) ours
                        JOIN pg_catalog.pg_stat_activity a ON a.pid = ours
                        WHERE NOT pg_catalog.starts_with((SELECT h.application_name FROM pg_catalog.pg_stat_activity h
                                                          WHERE h.pid = holder), $2)
                          AND pg_catalog.starts_with(a.application_name, $2))
                    """,
                    row => (row.GetBoolean(0), row.GetBoolean(1)),
                    cancellationToken,
                    wait.Pid,
                    watch.Target.ApplicationName).ConfigureAwait(false))[0];
                if (holders.Count > 0 || isPrepared)
                {
                    return Tell(wait.What, holders, isCircle, wait.Waited);
                }
            }

            return Pause;
        }

        private TimeSpan Tell(string what, List<PgDatabaseSession> holders, bool isCircle, TimeSpan waited)
        {
            if (waited < FirstLook - Precision)
            {
                return FirstLook - waited;
            }

            var held = $"{what} is {(isCircle ? "asked for" : "locked")} by ";
            var news = held + string.Join(' ', holders.Select(holder => holder.Pid));
            Seen = held + (holders.Count == 0 ? "a prepared transaction (pg_prepared_xacts)" : string.Join("; ", holders))
                + (isCircle ? $", which waits for {char.ToLowerInvariant(watch.Subject[0])}{watch.Subject[1..]} in turn." : ".");
            if (news != _told)
            {
                _told = news;
                log.WaitsForLock(watch.Subject, Seen);
            }

            var limit = isCircle && !(watch.Limit < LongestCircle) ? LongestCircle : watch.Limit;
            if (limit is null || waited < limit - Precision)
            {
                return limit - waited ?? Pause;
            }

            (Overdue, Waited) = (true, limit.Value);
            stop.Cancel();
            return TimeSpan.Zero;
        }
    }
}
