using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Tells one cluster from another: the system identifier that initdb drew, which a physical copy shares, and for a sandbox made from
/// a template its own mark as well.
/// </summary>
internal static class ClusterIdentity
{
    /// <summary>The setting that holds a sandbox's name: clusters copied from one template share their system identifier.</summary>
    internal const string SandboxSetting = "pgops.sandbox_id";

    private const string Allowed =
        "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')";

    private const string Identity = $"""
        SELECT system_identifier::text
               || coalesce('/' || nullif(pg_catalog.current_setting('{SandboxSetting}', true), ''), '')
        FROM pg_catalog.pg_control_system()
        """;

    /// <summary>Reads it; inside or outside a transaction, for nothing here can fail for want of a privilege.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The identity, or an empty string when the role may not read it.</returns>
    internal static async Task<string> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        => await connection.ScalarAsync<bool>(Allowed, cancellationToken).ConfigureAwait(false)
            ? await connection.ScalarAsync<string>(Identity, cancellationToken).ConfigureAwait(false) ?? ""
            : "";
}
