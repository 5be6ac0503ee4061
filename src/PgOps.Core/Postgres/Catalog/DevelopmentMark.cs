using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// Tells a development database from every other one, by what is stored on the server: the mark of the database itself, or the
/// configuration file of a sandbox. What a session says of itself (SET, PGOPTIONS, ALTER ROLE … SET) does not count.
/// </summary>
internal static class DevelopmentMark
{
    private const string MarkedQuery = """
        SELECT EXISTS (
            SELECT FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
            WHERE d.datname = $1 AND s.setrole = 0 AND lower(c) = 'pgops.environment=development')
        """;

    private const string MayReadFilesQuery =
        "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')";

    private const string SandboxQuery = "SELECT EXISTS (SELECT FROM pg_catalog.pg_file_settings WHERE name = $1 AND setting <> '')";

    /// <summary>Throws unless the database is marked or its server is a sandbox.</summary>
    /// <param name="session">A session on any database of the server.</param>
    /// <param name="target">The database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">NotForDevelopment, with how a database is marked.</exception>
    internal static async Task RequireAsync(NpgsqlConnection session, PgTarget target, CancellationToken cancellationToken)
    {
        if (!await session.ScalarAsync<bool>(MarkedQuery, cancellationToken, target.Database).ConfigureAwait(false)
            && !await IsSandboxAsync(session, cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.NotForDevelopment,
                $"{target} does not say that it is for development, so it is not reset.",
                "Nothing was touched.",
                "If everything in it may be lost, now and later, let a superuser mark it: "
                    + $"ALTER DATABASE {Quote.Identifier(target.Database)} SET pgops.environment = 'development'")
            { Subject = target };
        }
    }

    /// <summary>A sandbox has its name in its configuration file, which only a superuser may read; in a sandbox one is.</summary>
    private static async Task<bool> IsSandboxAsync(NpgsqlConnection session, CancellationToken cancellationToken)
        => await session.ScalarAsync<bool>(MayReadFilesQuery, cancellationToken).ConfigureAwait(false)
            && await session.ScalarAsync<bool>(SandboxQuery, cancellationToken, ClusterIdentity.SandboxSetting).ConfigureAwait(false);
}
