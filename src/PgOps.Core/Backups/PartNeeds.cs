using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Backups;

/// <summary>
/// What a part of a database needs and does not hold: pg_dump leaves it out without a word, and the restore fails. Of extensions it can be
/// told to take them along, from 14 on. What a function's text calls nobody records, and it is not found here.
/// </summary>
internal static class PartNeeds
{
    // The relations of the part, and all that belongs to them: defaults, constraints, indexes, triggers, policies, a view's rule.
    private const string Query = """
        WITH RECURSIVE kept AS (
            SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
             WHERE n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname <> 'information_schema'
               AND (pg_catalog.cardinality($1::text::oid[]) = 0 OR n.oid = ANY ($1::text::oid[])) AND n.oid <> ALL ($2::text::oid[])),
        chosen AS (
            SELECT c.oid FROM pg_catalog.pg_class c
             WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND c.oid <> ALL ($4::text::oid[]) AND CASE
                   WHEN pg_catalog.cardinality($3::text::oid[]) > 0 THEN c.oid = ANY ($3::text::oid[])
                   ELSE c.relnamespace IN (SELECT oid FROM kept) END),
        part AS (
            SELECT oid FROM chosen
            UNION SELECT d.objid FROM pg_catalog.pg_depend d JOIN chosen c ON d.refobjid = c.oid
              JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')),
        roots AS (
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS classid, p.oid AS objid FROM part p
            UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid
             FROM pg_catalog.pg_proc f JOIN kept k ON k.oid = f.pronamespace
             WHERE pg_catalog.cardinality($3::text::oid[]) = 0
            UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
             FROM pg_catalog.pg_type t JOIN kept k ON k.oid = t.typnamespace
             WHERE pg_catalog.cardinality($3::text::oid[]) = 0 AND t.typtype IN ('d', 'r')),
        -- An index hangs on its constraint, and that on its table. A publication is the database's, not the table's.
        pieces AS (
            SELECT r.classid, r.objid FROM roots r
             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = r.classid AND e.objid = r.objid AND e.deptype = 'e')
            UNION SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN pieces p ON d.refclassid = p.classid AND d.refobjid = p.objid
             WHERE d.deptype IN ('a', 'i') AND d.classid <> 'pg_catalog.pg_publication_rel'::pg_catalog.regclass
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                       AND c.oid = d.objid AND c.relkind NOT IN ('i', 'I'))),
        needed AS (
            SELECT DISTINCT d.refclassid AS classid, coalesce(e.typelem, d.refobjid) AS objid
              FROM pieces p JOIN pg_catalog.pg_depend d ON d.classid = p.classid AND d.objid = p.objid
              LEFT JOIN pg_catalog.pg_type e ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.oid = d.refobjid
                   AND e.typelem <> 0 AND e.typcategory = 'A'
             WHERE d.refobjid >= 16384 AND d.deptype IN ('n', 'a')),
        -- A row type is its table's.
        things AS (
            SELECT DISTINCT coalesce(CASE WHEN c.oid IS NULL THEN NULL ELSE 'pg_catalog.pg_class'::pg_catalog.regclass::oid END,
                                     n.classid) AS classid,
                   coalesce(c.oid, n.objid) AS objid
              FROM needed n LEFT JOIN pg_catalog.pg_type t
                ON n.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = n.objid AND t.typrelid <> 0
              LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c')
        SELECT DISTINCT x.extname::text, pg_catalog.pg_describe_object(t.classid, t.objid, 0),
               coalesce(xn.nspname = 'public' OR (xn.oid IN (SELECT oid FROM kept) AND pg_catalog.cardinality($1::text::oid[]) > 0), false)
          FROM things t
          LEFT JOIN pg_catalog.pg_depend e ON e.classid = t.classid AND e.objid = t.objid AND e.objsubid = 0 AND e.deptype = 'e'
          LEFT JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
          LEFT JOIN pg_catalog.pg_namespace xn ON xn.oid = x.extnamespace
          LEFT JOIN pg_catalog.pg_class c ON t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = t.objid
          CROSS JOIN LATERAL pg_catalog.pg_identify_object(t.classid, t.objid, 0) AS i
         WHERE CASE WHEN x.oid IS NOT NULL THEN pg_catalog.cardinality($1::text::oid[]) + pg_catalog.cardinality($3::text::oid[]) > 0
                    WHEN c.relkind IN ('i', 'I') THEN false
                    WHEN c.oid IS NOT NULL THEN NOT c.oid IN (SELECT oid FROM part)
                    WHEN i.type = 'schema' THEN false
                    WHEN pg_catalog.cardinality($3::text::oid[]) > 0 THEN true
                    ELSE i.schema IS NOT NULL AND i.schema NOT IN (SELECT nspname FROM kept) END
         ORDER BY 1, 2
        """;

    /// <summary>Finds it.</summary>
    /// <param name="connection">A session in the backup's snapshot.</param>
    /// <param name="part">What is selected.</param>
    /// <param name="toolMajor">pg_dump's major version.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Extensions that pg_dump can take along, and what else is needed, in words.</returns>
    internal static async Task<(IReadOnlyList<string> Extensions, IReadOnlyList<string> Needs)> FindAsync(
        NpgsqlConnection connection, Part part, int toolMajor, CancellationToken cancellationToken)
    {
        var found = await connection.QueryAsync(
            Query,
            row => (Extension: row.IsDBNull(0) ? null : row.GetString(0), Name: row.GetString(1), Takable: row.GetBoolean(2)),
            cancellationToken,
            Array(part.Schemas),
            Array(part.WithoutSchemas),
            Array(part.Tables),
            Array(part.WithoutTables)).ConfigureAwait(false);
        var (taken, left) = (found.ToLookup(one => one.Extension is not null && one.Takable && toolMajor >= 14), new List<string>());
        left.AddRange(taken[false].Select(one => one.Extension is { } extension ? $"extension {extension}" : one.Name).Distinct());
        return ([.. taken[true].Select(one => one.Extension!).Distinct()], left);

        static string Array(uint[] oids) => $"{{{string.Join(',', oids)}}}";
    }

    /// <summary>Oids of what is selected; of schemas and tables none means all.</summary>
    /// <param name="Schemas">Schemas that are dumped.</param>
    /// <param name="WithoutSchemas">Schemas that are not.</param>
    /// <param name="Tables">Tables that are dumped.</param>
    /// <param name="WithoutTables">Tables that are not.</param>
    internal sealed record Part(uint[] Schemas, uint[] WithoutSchemas, uint[] Tables, uint[] WithoutTables);
}
