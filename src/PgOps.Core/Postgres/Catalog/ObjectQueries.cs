namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// The catalog queries behind the inventory: kind, name, definition, and whether the definition holds a query, which PostgreSQL writes
/// differently from version to version. They run in a <see cref="SnapshotSession"/>: with its empty search_path every name is
/// written out in full, and every function is pg_catalog's own. What pg_dump does not carry over is left out: tablespaces, the members
/// of extensions, inherited copies of constraints and triggers.
/// </summary>
internal static partial class ObjectQueries
{
    // The relations that are listed, with their full names.
    internal const string Relations = """
        WITH rel AS (
            SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'))
        """;

    // Values that say how to get in elsewhere stay out of inventories: their names alone are kept.
    private const string Options = """
        (SELECT string_agg(CASE WHEN o.option_name ~* 'passw|secret|token|key|credential|passfile|sslcert' THEN o.option_name
                                ELSE o.option_name || '=' || o.option_value END, ', ' ORDER BY o.option_name)
           FROM pg_options_to_table($OPTIONS) o)
        """;

    /// <summary>The queries for a server.</summary>
    /// <param name="version">server_version_num.</param>
    internal static IEnumerable<string> For(int version)
    {
        yield return Schemas;
        yield return Extensions;
        yield return Relations + Tables;
        yield return Relations + Views;
        yield return Relations + Columns(version);
        yield return Relations + Indexes;
        yield return Relations + Constraints(version);
        yield return Relations + Triggers;
        yield return Relations + Rules;
        yield return Relations + Policies;
        yield return Relations + RowSecurity;
        yield return Relations + Sequences;
        yield return Functions;
        yield return Aggregates;
        yield return Types;
        yield return EventTriggers;
        yield return Statistics;
        yield return Publications(version);
        yield return ForeignServers;
        yield return Others;
        yield return Comments;
        yield return Owners;
        yield return Grants;
        yield return DefaultPrivileges;
    }

    /// <summary>Tables, views, columns and policies alone.</summary>
    /// <param name="version">server_version_num.</param>
    internal static IEnumerable<string> Expected(int version)
        => new[] { Tables, Views, Columns(version), Policies, RowSecurity }.Select(query => Relations + query);

    private static string NotOfExtension(string catalog, string oid)
        => $"NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype = 'e')";

    private static string UserSchema(string alias) => $"{alias}.nspname !~ '^pg_' AND {alias}.nspname <> 'information_schema'";

    private static string OptionsOf(string column) => Options.Replace("$OPTIONS", column, StringComparison.Ordinal);

    private static string Schemas => $"""
        SELECT 'schema', format('%I', n.nspname), '', false FROM pg_namespace n
        WHERE {UserSchema("n")} AND {NotOfExtension("pg_namespace", "n.oid")}
        """;

    // plpgsql is there from the beginning, and pg_dump leaves it alone.
    private const string Extensions = """
        SELECT 'extension', format('%I', x.extname), format('%s in %I', x.extversion, n.nspname), false
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'
        """;

    private static string Functions => $"""
        SELECT 'function', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
               pg_get_functiondef(p.oid), coalesce(to_jsonb(p) ->> 'prosqlbody', '') <> ''
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prokind <> 'a' AND {UserSchema("n")} AND {NotOfExtension("pg_proc", "p.oid")}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'i')
        """;

    private static string Aggregates => $"""
        SELECT 'aggregate', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
               concat_ws(' ', a.aggkind, a.aggnumdirectargs, a.aggtransfn::regproc, a.aggfinalfn::regproc, a.aggcombinefn::regproc,
                   a.aggserialfn::regproc, a.aggdeserialfn::regproc, a.aggmtransfn::regproc, a.aggminvtransfn::regproc,
                   a.aggmfinalfn::regproc, a.aggfinalextra, a.aggmfinalextra, a.aggsortop::regoperator, format_type(a.aggtranstype, NULL),
                   format_type(a.aggmtranstype, NULL), 'init ' || a.agginitval, 'minit ' || a.aggminitval, p.proparallel), false
        FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE {UserSchema("n")} AND {NotOfExtension("pg_proc", "p.oid")}
        """;

    // Composite types are told by their columns, a domain's constraints are constraints of their own.
    private static string Types => $"""
        SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%I.%I', n.nspname, t.typname),
               CASE t.typtype
                   WHEN 'e' THEN (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
                                  FROM pg_enum l WHERE l.enumtypid = t.oid)
                   WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                       'DEFAULT ' || t.typdefault,
                       CASE WHEN t.typcollation <> b.typcollation THEN 'COLLATE ' || t.typcollation::regcollation END)
                   WHEN 'r' THEN (SELECT concat_ws(' ', format_type(r.rngsubtype, NULL), o.opcname,
                           CASE WHEN r.rngcollation <> 0 THEN r.rngcollation::regcollation END, r.rngcanonical, r.rngsubdiff)
                       FROM pg_range r JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid)
                   WHEN 'b' THEN concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend,
                       t.typlen, t.typalign, t.typstorage, t.typdelim)
                   ELSE '' END, false
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typtype IN ('e', 'd', 'r', 'b', 'c') AND (t.typrelid = 0 OR c.relkind = 'c')
          AND NOT EXISTS (SELECT FROM pg_type y WHERE y.typarray = t.oid)
          AND {UserSchema("n")} AND {NotOfExtension("pg_type", "t.oid")}
        """;

    private static string EventTriggers => $"""
        SELECT 'event trigger', format('%I', t.evtname),
               concat_ws(' ', t.evtevent, t.evtfoid::regprocedure, t.evttags, t.evtenabled), false
        FROM pg_event_trigger t WHERE {NotOfExtension("pg_event_trigger", "t.oid")}
        """;

    private static string Statistics => $"""
        SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid), false
        FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
        WHERE {UserSchema("n")} AND {NotOfExtension("pg_statistic_ext", "s.oid")}
        """;

    private static string Publications(int version)
    {
        var columns = version >= 150000
            ? """
              || coalesce((SELECT format('(%s)', string_agg(format('%I', a.attname), ', ' ORDER BY a.attname)) FROM pg_attribute a
                            WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), '')
              || coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')
              """
            : "|| '()'";
        var schemas = version >= 150000
            ? "(SELECT string_agg(s.pnnspid::regnamespace::text, ', ' ORDER BY s.pnnspid::regnamespace::text COLLATE \"C\") FROM "
                + "pg_publication_namespace s WHERE s.pnpubid = p.oid)"
            : "NULL";
        return $"""
            SELECT 'publication', format('%I', p.pubname),
                   concat_ws(' ', CASE WHEN p.puballtables THEN 'ALL TABLES' END, p.pubinsert, p.pubupdate,
                       p.pubdelete, p.pubtruncate, p.pubviaroot,
                       'schemas ' || {schemas},
                       'tables ' || (SELECT string_agg(r.prrelid::regclass::text {columns}, ', '
                                                       ORDER BY r.prrelid::regclass::text COLLATE "C")
                                       FROM pg_publication_rel r WHERE r.prpubid = p.oid)), false
            FROM pg_publication p
            """;
    }

    private static string ForeignServers => $"""
        SELECT 'foreign data wrapper', format('%I', w.fdwname),
               concat_ws(' ', nullif(w.fdwhandler, 0)::regproc, nullif(w.fdwvalidator, 0)::regproc, {OptionsOf("w.fdwoptions")}), false
        FROM pg_foreign_data_wrapper w WHERE {NotOfExtension("pg_foreign_data_wrapper", "w.oid")}
        UNION ALL
        SELECT 'foreign server', format('%I', s.srvname), concat_ws(' ', w.fdwname, s.srvtype, s.srvversion,
               {OptionsOf("s.srvoptions")}), false
        FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE {NotOfExtension("pg_foreign_server", "s.oid")}
        UNION ALL
        SELECT 'user mapping', format('%I for %I', m.srvname, m.usename), '', false FROM pg_user_mappings m
        """;

    // Kinds that are rare: whether they are there. Casts between a range and its multirange come with the type, from 14 on.
    private static string Others => string.Join(" UNION ALL ", ((string[])
    [
        "pg_collation", "pg_conversion", "pg_operator", "pg_opclass", "pg_opfamily", "pg_cast", "pg_ts_config", "pg_ts_dict",
        "pg_ts_parser", "pg_ts_template", "pg_transform", "pg_am", "pg_language",
    ]).Select(catalog => $"""
        SELECT i.type, i.identity, '', false FROM {catalog} o, pg_identify_object('{catalog}'::regclass, o.oid, 0) i
        WHERE o.oid >= 16384 AND {NotOfExtension(catalog, "o.oid")}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = o.oid AND e.deptype = 'i')
        """));

    // pg_dump comments on what it dumps: not on what comes with something else (a view's rule, a table's row type, a type's array, what a
    // child has from its parent), and not on an invalid index.
    private const string Comments = """
        SELECT 'comment', i.type || ' ' || i.identity, d.description, false
        FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
        WHERE d.objoid >= 16384 AND i.identity IS NOT NULL AND coalesce(i.schema, '') !~ '^pg_(temp|toast)'
          AND i.identity !~ ' on pg_temp' AND i.type <> 'extension'
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
          AND NOT CASE d.classoid
              WHEN 'pg_rewrite'::regclass THEN EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = d.objoid AND r.rulename = '_RETURN')
              WHEN 'pg_trigger'::regclass THEN EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objoid AND t.tgparentid <> 0)
              WHEN 'pg_constraint'::regclass THEN EXISTS (SELECT FROM pg_constraint o WHERE o.oid = d.objoid AND o.conrelid <> 0
                  AND CASE o.contype WHEN 'f' THEN o.conparentid <> 0 WHEN 'c' THEN NOT o.conislocal
                           WHEN 'n' THEN NOT o.conislocal ELSE false END)
              WHEN 'pg_type'::regclass THEN EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objoid AND (t.typtype = 'm'
                  OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
                  OR EXISTS (SELECT FROM pg_type y WHERE y.typarray = t.oid)))
              WHEN 'pg_class'::regclass THEN EXISTS (SELECT FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
                  WHERE x.indexrelid = d.objoid AND c.relkind = 'i' AND NOT (x.indisvalid AND x.indisready))
              ELSE false END
        """;
}
