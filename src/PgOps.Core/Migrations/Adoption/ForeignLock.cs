using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Another tool's locks, taken by polling as PgOps' own. The advisory keys belong to the session that asks and go with it; the table's
/// lock, which also keeps tools without an advisory key out, belongs to its transaction.
/// </summary>
internal sealed class ForeignLock
{
    private readonly NpgsqlConnection _connection;
    private readonly MigrationRequest _request;
    private readonly ForeignTool _tool;
    private readonly ForeignTable _table;
    private readonly IOperationSink _sink;
    private readonly Polling _polling;

    internal ForeignLock(
        NpgsqlConnection connection, MigrationRequest request, ForeignTool tool, ForeignTable table, IOperationSink sink)
    {
        _connection = connection;
        _request = request;
        _tool = tool;
        _table = table;
        _sink = sink;
        _polling = Polling.ForLock(request.WaitTimeout);
    }

    /// <summary>Takes the tool's advisory keys for the rest of the session.</summary>
    /// <exception cref="PgOpsException">MigrationLocked, naming the holder, when the wait takes longer than allowed.</exception>
    internal async Task TakeKeysAsync(CancellationToken cancellationToken)
    {
        foreach (var key in _tool.LockKeys(_table))
        {
            await PollAsync(
                async () => await AdvisoryLock.TryTakeAsync(_connection, key, cancellationToken).ConfigureAwait(false)
                    ? null
                    : await AdvisoryLock.HolderAsync(_connection, key, cancellationToken).ConfigureAwait(false) ?? "just ending",
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Lets the tool's advisory keys go.</summary>
    internal async Task ReleaseKeysAsync(CancellationToken cancellationToken)
    {
        foreach (var key in _tool.LockKeys(_table))
        {
            await AdvisoryLock.ReleaseAsync(_connection, key, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Begins a transaction in which nobody else writes to the tool's table.</summary>
    /// <exception cref="PgOpsException">MigrationLocked, naming the holder, when the wait takes longer than allowed.</exception>
    internal async Task<NpgsqlTransaction> BeginWithTableAsync(CancellationToken cancellationToken)
    {
        NpgsqlTransaction? transaction = null;
        await PollAsync(
            async () =>
            {
                transaction = await _connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    await _connection.ExecuteAsync($"LOCK TABLE {_table.Name} IN EXCLUSIVE MODE NOWAIT", cancellationToken)
                        .ConfigureAwait(false);
                    return null;
                }
                catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
                {
                    await transaction.DisposeAsync().ConfigureAwait(false);
                    return await TableHolderAsync(cancellationToken).ConfigureAwait(false) ?? "just ending";
                }
                catch
                {
                    await transaction.DisposeAsync().ConfigureAwait(false);
                    throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
        return transaction!;
    }

    private async Task PollAsync(Func<Task<string?>> attempt, CancellationToken cancellationToken)
    {
        var told = "";
        using var progress = new ProgressActivity(_sink, $"Waiting for {_tool.Title} on {_request.Target.Database}");
        while (await attempt().ConfigureAwait(false) is { } holder)
        {
            if (_polling.IsOver)
            {
                throw new PgOpsException(
                    PgErrorCode.MigrationLocked,
                    $"{_request.Target}: {_tool.Title}'s lock is held: {holder}. Waited {_polling.Waited.TotalSeconds:0.0} s.",
                    "Nothing was touched.",
                    $"Wait until {_tool.Title} has ended and run the command again (-WaitTimeout waits longer).")
                { Subject = _request.Target };
            }

            if (told != holder && _polling.Waited > TimeSpan.FromSeconds(1))
            {
                _sink.Log.WaitingForTool(_tool.Title, holder);
                told = holder;
            }

            progress.Report($"{_tool.Title}'s lock is held: {holder}");
            await _polling.PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> TableHolderAsync(CancellationToken cancellationToken)
        => await _connection.ScalarAsync<string>(
            """
            SELECT pg_catalog.format('pid %s, %s from %s, %s on %s', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
                coalesce(a.client_addr::text, 'this machine'), l.mode, $1)
            FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'relation' AND l.granted AND l.relation = pg_catalog.to_regclass($1)
                AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND l.pid <> pg_catalog.pg_backend_pid()
            LIMIT 1
            """,
            cancellationToken,
            _table.Name).ConfigureAwait(false);
}
