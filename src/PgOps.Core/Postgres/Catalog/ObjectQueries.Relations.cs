namespace PgOps.Core.Postgres.Catalog;

/// <summary>Tables and what hangs on them.</summary>
internal static partial class ObjectQueries
{
    private static string Tables => $"""
        SELECT CASE rel.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, rel.name, concat_ws(' ',
            CASE rel.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
            CASE WHEN rel.reloftype <> 0 THEN 'OF ' || format_type(rel.reloftype, NULL) END,
            'PARTITION BY ' || pg_get_partkeydef(rel.oid),
            (SELECT 'INHERITS ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
             FROM pg_inherits i WHERE i.inhrelid = rel.oid),
            pg_get_expr(rel.relpartbound, rel.oid),
            CASE WHEN a.amname <> 'heap' THEN 'USING ' || a.amname END,
            'WITH ' || {InternalOptions.LeftOutOf("rel.reloptions")},
            (SELECT 'TOAST ' || {InternalOptions.LeftOutOf("t.reloptions")} FROM pg_class t WHERE t.oid = rel.reltoastrelid),
            CASE rel.relreplident WHEN 'd' THEN NULL WHEN 'i' THEN 'REPLICA IDENTITY ' ||
                (SELECT x.indexrelid::regclass FROM pg_index x WHERE x.indrelid = rel.oid AND x.indisreplident)
                ELSE 'REPLICA IDENTITY ' || rel.relreplident::text END,
            'SERVER ' || s.srvname::text, {OptionsOf("f.ftoptions")}), false
        FROM rel LEFT JOIN pg_am a ON a.oid = rel.relam
        LEFT JOIN pg_foreign_table f ON f.ftrelid = rel.oid LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
        WHERE rel.relkind IN ('r', 'p', 'f')
        """;

    private static string Views => $"""
        SELECT CASE rel.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, rel.name, concat_ws(' ',
            'WITH ' || {InternalOptions.LeftOutOf("rel.reloptions")},
            CASE WHEN NOT rel.relispopulated THEN 'WITH NO DATA' END, pg_get_viewdef(rel.oid)), true
        FROM rel WHERE rel.relkind IN ('v', 'm')
        """;

    // The place among the columns counts where the table itself gave it; a child's columns are ordered by its parents.
    // A partition has its parent's identity from 17 on, and had none before.
    private static string Columns(int version) => $"""
        SELECT 'column', format('%s.%I', rel.name, a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            CASE WHEN NOT rel.relispartition THEN CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY' END END,
            CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
            CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END,
            {(version >= 140000 ? "'COMPRESSION ' || nullif(a.attcompression::text, '')" : "NULL")},
            'STATISTICS ' || nullif(a.attstattarget, -1),
            'WITH ' || {InternalOptions.LeftOutOf("a.attoptions")},
            {OptionsOf("a.attfdwoptions")},
            CASE WHEN NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = rel.oid)
                 THEN 'at ' || row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) END), false
        FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE rel.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
        """;

    // pg_dump leaves invalid indexes of plain tables out. One of a partitioned table is dumped as it was, waiting for its parts.
    private const string Indexes = """
        SELECT CASE WHEN rel.relkind = 'I' OR (i.indisvalid AND i.indisready) THEN 'index'
               ELSE 'invalid index' END, rel.name, concat_ws(' ',
            pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'INVALID' END, CASE WHEN i.indisclustered THEN 'CLUSTERED' END,
            (SELECT 'PARTITION OF ' || p.inhparent::regclass FROM pg_inherits p WHERE p.inhrelid = i.indexrelid)), false
        FROM rel JOIN pg_index i ON i.indexrelid = rel.oid JOIN rel tab ON tab.oid = i.indrelid
        """;

    // NOT NULL is told by the column; from version 18 it is a constraint too, here only when it says more. Copies that partitions get
    // from their parents are made again by a restore, under names of its own.
    private static string Constraints(int version) => $"""
        SELECT 'constraint', format('%I on %s', o.conname, coalesce(rel.name, format('%I.%I', n.nspname, t.typname))),
            concat_ws(' ', pg_get_constraintdef(o.oid), {(version < 180000
                ? "NULL" : "CASE WHEN o.contype = 'n' AND NOT o.convalidated THEN 'NOT VALID' END")}), false
        FROM pg_constraint o LEFT JOIN rel ON rel.oid = o.conrelid
        LEFT JOIN pg_type t ON t.oid = o.contypid LEFT JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE o.conparentid = 0 AND o.contype <> 't' AND (o.contype <> 'n' OR (o.conrelid <> 0 AND (o.connoinherit OR NOT o.convalidated)))
          AND (rel.oid IS NOT NULL OR (o.contypid <> 0 AND {UserSchema("n")} AND {NotOfExtension("pg_type", "t.oid")}))
        """;

    // A partition's copy of its parent's trigger counts where it is switched differently.
    private const string Triggers = """
        SELECT 'trigger', format('%I on %s', t.tgname, rel.name),
            CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) || ' ' ELSE '' END
            || CASE t.tgenabled WHEN 'O' THEN 'ENABLED' WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'REPLICA' ELSE 'ALWAYS' END, false
        FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid LEFT JOIN pg_trigger p ON p.oid = t.tgparentid
        WHERE CASE WHEN t.tgparentid = 0 THEN NOT t.tgisinternal ELSE p.tgenabled <> t.tgenabled AND t.tgconstraint = 0 END
        """;

    private const string Rules = """
        SELECT 'rule', format('%I on %s', r.rulename, rel.name), pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text, true
        FROM rel JOIN pg_rewrite r ON r.ev_class = rel.oid WHERE r.rulename <> '_RETURN'
        """;

    private const string Policies = """
        SELECT 'policy', name, definition, definition ~ '\mSELECT\M' FROM (
            SELECT format('%I on %s', p.polname, rel.name) AS name, concat_ws(' ',
                CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END, p.polcmd,
                'TO ' || (SELECT string_agg(CASE u WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u)) END, ', '
                                            ORDER BY pg_get_userbyid(u)::text COLLATE "C") FROM unnest(p.polroles) u),
                'USING ' || pg_get_expr(p.polqual, p.polrelid), 'CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid)) AS definition
            FROM rel JOIN pg_policy p ON p.polrelid = rel.oid) p
        """;

    private const string RowSecurity = """
        SELECT 'row security', rel.name, concat_ws(' ', CASE WHEN rel.relrowsecurity THEN 'ENABLED' END,
               CASE WHEN rel.relforcerowsecurity THEN 'FORCED' END), false
        FROM rel WHERE rel.relrowsecurity OR rel.relforcerowsecurity
        """;

    private const string Sequences = """
        SELECT 'sequence', rel.name, concat_ws(' ', CASE rel.relpersistence WHEN 'u' THEN 'UNLOGGED' END, format_type(s.seqtypid, NULL),
            'START', s.seqstart, 'INCREMENT', s.seqincrement, 'BETWEEN', s.seqmin, s.seqmax, 'CACHE', s.seqcache,
            CASE WHEN s.seqcycle THEN 'CYCLE' END,
            (SELECT format('OWNED BY %s.%I', d.refobjid::regclass, a.attname) FROM pg_depend d
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass AND d.objid = rel.oid AND d.objsubid = 0
                AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))), false
        FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid
        """;
}
