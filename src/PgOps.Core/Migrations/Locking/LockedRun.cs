using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;

namespace PgOps.Core.Migrations.Locking;

/// <summary>One migrator's turn at a database: a fit session, the lock, the work; the work is stopped when the lock is lost.</summary>
internal static class LockedRun
{
    /// <summary>Waits for the lock and does the work.</summary>
    /// <param name="request">Where.</param>
    /// <param name="work">The work, on the connection that holds the lock.</param>
    /// <param name="sink">Hears of the wait.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="preparing">What goes on beside the connecting, and must have succeeded before it is worth while to wait.</param>
    /// <returns>What the work gave, and the time waited for another migrator.</returns>
    /// <exception cref="PgOpsException">A guard refused, the work failed, or the lock's connection was lost.</exception>
    internal static async Task<(T Result, TimeSpan Waited)> TakeAsync<T>(
        MigrationRequest request,
        Func<NpgsqlConnection, MigrationLock, CancellationToken, Task<T>> work,
        IOperationSink sink,
        CancellationToken cancellationToken,
        Task? preparing = null)
    {
        try
        {
            var connection = await MigratorSession.OpenAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
            var migrationLock = await MigrationLock.AcquireAsync(
                connection, request, sink, cancellationToken, preparing).ConfigureAwait(false);
            await using (migrationLock.ConfigureAwait(false))
            {
                using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, migrationLock.Lost);
                try
                {
                    var result = await EndAsync(work(connection, migrationLock, linked.Token), migrationLock.Lost).ConfigureAwait(false);
                    return (result, migrationLock.Waited);
                }
                catch (OperationCanceledException) when (migrationLock.Lost.IsCancellationRequested)
                {
                    throw new PgOpsException(
                        PgErrorCode.ConnectionLost,
                        $"{request.Target}: {migrationLock.LostWhat}, so the run was stopped.",
                        "Migrations that had ended are applied. The one that ran was rolled back whole, or, where it runs statement by "
                            + "statement, after the last statement that is recorded; Get-PgMigration shows how each one stands.",
                        "Run the command again.")
                    { Subject = request.Target };
                }
            }
        }
        catch (NpgsqlException error)
        {
            throw HistoryErrors.Working(
                request.Target, new HistoryTable(request.HistorySchema), error, "migrating",
                "Migrations that had ended are applied; Get-PgMigration shows how each one stands.");
        }
    }

    /// <summary>
    /// Waits for the work; after a loss for a few seconds only, then it is given up as it stands: the end of a COPY whose server has
    /// fallen silent is a wait that the driver cannot cancel.
    /// </summary>
    private static async Task<T> EndAsync<T>(Task<T> work, CancellationToken lost)
    {
        var loss = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lost.Register(loss.SetResult);
        if (await Task.WhenAny(work, loss.Task).ConfigureAwait(false) != work)
        {
            await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(5), CancellationToken.None)).ConfigureAwait(false);
            if (!work.IsCompleted)
            {
                throw new OperationCanceledException(lost);
            }
        }

        return await work.ConfigureAwait(false);
    }
}
