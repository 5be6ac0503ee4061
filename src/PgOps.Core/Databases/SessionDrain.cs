using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>
/// Empties the two databases of a switch. First, with the doors open, the transactions that run are waited for; then, while the renames
/// hold new connections off, every session is ended: between two transactions at once, else after a short while. Databases are
/// told by oid, for a name means another database as soon as the renames are through.
/// </summary>
internal sealed class SessionDrain
{
    private const int NoticePause = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // What a short transaction needs to end by itself while new connections wait.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(500);

    // Whom pg_terminate_backend lets this role end.
    private const string Rows = $"""
        SELECT {DatabaseSessions.Columns}, a.xact_start, a.state,
            me.rolsuper OR (NOT coalesce(r.rolsuper, true)
                AND (pg_catalog.pg_has_role(r.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))) AS endable
        FROM pg_catalog.pg_stat_activity a
        JOIN pg_catalog.pg_roles me ON me.rolname = current_user
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
        WHERE a.datid IN ($1, $2) AND {DatabaseSessions.Others}
        """;

    private const string WaitedForQuery = $"""
        WITH others AS MATERIALIZED ({Rows})
        SELECT * FROM others WHERE NOT endable OR xact_start < $3::pg_catalog.timestamptz OR state IS NULL ORDER BY age DESC
        """;

    // Chosen first, in a step of its own: the planner would end a session before it looks at the dearer conditions.
    private const string EndQuery = $"""
        WITH others AS MATERIALIZED ({Rows}),
        chosen AS MATERIALIZED (
            SELECT * FROM others
            WHERE endable AND ($4 OR (state <> 'disabled' AND xact_start IS NULL) OR xact_start >= $3::pg_catalog.timestamptz))
        SELECT * FROM chosen WHERE pg_catalog.pg_terminate_backend(pid)
        """;

    private readonly NpgsqlConnection _session;
    private readonly long _one;
    private readonly long _other;
    private readonly ILogger _log;
    private readonly Dictionary<int, PgDatabaseSession> _ended = [];

    /// <param name="session">A session on the maintenance database, for this alone.</param>
    /// <param name="one">Oid of one database.</param>
    /// <param name="other">Oid of the other.</param>
    /// <param name="log">Hears of every session that is ended.</param>
    internal SessionDrain(NpgsqlConnection session, uint one, uint other, ILogger log)
    {
        (_session, _one, _other, _log) = (session, one, other, log);
    }

    /// <summary>Why sessions could no longer be ended; null when they could.</summary>
    internal Exception? Lost { get; private set; }

    /// <summary>The sessions that were ended.</summary>
    internal IReadOnlyList<PgDatabaseSession> Ended => [.. _ended.Values];

    /// <summary>Waits for the transactions that run now, and for sessions that this role may not end.</summary>
    /// <param name="target">The database, for the messages.</param>
    /// <param name="grace">How long.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="PgOpsException">DatabaseInUse: sessions that this role may not end stayed.</exception>
    internal async Task<TimeSpan> WaitAsync(PgTarget target, TimeSpan grace, IOperationSink sink, CancellationToken cancellationToken)
    {
        var polling = new Polling(grace, Pause);
        var begun = await NowAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var waited = await _session.QueryAsync(
                WaitedForQuery,
                row => (Session: DatabaseSessions.Read(row), Endable: row.GetBoolean(9)),
                cancellationToken, _one, _other, begun).ConfigureAwait(false);
            if (waited.Count == 0)
            {
                return polling.Waited;
            }

            if (polling.IsOver)
            {
                var fixedOnes = waited.Where(one => !one.Endable).Select(one => one.Session).ToList();
                return fixedOnes.Count == 0 ? polling.Waited : throw MayNotEnd(target, fixedOnes);
            }

            var status = $"waiting for {PgAmount.Of(waited.Count, "session")}; the oldest: {waited[0].Session}";
            sink.Progress(new OperationProgress(1, $"Switching {target.Database}", status, -1, grace - polling.Waited, false));
            await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Ends sessions for as long as the renames wait for them. When it no longer can, it stops them: they keep clients waiting.
    /// </summary>
    /// <param name="renames">The script.</param>
    /// <param name="patient">Whether transactions get a moment to end by themselves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task EndAsync(Func<CancellationToken, Task> renames, bool patient, CancellationToken cancellationToken)
    {
        var begun = await NowAsync(cancellationToken).ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = renames(stop.Token);
        while (!running.IsCompleted)
        {
            try
            {
                await EndThoseAsync(begun, !patient || clock.Elapsed > Settling).ConfigureAwait(false);
            }
            catch (Exception error) when (error is NpgsqlException || SwitchScript.IsBroken(error))
            {
                Lost = SwitchScript.AsLost(error);
                await stop.CancelAsync().ConfigureAwait(false);
                break;
            }

            await Task.WhenAny(running, Task.Delay(NoticePause, CancellationToken.None)).ConfigureAwait(false);
        }

        await running.ConfigureAwait(false);
    }

    private async Task EndThoseAsync(string begun, bool all)
    {
        var ended = await _session.QueryAsync(
            EndQuery, DatabaseSessions.Read, CancellationToken.None, _one, _other, begun, all).ConfigureAwait(false);
        foreach (var one in ended.Where(one => one.Application != ServiceProbe.Application && _ended.TryAdd(one.Pid, one)))
        {
            _log.SessionEnded(one.Database, one);
        }
    }

    private async Task<string> NowAsync(CancellationToken cancellationToken)
        => (await _session.ScalarAsync<string>("SELECT pg_catalog.clock_timestamp()::text", cancellationToken).ConfigureAwait(false))!;

    private static PgOpsException MayNotEnd(PgTarget target, IReadOnlyList<PgDatabaseSession> sessions) => new(
        PgErrorCode.DatabaseInUse,
        $"{target} cannot be switched: this role may not end sessions that stay. {DatabaseSessions.Describe(sessions)}",
        "Nothing was touched; nobody was cut off.",
        "Stop these programs; or let a superuser run GRANT pg_signal_backend TO this role (sessions of a superuser only a superuser ends).")
    { Subject = target };
}
