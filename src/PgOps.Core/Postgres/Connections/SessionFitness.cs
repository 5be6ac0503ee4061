using Npgsql;
using PgOps.Core.Sql;

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

        if (await ReadOnlyAsync(connection, target, cancellationToken).ConfigureAwait(false) is { } found)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied, $"{target}: {found.Why}.", "Nothing was touched.", found.WayOut)
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

    /// <summary>Whether transactions are read-only by default: in a maintenance window, say.</summary>
    /// <param name="connection">A session that has set nothing.</param>
    /// <param name="target">Where it leads.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Who says so, and what to do; null when they are not.</returns>
    internal static async Task<(string Why, string WayOut)?> ReadOnlyAsync(
        NpgsqlConnection connection, PgTarget target, CancellationToken cancellationToken)
    {
        if (await connection.ScalarAsync<string>(
            "SELECT source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only' AND setting = 'on'",
            cancellationToken).ConfigureAwait(false) is not { } source)
        {
            return null;
        }

        var (who, mend) = source switch
        {
            "database" => ("the database has", $"ALTER DATABASE {Quote.Identifier(target.Database)} RESET default_transaction_read_only"),
            "user" => ("the role has", $"ALTER ROLE {Quote.Identifier(target.Username)} RESET default_transaction_read_only"),
            "database user" => (
                "the role has, in this database,",
                $"ALTER ROLE {Quote.Identifier(target.Username)} IN DATABASE {Quote.Identifier(target.Database)} RESET default_transaction_read_only"),
            "client" => ("the target's options have", "Leave it out of the options (PGOPTIONS)"),
            _ => ("the server has", "ALTER SYSTEM RESET default_transaction_read_only, then SELECT pg_reload_conf()"),
        };
        return (
            $"nothing can be written, for {who} default_transaction_read_only = on",
            $"Wait until whoever set it has ended it, or end it: {mend}. For this session alone: "
                + "$env:PGOPTIONS = '-c default_transaction_read_only=off'.");
    }
}
