using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Checks;

/// <summary>Looks at tables, their constraints, triggers and policies. Members of extensions are their extensions' affair.</summary>
internal static class TableInspections
{
    // A partition has its parent's key and, read through its parent, the parent's policies. A unique index over columns that are NOT NULL
    // tells rows apart as well, and serves replication where it is named for it. pg_partman's templates hold no rows.
    private const string PrimaryKeysQuery = """
        SELECT rel.name, false,
               'has no primary key: ' || CASE WHEN u.name IS NULL THEN 'its rows cannot be told apart'
                                              ELSE format('its rows are told apart by the unique index %I', u.name) END
                   || CASE WHEN rel.relreplident = 'f' THEN '' WHEN u.name IS NULL THEN ', and ' ELSE ', but ' END
                   || CASE WHEN rel.relreplident = 'f' THEN '' ELSE 'logical replication of UPDATE and DELETE fails' END,
               CASE WHEN u.name IS NULL THEN format('ALTER TABLE %s ADD PRIMARY KEY (...).', rel.name)
                    WHEN rel.relkind = 'p' THEN format('ALTER TABLE %s ADD PRIMARY KEY (%s).', rel.name, u.columns)
                    ELSE format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I.', rel.name, u.name) END
        FROM rel LEFT JOIN LATERAL (
            SELECT x.relname AS name, k.columns
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid, LATERAL (
                SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY key.n) AS columns, bool_and(a.attnotnull) AS filled
                FROM unnest(i.indkey::int2[]) WITH ORDINALITY key(attnum, n)
                JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum = key.attnum
                WHERE key.n <= i.indnkeyatts) k
            WHERE i.indrelid = rel.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
              AND i.indexprs IS NULL AND k.filled
            ORDER BY i.indnkeyatts, x.relname LIMIT 1) u ON true
        WHERE rel.relkind IN ('r', 'p') AND NOT rel.relispartition
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = rel.oid AND i.indisprimary)
          AND NOT (u.name IS NOT NULL AND rel.relreplident IN ('i', 'f'))
          AND NOT (rel.relname LIKE 'template\_%' AND EXISTS (
              SELECT FROM pg_extension e WHERE e.extname = 'pg_partman' AND e.extnamespace = rel.relnamespace))
        """;

    private const string RowSecurityQuery = """
        SELECT rel.name, true,
               format('has row-level security and no policy: everybody but %s sees no row',
                   CASE WHEN rel.relforcerowsecurity THEN 'superusers and roles with BYPASSRLS'
                        ELSE 'its owner and roles with BYPASSRLS' END),
               format('CREATE POLICY ... ON %s, or ALTER TABLE %1$s DISABLE ROW LEVEL SECURITY. '
                   || 'Where it is meant so, give -AsWarning RowSecurity.', rel.name)
        FROM rel WHERE rel.relkind IN ('r', 'p') AND rel.relrowsecurity AND NOT rel.relispartition
          AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = rel.oid)
        UNION ALL
        SELECT rel.name, true,
               format('has %s, but row-level security is off: every row is seen',
                      CASE p.n WHEN 1 THEN 'a policy' ELSE p.n || ' policies' END),
               format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, or drop what protects nothing.', rel.name)
        FROM rel JOIN (SELECT polrelid, count(*) AS n FROM pg_policy GROUP BY 1) p ON p.polrelid = rel.oid
        WHERE NOT rel.relrowsecurity
        """;

    // What is inherited is told by the parent. conenforced is there from version 18 on; before, every constraint is enforced.
    private const string ConstraintsQuery = """
        SELECT format('%I on %s', o.conname, coalesce(rel.name, o.contypid::regtype::text)), false,
               CASE WHEN o.enforced THEN 'is NOT VALID: the rows that were there before it were never held against it'
                    ELSE 'is NOT ENFORCED: no row is held against it' END,
               CASE WHEN o.enforced THEN format('ALTER %s %s VALIDATE CONSTRAINT %I; reads and writes go on meanwhile.',
                                                CASE WHEN rel.oid IS NULL THEN 'DOMAIN' ELSE 'TABLE' END,
                                                coalesce(rel.name, o.contypid::regtype::text), o.conname)
                    ELSE 'Drop it, or add it again without NOT ENFORCED.' END
        FROM (SELECT c.*, coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS enforced
              FROM pg_constraint c WHERE NOT c.convalidated) o
        LEFT JOIN rel ON rel.oid = o.conrelid
        WHERE o.conparentid = 0 AND (o.conislocal OR o.coninhcount = 0)
          AND (rel.oid IS NOT NULL OR (o.conrelid = 0 AND NOT EXISTS (
              SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = o.contypid AND e.deptype = 'e')))
        """;

    // ALTER TABLE … DISABLE TRIGGER ALL, as bulk loads do, also disables the triggers that are foreign keys and deferred constraints.
    private const string TriggersQuery = """
        SELECT format('%I on %s', t.tgname, rel.name), false, 'is disabled',
               format('ALTER TABLE %s ENABLE TRIGGER %I, or drop it.', rel.name, t.tgname)
        FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid LEFT JOIN pg_trigger p ON p.oid = t.tgparentid
        WHERE t.tgenabled = 'D' AND CASE WHEN t.tgparentid = 0 THEN NOT t.tgisinternal ELSE p.tgenabled <> 'D' AND t.tgconstraint = 0 END
        UNION ALL
        SELECT DISTINCT format('%I on %s', o.conname, o.conrelid::regclass), true,
               format('is not enforced: its triggers on %s are disabled', rel.name),
               format('ALTER TABLE %s ENABLE TRIGGER ALL, then look for rows that break the constraint.', rel.name)
        FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid JOIN pg_constraint o ON o.oid = t.tgconstraint
        WHERE t.tgenabled = 'D' AND t.tgisinternal
        UNION ALL
        SELECT format('event trigger %I', t.evtname), false, 'is disabled', format('ALTER EVENT TRIGGER %I ENABLE, or drop it.', t.evtname)
        FROM pg_event_trigger t WHERE t.evtenabled = 'D'
        """;

    internal static Task<Inspection> PrimaryKeysAsync(CatalogSession session, CancellationToken cancellationToken)
        => FindAsync(session, PgFindingKind.PrimaryKeys, PrimaryKeysQuery, cancellationToken);

    internal static Task<Inspection> RowSecurityAsync(CatalogSession session, CancellationToken cancellationToken)
        => FindAsync(session, PgFindingKind.RowSecurity, RowSecurityQuery, cancellationToken);

    internal static Task<Inspection> ConstraintsAsync(CatalogSession session, CancellationToken cancellationToken)
        => FindAsync(session, PgFindingKind.UnvalidatedConstraints, ConstraintsQuery, cancellationToken);

    internal static Task<Inspection> TriggersAsync(CatalogSession session, CancellationToken cancellationToken)
        => FindAsync(session, PgFindingKind.DisabledTriggers, TriggersQuery, cancellationToken);

    private static async Task<Inspection> FindAsync(
        CatalogSession session, PgFindingKind kind, string query, CancellationToken cancellationToken)
        => new(await session.FindAsync(kind, ObjectQueries.Relations + query, cancellationToken).ConfigureAwait(false));
}
