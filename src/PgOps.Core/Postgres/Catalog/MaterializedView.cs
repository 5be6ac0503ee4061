using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>A materialized view, whose content a restore computes anew.</summary>
internal sealed record MaterializedView
{
    /// <summary>Stable functions of the server's whose value is the moment's or the session's, not the data's.</summary>
    private const string Momentary = """
        'now', 'transaction_timestamp', 'statement_timestamp', 'current_database', 'current_schema', 'current_schemas', 'version',
        'pg_backend_pid', 'inet_client_addr', 'inet_client_port', 'inet_server_addr', 'inet_server_port', 'pg_postmaster_start_time',
        'pg_conf_load_time', 'txid_current', 'txid_current_if_assigned', 'txid_current_snapshot', 'pg_current_xact_id',
        'pg_current_xact_id_if_assigned', 'pg_current_snapshot', 'pg_has_role', 'has_table_privilege', 'has_schema_privilege'
        """;

    // Functions of the server's own leave no mark in pg_depend, so the rules' trees are read: those of the view, and of views in it.
    private const string Query = $$"""
        WITH RECURSIVE used(view, rel) AS (
            SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.relkind = 'm' AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.objsubid = 0 AND d.deptype = 'e')
            UNION
            SELECT u.view, d.refobjid FROM used u JOIN pg_catalog.pg_rewrite r ON r.ev_class = u.rel
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm', 'f')),
        trees AS (
            SELECT u.view, r.ev_action::pg_catalog.text AS tree FROM used u JOIN pg_catalog.pg_rewrite r ON r.ev_class = u.rel),
        calls AS (
            SELECT DISTINCT t.view, m.call[1]::pg_catalog.oid AS call FROM trees t
            CROSS JOIN LATERAL pg_catalog.regexp_matches(t.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') m(call)),
        outside(view, what) AS (
            SELECT c.view, p.oid::pg_catalog.regprocedure::pg_catalog.text FROM calls c JOIN pg_catalog.pg_proc p ON p.oid = c.call
            WHERE p.provolatile = 'v' OR (p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
                AND (p.proname IN ({{Momentary}}) OR (p.proname = 'age' AND p.pronargs = 1)))
            UNION SELECT t.view, 'clock or user (CURRENT_TIMESTAMP, CURRENT_USER, ...)' FROM trees t WHERE t.tree ~ '{SQLVALUEFUNCTION '
            UNION SELECT t.view, 'TABLESAMPLE' FROM trees t WHERE t.tree ~ '{TABLESAMPLECLAUSE '
            UNION SELECT u.view, 'the foreign table ' || u.rel::pg_catalog.regclass::pg_catalog.text FROM used u
            JOIN pg_catalog.pg_class c ON c.oid = u.rel AND c.relkind = 'f')
        SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relispopulated,
            (SELECT pg_catalog.string_agg(o.what, ', ' ORDER BY o.what) FROM outside o WHERE o.view = c.oid)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid IN (SELECT view FROM used) AND n.nspname !~ '^pg_'
        """;

    /// <summary>Schema.</summary>
    internal required string Schema { get; init; }

    /// <summary>View.</summary>
    internal required string Name { get; init; }

    /// <summary>Whether it holds anything: one made WITH NO DATA cannot be read.</summary>
    internal required bool Populated { get; init; }

    /// <summary>What its query depends on beside the data and the settings; null when nothing is known.</summary>
    internal string? Outside { get; init; }

    /// <summary>Reads its rows.</summary>
    internal string CopyStatement => $"COPY (SELECT * FROM {Quote.Qualified(Schema, Name)}) TO STDOUT";

    /// <summary>Those of a database, by schema and name; an extension's own are no part of a dump.</summary>
    internal static async Task<IReadOnlyList<MaterializedView>> ListAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var views = await session.QueryAsync(
            Query,
            row => new MaterializedView
            {
                Schema = row.GetString(0),
                Name = row.GetString(1),
                Populated = row.GetBoolean(2),
                Outside = row.IsDBNull(3) ? null : row.GetString(3),
            },
            cancellationToken).ConfigureAwait(false);
        return [.. views.OrderBy(view => view.Schema, StringComparer.Ordinal).ThenBy(view => view.Name, StringComparer.Ordinal)];
    }
}
