using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// The session that exports the backup's snapshot. It is asked for a sign of life twice a second; when it dies, nobody can join the
/// snapshot any more, and the server may be about to go.
/// </summary>
internal sealed class SnapshotHolder : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly SnapshotSession _session;
    private readonly bool _isStandby;

    private SnapshotHolder(SnapshotSession session, string snapshot, DateTime snapshotAt, bool isStandby)
    {
        _session = session;
        _isStandby = isStandby;
        Snapshot = snapshot;
        SnapshotAt = snapshotAt;
    }

    /// <summary>The exported snapshot's name.</summary>
    internal string Snapshot { get; }

    /// <summary>When its transaction began, by the server's clock, in UTC.</summary>
    internal DateTime SnapshotAt { get; }

    /// <summary>The session, inside its transaction.</summary>
    internal NpgsqlConnection Connection => _session.Connection;

    /// <summary>Opens the session, takes and exports the snapshot.</summary>
    internal static async Task<SnapshotHolder> OpenAsync(PgTarget target, CancellationToken cancellationToken)
    {
        var session = await SnapshotSession.OpenAsync(
            target,
            null,
            cancellationToken,
            (connection, token) => PoolerDetection.RefuseAsync(connection, target, "an exported snapshot", token)).ConfigureAwait(false);
        return await session.OrDisposeAsync(async () =>
        {
            var snapshot = await session.ExportAsync(cancellationToken).ConfigureAwait(false);
            var (at, standby) = (await session.Connection.QueryAsync(
                "SELECT pg_catalog.transaction_timestamp(), pg_catalog.pg_is_in_recovery()",
                row => (row.GetDateTime(0), row.GetBoolean(1)),
                cancellationToken).ConfigureAwait(false))[0];
            return new SnapshotHolder(session, snapshot, DateTime.SpecifyKind(at, DateTimeKind.Utc), standby);
        }).ConfigureAwait(false);
    }

    /// <summary>Watches the session until the work is done, and once more then.</summary>
    /// <param name="applicationName">The sessions whose COPY is watched for progress.</param>
    /// <param name="onProgress">Receives the bytes read of each table being copied, by oid.</param>
    /// <param name="workDone">Ends the watch.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    /// <exception cref="PgOpsException">ConnectionLost when the session died.</exception>
    internal async Task GuardAsync(
        string applicationName, Action<IReadOnlyDictionary<uint, long>> onProgress, Task workDone, CancellationToken cancellationToken)
    {
        var watchCopies = RunningCopies.AreTold(Connection);
        try
        {
            for (var last = false; !last;)
            {
                last = await Task.WhenAny(workDone, Task.Delay(Interval, cancellationToken)).ConfigureAwait(false) == workDone;
                cancellationToken.ThrowIfCancellationRequested();
                if (!watchCopies)
                {
                    _ = await Connection.ScalarAsync<int>("SELECT 1", cancellationToken).ConfigureAwait(false);
                    continue;
                }

                var running = await RunningCopies.ReadAsync(Connection, applicationName, cancellationToken).ConfigureAwait(false);
                onProgress(running.GroupBy(copy => copy.Oid).ToDictionary(copies => copies.Key, copies => copies.Sum(copy => copy.Bytes)));
            }
        }
        catch (NpgsqlException error) when (!cancellationToken.IsCancellationRequested)
        {
            // A standby ends the idle session that holds the snapshot, and the word in which it says why can be lost with it.
            var told = ServerErrors.Working(_session.Target, error, "holding the backup's snapshot");
            throw _isStandby && told.NextStep != ServerErrors.StandbyConflict && ServerErrors.IsLost(error)
                ? told.InState(told.State, nextStep: ServerErrors.StandbyLost)
                : told;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _session.DisposeAsync();
}
