using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>
/// Puts a prepared database in the place of a live one. The sessions are drained, both databases are renamed in one transaction that the
/// server carries out without a word from PgOps in between; so whatever is interrupted, it is wholly before or wholly after.
/// </summary>
public sealed class SwitchDatabase
{
    private static readonly TimeSpan OutcomePatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OutcomePause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan EndPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(10);

    /// <summary>Switches.</summary>
    /// <param name="request">Which databases.</param>
    /// <param name="sink">Where log lines and progress go.</param>
    /// <param name="cancellationToken">Gives up; whether the switch had happened by then is found out first.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="PgOpsException">
    /// DatabaseInUse, InvalidArgument, PermissionDenied, PoolerDetected, ServerVersionUnsupported, StatementFailed, TargetNotEmpty, or a
    /// connection's error.
    /// </exception>
    public Task<PgDatabaseSwitch> RunAsync(SwitchDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgDatabaseSwitch> WorkAsync(SwitchDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var done = await OnServerAsync(
            request,
            sink,
            "the switch",
            $"{request.Target} is the database that it was.",
            async session =>
            {
                var plan = await SwitchPlan.MakeAsync(request, session, cancellationToken).ConfigureAwait(false);
                if (plan.Done is not null)
                {
                    return plan.Done;
                }

                var script = await PrepareAsync(request, plan, session, cancellationToken).ConfigureAwait(false);
                foreach (var check in plan.Checks.Where(check => check.Status == PgCheckStatus.Skipped))
                {
                    sink.Log.SwitchCheckSkipped(check.Name, check.Detail);
                }

                return await SwitchAsync(request, plan, script, session, sink, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return done with { StartedAt = DateTime.UtcNow - clock.Elapsed, Duration = clock.Elapsed };
    }

    /// <summary>Says what <see cref="RunAsync"/> would do, who would be cut off and what stands in the way, and touches nothing.</summary>
    /// <param name="request">Which databases.</param>
    /// <param name="sink">Where log lines go, and the refusal that the switch would meet.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan, line by line.</returns>
    /// <exception cref="PgOpsException">The refusal that leaves no plan.</exception>
    public Task<IReadOnlyList<string>> PreviewAsync(SwitchDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        return OnServerAsync(
            request,
            sink,
            "looking at the server",
            SwitchPlan.Untouched,
            async session =>
            {
                var plan = await SwitchPlan.MakeAsync(request, session, cancellationToken).ConfigureAwait(false);
                var sessions = plan.Done is not null ? [] : (List<PgDatabaseSession>)[
                    .. await DatabaseSessions.StayingAsync(session, plan.Old.Name, cancellationToken).ConfigureAwait(false),
                    .. await DatabaseSessions.StayingAsync(session, plan.Prepared.Name, cancellationToken).ConfigureAwait(false)];
                if (plan.Refusal(request.Target) is { } refusal)
                {
                    sink.Failure(refusal);
                }
                else if (plan.Done is null)
                {
                    _ = await PrepareAsync(request, plan, session, cancellationToken).ConfigureAwait(false);
                }

                return plan.Describe(request, sessions);
            },
            cancellationToken);
    }

    private static async Task<T> OnServerAsync<T>(
        SwitchDatabaseRequest request,
        IOperationSink sink,
        string doing,
        string state,
        Func<NpgsqlConnection, Task<T>> work,
        CancellationToken cancellationToken)
    {
        try
        {
            var session = await OpenAsync(request, sink, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                return await work(session).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is NpgsqlException || SwitchScript.IsBroken(error))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(request.Maintenance, SwitchScript.AsLost(error), doing, state);
        }
    }

    private static async Task<NpgsqlConnection> OpenAsync(
        SwitchDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(request.Maintenance, sink.Log, cancellationToken).ConfigureAwait(false);
        return await session.OrDisposeAsync(async () =>
        {
            // A lock that is not given soon would keep new connections waiting behind it. Warnings are of sessions that went by themselves.
            await session.ExecuteAsync(
                "SET statement_timeout = 0; SET lock_timeout = '5s'; SET client_min_messages = error", cancellationToken)
                .ConfigureAwait(false);
            await SessionSettings.AllowIdlingAsync(session, cancellationToken).ConfigureAwait(false);
            return session;
        }).ConfigureAwait(false);
    }

    private static async Task<SwitchScript> PrepareAsync(
        SwitchDatabaseRequest request, SwitchPlan plan, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        if (plan.Refusal(request.Target) is { } refusal)
        {
            throw refusal;
        }

        var script = await SwitchScript.WriteAsync(
            session, plan.Old, plan.Prepared, plan.Aside, plan.Carry, plan.Undo, cancellationToken).ConfigureAwait(false);
        await script.TryAsync(session, request.Target, cancellationToken).ConfigureAwait(false);
        return script;
    }

    private static async Task<PgDatabaseSwitch> SwitchAsync(
        SwitchDatabaseRequest request,
        SwitchPlan plan,
        SwitchScript script,
        NpgsqlConnection session,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var drain = new SessionDrain(session, plan.Old.Oid, plan.Prepared.Oid, sink.Log);
        var drained = await drain.WaitAsync(request.Target, request.GracePeriod, sink, cancellationToken).ConfigureAwait(false);
        var worker = await OpenAsync(request, sink, cancellationToken).ConfigureAwait(false);
        await using (worker.ConfigureAwait(false))
        {
            var process = worker.ProcessID;
            var probe = new ServiceProbe(request.Target, plan.Prepared.Oid);
            await using (probe.ConfigureAwait(false))
            {
                await probe.Ready.WaitAsync(cancellationToken).ConfigureAwait(false);
                var gap = Stopwatch.StartNew();
                try
                {
                    await drain.EndAsync(
                        token => script.RunAsync(worker, token), request.GracePeriod > TimeSpan.Zero,
                        cancellationToken).ConfigureAwait(false);
                }
                catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
                {
                    if (!await TookPlaceAsync(request, plan, process, error).ConfigureAwait(false))
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        throw await FailureAsync(request, plan, drain, drain.Lost ?? error).ConfigureAwait(false);
                    }
                }

                gap.Stop();
                return new PgDatabaseSwitch
                {
                    Target = request.Target,
                    With = plan.Prepared.Name,
                    ReplacedDatabase = plan.Aside,
                    Undone = plan.Undo,
                    EndedSessions = drain.Ended,
                    DrainTime = drained,
                    Downtime = await probe.ResultAsync(ProbePatience).ConfigureAwait(false) ?? gap.Elapsed,
                    Checks = plan.Checks,
                };
            }
        }
    }

    /// <summary>After an error that leaves it open whether the server has committed: asks the server, once its session has ended.</summary>
    private static async Task<bool> TookPlaceAsync(
        SwitchDatabaseRequest request, SwitchPlan plan, int process, Exception error)
    {
        if (error is PostgresException && !ServerErrors.IsLost(error))
        {
            return false;
        }

        for (var polling = new Polling(OutcomePatience, OutcomePause); ;)
        {
            try
            {
                var session = await ServerConnection.OpenAsync(request.Maintenance, null, CancellationToken.None).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    _ = await new Polling(OutcomePatience - polling.Waited, EndPause).UntilAsync(
                        async () => !await session.ScalarAsync<bool>(
                            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity "
                                + "WHERE pid = $1 AND usename = current_user AND state = 'active')",
                            CancellationToken.None,
                            process).ConfigureAwait(false),
                        CancellationToken.None).ConfigureAwait(false);
                    return await DatabaseOccupancy.OidAsync(session, request.Target.Database, CancellationToken.None).ConfigureAwait(false)
                        == plan.Prepared.Oid;
                }
            }
            catch (Exception again) when (again is NpgsqlException or PgOpsException)
            {
                if (polling.IsOver)
                {
                    throw new PgOpsException(
                        PgErrorCode.ConnectionLost,
                        new Redaction(request.Target).Apply(
                            $"The connection was lost during the switch of {request.Target}: {error.Message}"),
                        "The switch has happened wholly or not at all; the server cannot be asked.",
                        "When the server answers again run the same command again: it goes on from what it finds.",
                        error)
                    { Subject = request.Target };
                }

                await polling.PauseAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static async Task<Exception> FailureAsync(
        SwitchDatabaseRequest request, SwitchPlan plan, SessionDrain drain, Exception error)
    {
        var ended = drain.Ended.Count;
        var cut = ended == 0 ? "no session was ended" : $"{PgAmount.Of(ended, "session")} {(ended == 1 ? "was" : "were")} ended";
        var state = $"{request.Target} is the database that it was, and open to connections; {cut}.";
        switch ((error as PostgresException)?.SqlState)
        {
            case PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.LockNotAvailable:
                var left = await LeftAsync(request, plan).ConfigureAwait(false);
                return new PgOpsException(
                    PgErrorCode.DatabaseInUse,
                    $"{request.Target} could not be switched within five seconds: {DatabaseSessions.Describe(left)}",
                    state,
                    "See what keeps them (pg_stat_activity, pg_locks), then run the command again.",
                    error)
                { Subject = request.Target };
            case PostgresErrorCodes.DivisionByZero:
                return DatabaseSwap.Appeared(request.Target, error);
            default:
                return error is PostgresException server && DatabaseSwap.IsRace(server)
                    ? DatabaseSwap.Appeared(request.Target, error)
                    : ServerErrors.Working(request.Target, error, "the switch", state);
        }
    }

    private static async Task<List<PgDatabaseSession>> LeftAsync(SwitchDatabaseRequest request, SwitchPlan plan)
    {
        var session = await ServerConnection.OpenAsync(request.Maintenance, null, CancellationToken.None).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            return
            [
                .. await DatabaseSessions.ListAsync(session, plan.Old.Name, CancellationToken.None).ConfigureAwait(false),
                .. await DatabaseSessions.ListAsync(session, plan.Prepared.Name, CancellationToken.None).ConfigureAwait(false),
            ];
        }
    }
}
