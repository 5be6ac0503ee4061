using System.Globalization;
using Npgsql;
using PgOps.Core.Connections;

namespace PgOps.Core.Restores;

/// <summary>The sessions of others in a database that is to be renamed.</summary>
internal static class DatabaseSessions
{
    private const int Leaving = 10;
    private const int LeavingPause = 100;

    // Replication stands in the way as well, autovacuum gives way. Whoever may not see what others do sees no backend_type.
    private const string Others =
        "datname = $1 AND coalesce(backend_type, '') <> 'autovacuum worker' AND pid <> pg_catalog.pg_backend_pid()";

    private const string Columns = "pid, coalesce(usename, '') AS who, coalesce(application_name, '') AS program, "
        + "coalesce(client_addr::pg_catalog.text, 'local') AS place, coalesce(state, '') AS state";

    /// <summary>The sessions that stay, one line each. One that was closed a moment ago is listed until its process has gone.</summary>
    internal static async Task<List<string>> StayingAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
    {
        var connected = await ListAsync(session, database, cancellationToken).ConfigureAwait(false);
        for (var waited = 0; connected.Count > 0 && waited < Leaving; waited++)
        {
            await Task.Delay(LeavingPause, cancellationToken).ConfigureAwait(false);
            connected = await ListAsync(session, database, cancellationToken).ConfigureAwait(false);
        }

        return connected;
    }

    /// <summary>Ends all sessions.</summary>
    /// <returns>Those that were ended.</returns>
    internal static Task<List<string>> EndAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => session.QueryAsync(
            // Materialized, or the planner may end every session of the server before it looks at the database.
            $"""
            WITH others AS MATERIALIZED (SELECT {Columns} FROM pg_catalog.pg_stat_activity WHERE {Others})
            SELECT * FROM others WHERE pg_catalog.pg_terminate_backend(pid)
            """,
            Describe,
            cancellationToken,
            database);

    /// <summary>Sessions in a sentence; without any, what else keeps a database in use.</summary>
    internal static string Describe(IReadOnlyList<string> sessions) => sessions.Count > 0
        ? $"{sessions.Count.ToString(CultureInfo.InvariantCulture)} sessions are connected:\n  " + string.Join("\n  ", sessions)
        : "the server says that it is in use (by a prepared transaction, or a session that has just left; see pg_prepared_xacts).";

    private static Task<List<string>> ListAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => session.QueryAsync(
            $"SELECT {Columns} FROM pg_catalog.pg_stat_activity WHERE {Others} ORDER BY backend_start", Describe, cancellationToken, database);

    private static string Describe(NpgsqlDataReader row) => string.Create(
        CultureInfo.InvariantCulture,
        $"pid {row.GetInt32(0)}, user {row.GetString(1)}, application \"{row.GetString(2)}\", from {row.GetString(3)}, {row.GetString(4)}");
}
