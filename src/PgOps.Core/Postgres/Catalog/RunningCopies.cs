using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// The COPY statements that run in a database, as the server tells
/// (https://www.postgresql.org/docs/current/progress-reporting.html#COPY-PROGRESS-REPORTING).
/// </summary>
internal static class RunningCopies
{
    /// <summary>Whether the server tells: from 14 on.</summary>
    internal static bool AreTold(NpgsqlConnection session) => session.VersionNumber() >= 140000;

    /// <summary>Reads them.</summary>
    /// <param name="session">A session in the database.</param>
    /// <param name="applicationName">Of which sessions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static Task<List<RunningCopy>> ReadAsync(
        NpgsqlConnection session, string applicationName, CancellationToken cancellationToken)
        => session.QueryAsync(
            """
            SELECT p.relid, coalesce(n.nspname, ''), coalesce(c.relname, ''), p.bytes_processed, p.tuples_processed
            FROM (SELECT pg_catalog.pg_stat_clear_snapshot()) AS fresh,
                 LATERAL (SELECT c.relid, c.bytes_processed, c.tuples_processed FROM pg_catalog.pg_stat_progress_copy c
                          JOIN pg_catalog.pg_stat_activity a USING (pid)
                          WHERE a.application_name = $1 AND a.datname = pg_catalog.current_database()) AS p
                 LEFT JOIN pg_catalog.pg_class c ON c.oid = p.relid
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            """,
            row => new RunningCopy(row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4)),
            cancellationToken,
            applicationName);
}
