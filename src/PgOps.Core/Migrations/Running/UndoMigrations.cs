using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Takes migrations back by their down scripts, newest first, each in one transaction with its history row. The whole plan is
/// checked before the first statement runs.
/// </summary>
public sealed class UndoMigrations
{
    /// <summary>Undoes the newest migration, or every one above <see cref="MigrationRequest.ToVersion"/>.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="sink">Where log lines and progress go.</param>
    /// <param name="cancellationToken">Cancels the running statement and rolls its transaction back.</param>
    /// <returns>What was done; <see cref="PgMigrationRun.Reverted"/> is empty when there was nothing to undo.</returns>
    /// <exception cref="PgOpsException">A guard refused, or a down script failed; the message says what state the database is
    /// in.</exception>
    public Task<PgMigrationRun> RunAsync(MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgMigrationRun> WorkAsync(MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var folder = MigrationFolder.Read(request.Path, request.Variables);
        var (run, waited) = await LockedRun.TakeAsync(
            request,
            (connection, migrationLock, token) => RunLockedAsync(request, folder, connection, migrationLock, sink, token),
            sink,
            cancellationToken).ConfigureAwait(false);
        return run with { LockWait = waited, Duration = clock.Elapsed };
    }

    /// <summary>Works out what <see cref="RunAsync"/> would do, without lock or change.</summary>
    /// <param name="request">What would be undone.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The migrations that would be undone, newest first.</returns>
    /// <exception cref="PgOpsException">The guard that would refuse the run.</exception>
    public async Task<IReadOnlyList<PlannedMigration>> PreviewAsync(
        MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var folder = MigrationFolder.Read(request.Path, request.Variables);
        try
        {
            var connection = await MigratorSession.OpenAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await ProvenBackup.RequireAsync(request, connection, cancellationToken).ConfigureAwait(false);
                var history = await MigrationHistory.ReadAsync(
                    connection, new HistoryTable(request.HistorySchema), false, cancellationToken).ConfigureAwait(false);
                history = await AdoptedTurn.LookAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false);
                folder.ReadAs(connection);
                return UndoPlan.Make(request, folder, history)
                    .ConvertAll(script => new PlannedMigration(script.File.ToString(), PreviewMigrations.Describe(script, request.Target)));
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(request.Target, error, "planning");
        }
    }

    private static async Task<PgMigrationRun> RunLockedAsync(
        MigrationRequest request,
        MigrationFolder folder,
        NpgsqlConnection connection,
        MigrationLock migrationLock,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        await ProvenBackup.RequireAsync(request, connection, cancellationToken).ConfigureAwait(false);
        var table = new HistoryTable(request.HistorySchema);
        var history = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
        var turn = await AdoptedTurn.BeginAsync(request, folder, table, history, connection, sink, cancellationToken).ConfigureAwait(false);
        history = turn.History;
        folder.ReadAs(connection);
        sink.Log.Tell(folder);
        var plan = UndoPlan.Make(request, folder, history);
        var result = new PgMigrationRun
        {
            Target = request.Target,
            FromVersion = history.NewestIn(folder),
            ToVersion = history.NewestIn(folder),
            BackupId = request.BackupId,
        };
        if (plan.Count == 0)
        {
            return result;
        }

        request = request.WithTimeToSend(plan);
        var session = await MigrationSession.OpenAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            migrationLock.Watch(() => session.Process, request);
            var reverted = await RevertAsync(
                request, plan, session, new TransactionRun(session, table, request, migrationLock, sink, turn.Record), sink,
                cancellationToken).ConfigureAwait(false);
            var gone = reverted.Select(migration => migration.Version).ToHashSet(MigrationVersion.Order);
            return result with
            {
                Reverted = reverted,
                ToVersion = history.Rows.Values.Where(row => row.IsApplied && row.HasVersion && !gone.Contains(row.Version))
                    .Select(row => row.Version).Max(folder.Order),
                Statements = plan.Sum(script => script.Statements.Count),
            };
        }
    }

    private static async Task<List<PgMigration>> RevertAsync(
        MigrationRequest request, List<MigrationScript> plan, MigrationSession session, TransactionRun transaction, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var reverted = new List<PgMigration>(plan.Count);
        using var progress = new ProgressActivity(sink, $"Undoing migrations of {request.Target.Database}");
        foreach (var script in plan)
        {
            progress.Report(script.File.ToString(), reverted.Count, plan.Count);
            var clock = Stopwatch.StartNew();
            try
            {
                await session.RenewAsync([script], cancellationToken).ConfigureAwait(false);
                await transaction.RunAsync([script], static (_, _) => { }, cancellationToken).ConfigureAwait(false);
            }
            catch (PgOpsException error) when (error.Code == PgErrorCode.MigrationFailed && reverted.Count > 0)
            {
                throw error.InState($"{error.State} {PgAmount.Of(reverted.Count, "migration")} of this run "
                    + $"{(reverted.Count == 1 ? "is" : "are")} undone, down to {reverted[^1]}.");
            }

            OperationSpans.Ended(script.File.ToString(), clock.Elapsed);
            sink.Log.MigrationUndone(script.File, clock.ElapsedMilliseconds);
            if (script.Statements.Count == 0)
            {
                sink.Log.NothingToUndo(script.File, script.File.Path);
            }

            reverted.Add(new PgMigration
            {
                Version = script.File.Version,
                Name = script.File.Name,
                State = PgMigrationState.Pending,
                Path = script.Undone!.Path,
                Checksum = script.Undone.Checksum,
                Duration = clock.Elapsed,
                BackupId = request.BackupId,
                Remark = script.Statements.Count > 0 ? "Was undone." : "Was undone by a script without a statement: nothing was taken "
                    + "back.",
                Target = request.Target,
            });
        }

        return reverted;
    }
}
