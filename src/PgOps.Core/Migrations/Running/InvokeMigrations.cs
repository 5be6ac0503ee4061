using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>Brings a database to the newest version of a folder: lock, history, guards, then one migration after the other.</summary>
public sealed class InvokeMigrations
{
    private const int FewestForPreparing = 10;

    /// <summary>
    /// User objects outside the history's schema, or, where a schema stands alone ($2), those in it but for the history's table ($3):
    /// relations, routines and types that no extension owns.
    /// </summary>
    private static readonly string HasObjectsQuery = $"""
        SELECT EXISTS (
            SELECT FROM (
                SELECT tableoid, oid, relnamespace AS namespace, relowner AS owner
                FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                UNION ALL
                SELECT tableoid, oid, pronamespace, proowner FROM pg_catalog.pg_proc
                UNION ALL
                SELECT tableoid, oid, typnamespace, typowner FROM pg_catalog.pg_type WHERE typtype IN ('d', 'e', 'r')
            ) o JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
            WHERE CASE WHEN $2
                    THEN n.nspname = $1 AND (o.tableoid <> 'pg_catalog.pg_class'::pg_catalog.regclass
                        OR o.oid IS DISTINCT FROM pg_catalog.to_regclass($3)::oid)
                    ELSE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1) END
                AND NOT {ProviderObjects.Condition("o.owner", "n.nspname")}
                AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.tableoid AND d.objid = o.oid AND d.deptype = 'e'))
        """;

    /// <summary>Runs what is pending.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="sink">Where log lines and progress go.</param>
    /// <param name="cancellationToken">Cancels the running statement and rolls its transaction back.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="PgOpsException">A guard refused, or a migration failed; the message says what state the database is in.</exception>
    public Task<PgMigrationRun> RunAsync(MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgMigrationRun> WorkAsync(MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        if (request is { Baseline: true, ToVersion: null })
        {
            Directory.CreateDirectory(request.Path);
        }

        var reading = Task.Run(() => MigrationFolder.ReadWhole(request.Path, request.Variables), cancellationToken);
        var table = new HistoryTable(request.HistorySchema);
        var (run, waited) = await LockedRun.TakeAsync(
            request,
            (connection, migrationLock, token) => RunLockedAsync(request, reading, table, connection, migrationLock, sink, token),
            sink,
            cancellationToken,
            reading).ConfigureAwait(false);
        return run with { LockWait = waited, Duration = clock.Elapsed };
    }

    /// <summary>Works out what <see cref="RunAsync"/> would do, without lock or change.</summary>
    internal static Task<MigrationPlan> PlanAsync(MigrationRequest request, ILogger log, CancellationToken cancellationToken)
    {
        var folder = MigrationFolder.Read(request.Path, request.Variables);
        log.Tell(folder);
        return LookAsync(
            request,
            log,
            async (history, connection) =>
            {
                history = await AdoptedTurn.LookAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
                return await PlanAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>The migrations that a baseline would record.</summary>
    internal static Task<IReadOnlyList<MigrationFile>> PlanBaselineAsync(
        MigrationRequest request, ILogger log, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(request.Path))
        {
            return Task.FromResult<IReadOnlyList<MigrationFile>>([]);
        }

        var folder = MigrationFolder.Read(request.Path, request.Variables);
        return LookAsync(
            request,
            log,
            async (history, connection) =>
            {
                await OtherHistories.RequireNoneAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
                return await Baseline.ChooseAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);
    }

    private static async Task<T> LookAsync<T>(
        MigrationRequest request, ILogger log, Func<MigrationHistory, NpgsqlConnection, Task<T>> look, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await MigratorSession.OpenAsync(request, log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await ProvenBackup.RequireAsync(request, connection, cancellationToken).ConfigureAwait(false);
                var history = await MigrationHistory.ReadAsync(
                    connection, new HistoryTable(request.HistorySchema), false, cancellationToken).ConfigureAwait(false);
                return await look(history, connection).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(request.Target, error, "planning");
        }
    }

    private static async Task<MigrationPlan> PlanAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        folder.ReadAs(connection);
        var hasObjects = !history.Rows.Values.Any(row => row.IsApplied)
            && await connection.ScalarAsync<bool>(
                HasObjectsQuery, cancellationToken, request.HistorySchema, request.SchemaAlone,
                new HistoryTable(request.HistorySchema).Name)
                .ConfigureAwait(false);
        var others = hasObjects
            ? await OtherHistories.FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false)
            : [];
        var plan = MigrationPlan.Make(
            request, folder, history, hasObjects, others.ConvertAll(other => other.Tool.In(other.Table)));
        await OtherHistories.RefuseTwiceAsync(request, plan.Pending.Select(script => script.File), others, connection, cancellationToken)
            .ConfigureAwait(false);
        return plan with { Pending = await CommittingCalls.SettleAsync(connection, plan.Pending, cancellationToken).ConfigureAwait(false) };
    }

    private static async Task<PgMigrationRun> RunLockedAsync(
        MigrationRequest request,
        Task<MigrationFolder> reading,
        HistoryTable table,
        NpgsqlConnection connection,
        MigrationLock migrationLock,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        await ProvenBackup.RequireAsync(request, connection, cancellationToken).ConfigureAwait(false);
        var history = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
        var folder = await reading.ConfigureAwait(false);
        sink.Log.Tell(folder);
        if (request.Baseline)
        {
            await OtherHistories.RequireNoneAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
            return await Baseline.RecordAsync(request, folder, table, history, connection, sink.Log, cancellationToken)
                .ConfigureAwait(false);
        }

        var turn = await AdoptedTurn.BeginAsync(request, folder, table, history, connection, sink, cancellationToken).ConfigureAwait(false);
        history = turn.History;
        var plan = await PlanAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
        RequireContent(request, folder, plan, sink.Log);
        var result = new PgMigrationRun
        {
            Target = request.Target,
            FromVersion = plan.FromVersion,
            ToVersion = plan.FromVersion,
            StillPending = plan.StillPending,
            BackupId = request.BackupId,
        };
        if (plan.Pending.Count == 0)
        {
            return result;
        }

        await (request.BeforeFirst?.Invoke(cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);

        RefuseOperations(plan);
        await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
        await turn.MakeWayAsync(plan.Pending.All(script => script.Transactional), cancellationToken).ConfigureAwait(false);
        request = request.WithTimeToSend(plan.Pending);
        var session = await MigrationSession.OpenAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            if (plan.Pending.Count >= FewestForPreparing)
            {
                await session.PrepareAsync(table, cancellationToken).ConfigureAwait(false);
            }

            migrationLock.Watch(() => session.Process, request);
            var applied = await ApplyAsync(request, plan, turn, table, session, migrationLock, sink, cancellationToken)
                .ConfigureAwait(false);
            return result with
            {
                Applied = applied,
                ToVersion = plan.Pending.Where(script => script.File.Kind == MigrationKind.Versioned).Select(script => script.File.Version)
                    .Append(plan.FromVersion).Max(folder.Order),
                Statements = plan.Pending.Sum(script => script.Statements.Count),
            };
        }
    }

    /// <summary>Says, or with -Strict refuses, that there is nothing where something was to be expected.</summary>
    private static void RequireContent(MigrationRequest request, MigrationFolder folder, MigrationPlan plan, ILogger log)
    {
        var empty = plan.Pending.Where(script => script.Statements.Count == 0).ToList();
        if (request.Strict && (!folder.Scripts.Any() || empty.Count > 0))
        {
            throw new PgOpsException(
                empty.Count == 0 ? PgErrorCode.MigrationSourceInvalid : PgErrorCode.MigrationScriptInvalid,
                empty.Count == 0 ? $"'{request.Path}' holds no migrations." : $"{empty[0].File} holds no statement: {empty[0].File.Path}",
                "Nothing was touched.",
                empty.Count == 0 ? "Give the right folder, or leave -Strict out." : "Fill the file, delete it, or leave -Strict out.");
        }

        if (!folder.Scripts.Any())
        {
            log.FolderEmpty(request.Path);
        }

        foreach (var script in plan.Pending)
        {
            if (SelfUndoing.In(script) is var (what, line))
            {
                log.UndoesItself(script.File, what, line);
            }
        }

        foreach (var script in empty)
        {
            log.ScriptEmpty(script.File);
        }
    }

    /// <summary>Prisma 8's operations come with checks and with a state of Prisma's own, which go together with them.</summary>
    private static void RefuseOperations(MigrationPlan plan)
    {
        if (plan.Pending.FirstOrDefault(script => script.File.Operations is not null) is { } script)
        {
            throw new PgOpsException(
                PgErrorCode.MigrationScriptInvalid,
                $"{script.File} holds operations of Prisma 8 ({script.File.Operations}), which PgOps reads but does not apply: "
                    + $"{script.File.Path}",
                "Nothing was run, and nothing of this migration is recorded.",
                "Apply it with Prisma. Invoke-PgMigration -WhatIf shows its statements; where Prisma has applied it: "
                    + $"Repair-PgMigration -Version {script.File.Version} -MarkApplied -Reason '…'.")
            { Subject = script.File.Path };
        }
    }

    private static async Task<List<PgMigration>> ApplyAsync(
        MigrationRequest request,
        MigrationPlan plan,
        AdoptedTurn turn,
        HistoryTable table,
        MigrationSession session,
        MigrationLock migrationLock,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var inTransaction = new TransactionRun(session, table, request, migrationLock, sink, turn.Record);
        var byStatement = new StatementRun(session, table, request, migrationLock, sink, turn.Record);
        var applied = new List<PgMigration>(plan.Pending.Count);
        using var progress = new ProgressActivity(
            sink,
            request.SchemaAlone ? $"Migrating {request.Target.Database}.{request.Target.Schema}" : $"Migrating {request.Target.Database}");
        foreach (var planned in MigrationGroup.Divide(
            plan.Pending,
            script => !script.Transactional || Unfinished(script) is not null || CommittingCalls.AnyIn(script) || session.WearsOut(script)))
        {
            await session.RenewAsync(planned, cancellationToken).ConfigureAwait(false);

            // What a migration before it has created, by an extension for one, was not known when the run was planned.
            var group = planned is [var caller] && CommittingCalls.AnyIn(caller)
                ? await CommittingCalls.SettleAsync(session.Connection, planned, cancellationToken).ConfigureAwait(false)
                : planned;
            progress.Report(group[0].File.ToString(), applied.Count, plan.Pending.Count);
            try
            {
                if (group is [var single] && (!single.Transactional || Unfinished(single) is not null))
                {
                    var clock = Stopwatch.StartNew();
                    await byStatement.RunAsync(single, Unfinished(single), cancellationToken).ConfigureAwait(false);
                    Applied(single, clock.Elapsed);
                }
                else
                {
                    await inTransaction.RunAsync(group, Applied, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (NpgsqlException error) when (ServerErrors.IsLost(error))
            {
                throw HistoryErrors.Working(
                    request.Target, table, error, $"running "
                        + $"{(group.Count == 1 ? "" : "one of ")}{string.Join(", ", group.Select(script => script.File))}",
                    $"{PgAmount.Of(applied.Count, "migration")} of this run before it ended. What was under way was rolled back, or, "
                        + "where a file "
                        + "runs statement by statement, stands as far as it is recorded; Get-PgMigration shows how each one stands.");
            }
            catch (PgOpsException error) when (error.Code == PgErrorCode.MigrationFailed && applied.Count > 0)
            {
                throw error.InState($"{error.State} {PgAmount.Of(applied.Count, "migration")} of this run before it "
                    + $"{(applied.Count == 1 ? "is" : "are")} applied, up to {applied[^1]}.");
            }
        }

        return applied;

        // A changed repeatable or seed is another script, not the rest of the old one.
        HistoryRow? Unfinished(MigrationScript script)
            => turn.History.Rows.GetValueOrDefault(script.File.Version) is { IsUnfinished: true } unfinished
                && (unfinished.HasVersion || unfinished.Checksum == script.File.Checksum)
                ? unfinished
                : null;

        void Applied(MigrationScript script, TimeSpan duration)
        {
            OperationSpans.Ended(script.File.ToString(), duration);
            sink.Log.MigrationApplied(script.File, (long)duration.TotalMilliseconds);
            applied.Add(new PgMigration
            {
                Version = script.File.Version,
                Name = script.File.Name,
                State = PgMigrationState.Applied,
                Path = script.File.Path,
                Checksum = script.File.Checksum,
                AppliedChecksum = script.File.Checksum,
                AppliedAt = DateTime.UtcNow,
                Duration = duration,
                AppliedBy = request.Target.Username,
                BackupId = request.BackupId,
                Target = request.Target,
            });
            progress.Report(script.File.ToString(), applied.Count, plan.Pending.Count);
        }
    }
}
