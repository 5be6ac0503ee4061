using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>A database that already has the name a restore wants.</summary>
/// <param name="Oid">Its oid.</param>
/// <param name="Tables">User tables in it.</param>
/// <param name="Others">Other objects of users.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record DatabaseOccupancy(uint Oid, long Tables, long Others, long Bytes)
{
    // What an extension brought belongs to it and comes back with it; the schema public is everybody's.
    private const string ContentQuery = """
        WITH own AS (
            SELECT c.oid, 'pg_class'::pg_catalog.regclass AS class, c.relnamespace AS namespace, c.relkind IN ('r', 'p') AS is_table
            FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            UNION ALL SELECT oid, 'pg_proc'::pg_catalog.regclass, pronamespace, false FROM pg_catalog.pg_proc
            UNION ALL SELECT oid, 'pg_type'::pg_catalog.regclass, typnamespace, false
            FROM pg_catalog.pg_type WHERE typrelid = 0 AND typelem = 0
            UNION ALL SELECT oid, 'pg_namespace'::pg_catalog.regclass, oid, false FROM pg_catalog.pg_namespace WHERE nspname <> 'public'
        )
        SELECT count(*) FILTER (WHERE own.is_table),
               count(*) FILTER (WHERE NOT own.is_table) + (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata),
               pg_catalog.pg_database_size(pg_catalog.current_database())
        FROM own
        JOIN pg_catalog.pg_namespace n ON n.oid = own.namespace
        WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
          AND ($1::pg_catalog.text[] IS NULL OR n.nspname::pg_catalog.text = ANY ($1))
          AND (n.nspname = 'public' OR pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text <> ALL ($2))
          AND NOT EXISTS (
              SELECT FROM pg_catalog.pg_depend d WHERE d.classid = own.class AND d.objid = own.oid AND d.deptype = 'e')
        """;

    /// <summary>Whether it holds nothing of a user's.</summary>
    internal bool IsEmpty => Tables == 0 && Others == 0;

    /// <summary>Looks into a database.</summary>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="target">The database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What is there; null when there is no such database.</returns>
    internal static async Task<DatabaseOccupancy?> ReadAsync(NpgsqlConnection session, PgTarget target, CancellationToken cancellationToken)
    {
        var oid = await OidAsync(session, target.Database, cancellationToken).ConfigureAwait(false);
        if (oid is null)
        {
            return null;
        }

        var inside = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await using (inside.ConfigureAwait(false))
        {
            return await CountAsync(inside, oid.Value, null, [], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Looks into the session's own database.</summary>
    /// <param name="session">The session.</param>
    /// <param name="oid">The database's oid.</param>
    /// <param name="schemas">Looks into these schemas alone; null for all.</param>
    /// <param name="strangers">Roles whose schemas do not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<DatabaseOccupancy> CountAsync(
        NpgsqlConnection session, uint oid, IReadOnlyList<string>? schemas, IReadOnlyList<string> strangers,
        CancellationToken cancellationToken)
        => (await session.QueryAsync(
            ContentQuery,
            row => new DatabaseOccupancy(oid, row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)),
            cancellationToken,
            (object?)schemas?.ToArray() ?? DBNull.Value,
            strangers.ToArray()).ConfigureAwait(false))[0];

    /// <summary>A database's oid; null when there is no such database.</summary>
    internal static async Task<uint?> OidAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
    {
        var oids = await session.QueryAsync(
            "SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = $1",
            row => (uint)row.GetInt64(0),
            cancellationToken,
            database).ConfigureAwait(false);
        return oids.Count == 0 ? null : oids[0];
    }

    /// <summary>For a person: tables, other objects, size.</summary>
    internal string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{PgAmount.Of(Tables, "table")} and {PgAmount.Of(Others, "other object")}, {Bytes / 1048576.0:0.0} MiB");
}
