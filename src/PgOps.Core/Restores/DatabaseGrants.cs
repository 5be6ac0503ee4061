using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>Carries the grants on a database itself (CONNECT, CREATE, TEMPORARY), which no dump of its content holds.</summary>
internal static class DatabaseGrants
{
    private const string GrantsQuery = """
        SELECT a.grantee = 0, coalesce(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text, ''), a.privilege_type, a.is_grantable
        FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
        WHERE d.datname = $1 AND a.grantee <> d.datdba
        """;

    /// <summary>Gives one database the grants of another; leaves it alone when that one has the default.</summary>
    internal static async Task CopyAsync(NpgsqlConnection session, string from, string to, CancellationToken cancellationToken)
    {
        if (!await session.ScalarAsync<bool>(
            "SELECT datacl IS NOT NULL FROM pg_catalog.pg_database WHERE datname = $1", cancellationToken, from).ConfigureAwait(false))
        {
            return;
        }

        var grants = await session.QueryAsync(
            GrantsQuery,
            row => $"GRANT {row.GetString(2)} ON DATABASE {Quote.Identifier(to)} TO "
                + (row.GetBoolean(0) ? "PUBLIC" : Quote.Identifier(row.GetString(1)))
                + (row.GetBoolean(3) ? " WITH GRANT OPTION" : ""),
            cancellationToken,
            from).ConfigureAwait(false);
        await session.ExecuteAsync($"REVOKE ALL ON DATABASE {Quote.Identifier(to)} FROM PUBLIC", cancellationToken).ConfigureAwait(false);
        foreach (var grant in grants)
        {
            await session.ExecuteAsync(grant, cancellationToken).ConfigureAwait(false);
        }
    }
}
