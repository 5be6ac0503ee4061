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

        // ALTER, too, is refused in a session that cannot write.
        const string Writable = "SET default_transaction_read_only = off;";
        const string Reset = "RESET default_transaction_read_only";
        var role = Quote.Identifier(target.Username);
        var database = Quote.Identifier(target.Database);
        var (who, mend) = source switch
        {
            "database" => ("the database has", $"{Writable} ALTER DATABASE {database} {Reset}"),
            "user" => ("the role has", $"{Writable} ALTER ROLE {role} {Reset}"),
            "database user" => (
                "the role has, in this database,",
                $"{Writable} ALTER ROLE {role} IN DATABASE {database} {Reset}"),
            "client" => ("the target's options have", "Leave it out of the options (PGOPTIONS)"),
            _ => ("the server has", $"{Writable} ALTER SYSTEM {Reset}; SELECT pg_reload_conf()"),
        };
        return (
            $"nothing can be written, for {who} default_transaction_read_only = on",
            $"Wait until whoever set it has ended it, or end it: {mend}; for this session alone: "
                + "$env:PGOPTIONS = '-c default_transaction_read_only=off'.");
    }
}
