using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>What the session's role may do on its server, and whose server it is.</summary>
/// <param name="Role">The role.</param>
/// <param name="IsSuperuser">Whether nothing is refused it.</param>
/// <param name="MayCreateDatabases">CREATEDB.</param>
/// <param name="MayCreateRoles">CREATEROLE.</param>
/// <param name="Provider">The managed service, known by its roles; null for any other server.</param>
/// <param name="Strangers">Roles of the provider on this server, whose schemas are none of the user's.</param>
internal sealed record RolePrivileges(
    string Role, bool IsSuperuser, bool MayCreateDatabases, bool MayCreateRoles, string? Provider, IReadOnlyList<string> Strangers)
{
    // Each service's administrator is a role of this name, and no superuser. The first is what tells it.
    private static readonly (string Name, string[] Roles)[] Providers =
    [
        ("Amazon RDS or Aurora", ["rds_superuser", "rdsadmin", "rdsrepladmin", "rds_replication"]),
        ("Azure Database for PostgreSQL", ["azure_pg_admin", "azuresu", "azure_superuser"]),
        ("Supabase", ["supabase_admin", "supabase_auth_admin", "supabase_storage_admin", "supabase_replication_admin",
            "supabase_realtime_admin",
            "supabase_functions_admin", "pgbouncer"]),
        ("Google Cloud SQL", ["cloudsqlsuperuser", "cloudsqladmin", "cloudsqlagent"]),
        ("Neon", ["neon_superuser", "cloud_admin"]),
    ];

    /// <summary>Where it runs, for messages.</summary>
    internal string Where => Provider is null ? "on this server" : $"on {Provider}";

    /// <summary>Reads them.</summary>
    internal static async Task<RolePrivileges> ReadAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var known = Providers.SelectMany(provider => provider.Roles).ToArray();
        var there = await session.QueryAsync(
            "SELECT rolname::pg_catalog.text FROM pg_catalog.pg_roles WHERE rolname = ANY ($1) AND rolname <> current_user",
            row => row.GetString(0),
            cancellationToken,
            [known]).ConfigureAwait(false);
        return (await session.QueryAsync(
            """
            SELECT rolname::pg_catalog.text, rolsuper, rolcreatedb OR rolsuper, rolcreaterole OR rolsuper
            FROM pg_catalog.pg_roles WHERE rolname = current_user
            """,
            row => new RolePrivileges(
                row.GetString(0),
                row.GetBoolean(1),
                row.GetBoolean(2),
                row.GetBoolean(3),
                Array.Find(Providers, provider => there.Contains(provider.Roles[0])).Name,
                there),
            cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Which of these roles this one cannot give objects to, because it is not a member.</summary>
    internal async Task<IReadOnlyList<string>> NotMemberOfAsync(
        NpgsqlConnection session, IEnumerable<string> roles, CancellationToken cancellationToken)
        => IsSuperuser ? [] : await session.QueryAsync(
            $"""
            SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r
            WHERE r.rolname = ANY ($1) AND NOT pg_catalog.pg_has_role(r.oid, '{(session.VersionNumber() >= 160000 ? "SET" : "MEMBER")}')
            ORDER BY 1
            """,
            row => row.GetString(0),
            cancellationToken,
            [roles.ToArray()]).ConfigureAwait(false);
}
