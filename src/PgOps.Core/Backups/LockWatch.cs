using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Backups;

/// <summary>Says who keeps a backup waiting for a lock, and for how long it waits at most.</summary>
internal sealed class LockWatch
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly PgTarget _target;
    private readonly ILogger _log;
    private string? _seen;

    private LockWatch(PgTarget target, ILogger log)
    {
        _target = target;
        _log = log;
    }

    /// <summary>Does work that may have to wait.</summary>
    /// <param name="waiting">The session that waits, inside its transaction.</param>
    /// <param name="target">The database.</param>
    /// <param name="limit">How long to wait for each lock; null for as long as it takes.</param>
    /// <param name="log">Hears who holds the lock.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="PgOpsException">BackupFailed, naming who held the lock until the limit.</exception>
    internal static async Task<T> RunAsync<T>(
        NpgsqlConnection waiting, PgTarget target, TimeSpan? limit, ILogger log, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        if (limit is { } longest)
        {
            await waiting.ExecuteAsync(
                string.Create(CultureInfo.InvariantCulture, $"SET LOCAL lock_timeout = '{Math.Max(1, longest.TotalMilliseconds):0}ms'"),
                cancellationToken).ConfigureAwait(false);
        }

        var watch = new LockWatch(target, log);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = watch.WatchAsync(waiting.ProcessID, done.Token);
        try
        {
            var result = await work().ConfigureAwait(false);
            if (limit is not null)
            {
                await waiting.ExecuteAsync("SET LOCAL lock_timeout = 0", cancellationToken).ConfigureAwait(false);
            }

            return result;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable && limit is { } allowed)
        {
            throw new PgOpsException(
                PgErrorCode.BackupFailed,
                $"{target}: the backup waited {SpanText.Limited(allowed)} for a lock (-LockTimeout)"
                    + (watch._seen is { } seen ? $": {seen}" : "."),
                BackupDatabase.NothingLeft,
                "Run the command again when the lock is free, or with a longer -LockTimeout. "
                    + "SELECT pg_terminate_backend(pid) ends a session that has been forgotten.",
                error)
            { Subject = target };
        }
        finally
        {
            await done.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }
    }

    private async Task WatchAsync(int pid, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Patience, cancellationToken).ConfigureAwait(false);
            var session = await ServerConnection.OpenAsync(_target, null, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                while (true)
                {
                    await LookAsync(session, pid, cancellationToken).ConfigureAwait(false);
                    await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or NpgsqlException or PgOpsException)
        {
            // The wait is over, or nobody can look; the work says what becomes of it.
        }
    }

    private async Task LookAsync(NpgsqlConnection session, int pid, CancellationToken cancellationToken)
    {
        var table = await session.ScalarAsync<string>(
            "SELECT relation::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_locks WHERE pid = $1 AND NOT granted LIMIT 1",
            cancellationToken,
            pid).ConfigureAwait(false);
        if (table is null)
        {
            return;
        }

        var holders = await session.QueryAsync(
            $"""
            SELECT {DatabaseSessions.Columns} FROM pg_catalog.pg_stat_activity
            WHERE pid = ANY (pg_catalog.pg_blocking_pids($1)) ORDER BY pid
            """,
            DatabaseSessions.Read,
            cancellationToken,
            pid).ConfigureAwait(false);
        var seen = holders.Count == 0
            ? $"{table} is locked by a prepared transaction (pg_prepared_xacts)."
            : $"{table} is locked by {string.Join("; ", holders)}.";
        var isNews = _seen?.Split(" is locked by ")[0] != table;
        _seen = seen;
        if (isNews)
        {
            _log.WaitsForLock(seen);
        }
    }
}
