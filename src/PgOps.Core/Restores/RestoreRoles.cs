using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>The roles that a backup's database needs on the server.</summary>
internal static class RestoreRoles
{
    /// <summary>Roles the manifest names that the server does not have, the owner included.</summary>
    internal static Task<IReadOnlyList<string>> MissingAsync(
        NpgsqlConnection session, PgDatabaseFacts facts, CancellationToken cancellationToken)
        => MissingAsync(session, facts.Roles.Append(facts.Owner), cancellationToken);

    /// <summary>Which of these roles the server does not have.</summary>
    internal static async Task<IReadOnlyList<string>> MissingAsync(
        NpgsqlConnection session, IEnumerable<string> roles, CancellationToken cancellationToken)
    {
        var needed = roles.Where(role => role.Length > 0 && role != "PUBLIC").Distinct().ToArray();
        return await session.QueryAsync(
            """
            SELECT needed.role FROM pg_catalog.unnest($1::pg_catalog.text[]) AS needed(role)
            WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = needed.role::pg_catalog.name)
            ORDER BY 1
            """,
            row => row.GetString(0),
            cancellationToken,
            [needed]).ConfigureAwait(false);
    }

    /// <summary>Creates roles without login and without password. All of them, or none.</summary>
    internal static async Task CreateAsync(NpgsqlConnection session, IReadOnlyList<string> roles, CancellationToken cancellationToken)
    {
        if (roles.Count == 0)
        {
            return;
        }

        // From 16 on a creator who is not a superuser may not give objects to the new role unless it says so beforehand.
        if (session.VersionNumber() >= 160000)
        {
            await session.ExecuteAsync("SET createrole_self_grant = 'set, inherit'", cancellationToken).ConfigureAwait(false);
        }

        // One message to the server is one transaction. Before 16 a creator who is not a superuser is not a member unless it says so.
        var superuser = await session.ScalarAsync<bool>(
            "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user", cancellationToken).ConfigureAwait(false);
        var join = !superuser && session.VersionNumber() < 160000;
        var create = string.Join("; ", roles.Select(role =>
            $"CREATE ROLE {Quote.Identifier(role)} NOLOGIN{(join ? $"; GRANT {Quote.Identifier(role)} TO CURRENT_USER" : "")}"));
        await session.ExecuteAsync(create, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes back roles that a failed restore or a drill created. Never throws; one that is in use by now stays.</summary>
    internal static async Task DropAsync(PgTarget maintenance, IReadOnlyList<string> roles, ILogger log)
    {
        if (roles.Count == 0)
        {
            return;
        }

        try
        {
            var session = await ServerConnection.OpenAsync(maintenance, null, CancellationToken.None).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                foreach (var role in roles)
                {
                    await DropAsync(session, role, log).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            log.RolesNotDropped(string.Join(", ", roles), new Redaction(maintenance).Apply(error.Message));
        }
    }

    private static async Task DropAsync(NpgsqlConnection session, string role, ILogger log)
    {
        try
        {
            await session.ExecuteAsync($"DROP ROLE IF EXISTS {Quote.Identifier(role)}", CancellationToken.None).ConfigureAwait(false);
        }
        catch (PostgresException error)
        {
            log.RoleNotDropped(role, error.MessageText);
        }
    }
}
