using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Finds a transaction pooler by its behaviour: the process id announced at connect is the pooler's invention, and two clients meet
/// in one server session. Session-level locks are worthless there (https://www.pgbouncer.org/features.html).
/// </summary>
internal static class PoolerDetection
{
    /// <summary>Throws when session-level work on this connection would go astray.</summary>
    /// <param name="connection">An open, idle session.</param>
    /// <param name="target">Where it leads.</param>
    /// <param name="work">What needs the session, for the message.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task RefuseAsync(
        NpgsqlConnection connection, PgTarget target, string work, CancellationToken cancellationToken)
    {
        if (target.Pooled || await IsTransactionPoolerAsync(connection, target, cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.PoolerDetected,
                $"{target} leads through a transaction pooler; {work} needs a session of its own.",
                "Nothing was touched.",
                "Give the server's own address instead of the pooler's (port 5432 instead of 6432 or 6543; with Prisma the DIRECT_URL, "
                    + "without pgbouncer=true), or a pool in session mode.")
            { Subject = target };
        }
    }

    /// <summary>Whether a pooler hands out another session for each transaction.</summary>
    internal static async Task<bool> IsTransactionPoolerAsync(
        NpgsqlConnection connection, PgTarget target, CancellationToken cancellationToken)
    {
        var first = await BackendAsync(connection, cancellationToken).ConfigureAwait(false);
        if (first == connection.ProcessID)
        {
            return false;
        }

        // A pooler, but perhaps in session mode. A second client that holds a transaction shows which.
        var other = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await using (other.ConfigureAwait(false))
        {
            for (var round = 0; round < 3; round++)
            {
                await other.ExecuteAsync("BEGIN", cancellationToken).ConfigureAwait(false);
                var second = await BackendAsync(other, cancellationToken).ConfigureAwait(false);
                var again = second == first ? second : await BackendAsync(connection, cancellationToken).ConfigureAwait(false);
                await other.ExecuteAsync("ROLLBACK", cancellationToken).ConfigureAwait(false);
                if (second == first || again != first)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static async Task<int> BackendAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        => await connection.ScalarAsync<int>("SELECT pg_catalog.pg_backend_pid()", cancellationToken).ConfigureAwait(false);
}
