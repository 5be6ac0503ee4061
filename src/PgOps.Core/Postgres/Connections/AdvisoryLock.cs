using System.Globalization;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Advisory locks of a session, each by its key: taken, let go, and asked for. They belong to one database each and end with the session
/// that holds them.
/// </summary>
internal static class AdvisoryLock
{
    private const string IsOfKey = "locktype = 'advisory' AND objsubid = 1 AND ((classid::bigint << 32) | objid::bigint) = $1";

    private const string HeldHere = $"""
        FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
        WHERE l.granted AND {IsOfKey}
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        LIMIT 1
        """;

    /// <summary>Takes the lock unless another session holds it; a second time it counts twice.</summary>
    /// <returns>Whether the session holds it now.</returns>
    internal static Task<bool> TryTakeAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<bool>("SELECT pg_catalog.pg_try_advisory_lock($1)", cancellationToken, key);

    /// <summary>Takes the lock unless any session holds it, this one included.</summary>
    /// <returns>Whether the session holds it now.</returns>
    internal static Task<bool> TryHoldAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<bool>(
            $"""
            SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE granted AND pid = pg_catalog.pg_backend_pid() AND {IsOfKey})
                OR pg_catalog.pg_try_advisory_lock($1)
            """,
            cancellationToken,
            key);

    /// <summary>Whether no other session holds the lock: takes it and lets it go, which is quicker than to ask who holds it.</summary>
    internal static Task<bool> IsFreeAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<bool>(
            "SELECT CASE WHEN pg_catalog.pg_try_advisory_lock($1) THEN pg_catalog.pg_advisory_unlock($1) ELSE false END",
            cancellationToken,
            key);

    /// <summary>Takes the lock beside others who share it; waits for one who does not.</summary>
    internal static Task ShareAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ExecuteAsync("SELECT pg_catalog.pg_advisory_lock_shared($1)", cancellationToken, key);

    /// <summary>Lets the lock go.</summary>
    internal static Task ReleaseAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ExecuteAsync("SELECT pg_catalog.pg_advisory_unlock($1)", cancellationToken, key);

    /// <summary>Lets every lock of the session go.</summary>
    internal static Task ReleaseAllAsync(NpgsqlConnection session, CancellationToken cancellationToken)
        => session.ExecuteAsync("SELECT pg_catalog.pg_advisory_unlock_all()", cancellationToken);

    /// <summary>The command that lets every lock of the session go but one that is shared.</summary>
    internal static string KeepShared(long key) => string.Create(
        CultureInfo.InvariantCulture, $"SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.pg_advisory_lock_shared({key})");

    /// <summary>
    /// Whether any session holds the lock in any database of the server, or waits for it: the holder may work from another maintenance
    /// database.
    /// </summary>
    internal static Task<bool> IsHeldAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE {IsOfKey})", cancellationToken, key);

    /// <summary>
    /// The session that holds a session-level or transaction-level lock of this database, in words; null when none does.
    /// </summary>
    internal static Task<string?> HolderAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<string>(
            $"""
            SELECT pg_catalog.format('pid %s, %s from %s, since %s', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
                coalesce(a.client_addr::text, 'this machine'), pg_catalog.to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ'))
            {HeldHere}
            """,
            cancellationToken,
            key);

    /// <summary>The process id of that session; 0 when none holds it.</summary>
    internal static Task<int> HolderProcessAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<int>($"SELECT l.pid {HeldHere}", cancellationToken, key);
}
