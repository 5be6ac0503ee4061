using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Carries the grants on a database itself (CONNECT, CREATE, TEMPORARY), which no dump of its content holds.</summary>
internal static class DatabaseGrants
{
    private const string GrantsQuery = """
        SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END,
               a.privilege_type, a.is_grantable
        FROM pg_catalog.pg_database d,
            pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
        WHERE d.datname = $1 AND a.grantee <> d.datdba
        """;

    /// <summary>What every new database grants.</summary>
    internal static IReadOnlyList<PgDatabaseGrant> Default { get; } =
        [new PgDatabaseGrant { Privilege = "CONNECT" }, new PgDatabaseGrant { Privilege = "TEMPORARY" }];

    /// <summary>The statements that give one database the grants of another; none when they are equal.</summary>
    internal static async Task<IReadOnlyList<string>> StatementsAsync(
        NpgsqlConnection session, string from, string to, CancellationToken cancellationToken)
        => await StatementsAsync(session, await ReadAsync(session, from, cancellationToken).ConfigureAwait(false), to, cancellationToken)
            .ConfigureAwait(false);

    /// <summary>The statements that give a database these grants instead of its own; none when they are equal.</summary>
    internal static async Task<IReadOnlyList<string>> StatementsAsync(
        NpgsqlConnection session, IReadOnlyList<PgDatabaseGrant> wanted, string to, CancellationToken cancellationToken)
    {
        var present = await ReadAsync(session, to, cancellationToken).ConfigureAwait(false);
        if (wanted.ToHashSet().SetEquals(present))
        {
            return [];
        }

        var database = Quote.Identifier(to);
        return
        [
            .. present.Select(grant => grant.Role).Distinct()
                .Select(role => $"REVOKE ALL ON DATABASE {database} FROM {Name(role)} CASCADE"),
            .. wanted.Select(grant =>
                $"GRANT {grant.Privilege} ON DATABASE {database} TO {Name(grant.Role)}{(grant.Grantable ? " WITH GRANT OPTION" : "")}"),
        ];
    }

    /// <summary>The grants on a database, but for its owner's.</summary>
    internal static async Task<IReadOnlyList<PgDatabaseGrant>> ReadAsync(
        NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => await session.QueryAsync(
            GrantsQuery,
            row => new PgDatabaseGrant
            {
                Role = row.IsDBNull(0) ? null : row.GetString(0),
                Privilege = row.GetString(1),
                Grantable = row.GetBoolean(2),
            },
            cancellationToken,
            database).ConfigureAwait(false);

    private static string Name(string? role) => role is null ? "PUBLIC" : Quote.Identifier(role);
}
