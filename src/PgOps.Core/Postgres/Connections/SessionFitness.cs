using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Whether a session is fit for work that changes a database.</summary>
internal static class SessionFitness
{
    /// <summary>Refuses what nothing can be changed through: a pooler's session, an old server, a standby.</summary>
    /// <param name="connection">An open, idle session.</param>
    /// <param name="target">Where it leads.</param>
    /// <param name="work">What needs the session, for the message.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task RequireAsync(
        NpgsqlConnection connection, PgTarget target, string work, CancellationToken cancellationToken)
    {
        await PoolerDetection.RefuseAsync(connection, target, work, cancellationToken).ConfigureAwait(false);
        if (connection.PostgreSqlVersion.Major < 13)
        {
            throw new PgOpsException(
                PgErrorCode.ServerVersionUnsupported,
                $"{target} runs PostgreSQL {connection.VersionText()}; PgOps migrates 13 and later.",
                "Nothing was touched.",
                "Upgrade the server (pg_upgrade).")
            { Subject = target };
        }

        if (await connection.ScalarAsync<bool>("SELECT pg_catalog.pg_is_in_recovery()", cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.ServerVersionUnsupported,
                $"{target} is a standby, which cannot be changed.",
                "Nothing was touched.",
                "Give the primary's address.")
            { Subject = target };
        }
    }
}
