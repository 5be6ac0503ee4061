using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>The sessions of others in a database that is to be renamed.</summary>
internal static class DatabaseSessions
{
    /// <summary>What <see cref="Read"/> reads of pg_stat_activity.</summary>
    internal const string Columns = """
        pid, coalesce(datname, '') AS place, coalesce(usename, '') AS who, coalesce(application_name, '') AS program,
        coalesce(client_addr::pg_catalog.text, 'local') AS client, coalesce(state, '') AS doing,
        extract(epoch FROM pg_catalog.clock_timestamp() - CASE WHEN state = 'active' THEN query_start ELSE state_change END)::float8 AS age
        """;

    // Replication stands in the way as well; autovacuum gives way, and a parallel worker goes with its leader. Whoever may not see what
    // others do sees no backend_type.
    internal const string Others =
        "coalesce(backend_type, '') NOT IN ('autovacuum worker', 'parallel worker') AND pid <> pg_catalog.pg_backend_pid()";

    private static readonly TimeSpan Leaving = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeavingPause = TimeSpan.FromMilliseconds(100);

    /// <summary>The sessions that stay. One that was closed a moment ago is listed until its process has gone.</summary>
    internal static async Task<List<PgDatabaseSession>> StayingAsync(
        NpgsqlConnection session, string database, CancellationToken cancellationToken)
    {
        List<PgDatabaseSession> connected = [];
        _ = await new Polling(Leaving, LeavingPause).UntilAsync(
            async () =>
            {
                connected = await ListAsync(session, database, cancellationToken).ConfigureAwait(false);
                return connected.Count == 0;
            },
            cancellationToken).ConfigureAwait(false);
        return connected;
    }

    /// <summary>The sessions of this moment.</summary>
    internal static Task<List<PgDatabaseSession>> ListAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => session.QueryAsync(
            $"SELECT {Columns} FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND {Others} ORDER BY backend_start",
            Read,
            cancellationToken,
            database);

    /// <summary>Ends all sessions.</summary>
    /// <returns>Those that were ended.</returns>
    internal static Task<List<PgDatabaseSession>> EndAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => session.QueryAsync(
            // Materialized, or the planner may end every session of the server before it looks at the database.
            $"""
            WITH others AS MATERIALIZED (SELECT {Columns} FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND {Others})
            SELECT * FROM others WHERE pg_catalog.pg_terminate_backend(pid)
            """,
            Read,
            cancellationToken,
            database);

    /// <summary>Sessions in a sentence; without any, what else keeps a database in use.</summary>
    internal static string Describe(IReadOnlyList<PgDatabaseSession> sessions) => sessions.Count > 0
        ? $"{PgAmount.Of(sessions.Count, "session")} {(sessions.Count == 1 ? "is" : "are")} connected:\n  " + string.Join("\n  ", sessions)
        : "the server says that it is in use (by a prepared transaction, or a session that has just left; see pg_prepared_xacts).";

    /// <summary>A row that begins with <see cref="Columns"/>.</summary>
    internal static PgDatabaseSession Read(NpgsqlDataReader row) => new()
    {
        Pid = row.GetInt32(0),
        Database = row.GetString(1),
        User = row.GetString(2),
        Application = row.GetString(3),
        Client = row.GetString(4),
        State = row.GetString(5),
        Age = row.IsDBNull(6) ? null : TimeSpan.FromSeconds(Math.Max(0, row.GetDouble(6))),
    };
}
