namespace PgOps.Core.Postgres.Catalog;

/// <summary>Owners and grants.</summary>
internal static partial class ObjectQueries
{
    // What is owned and granted: its name, its owner, its ACL and the letter acldefault knows it by. Sequences of columns belong to the
    // owner of their table.
    private static string Owned => $"""
        owned AS (
            SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' ELSE 'table ' END
                       || format('%I.%I', n.nspname, c.relname) AS name, c.relowner AS owner, c.relacl AS acl,
                   CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS letter
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
              AND {UserSchema("n")} AND {NotOfExtension("pg_class", "c.oid")}
            UNION ALL SELECT 'schema ' || format('%I', n.nspname), n.nspowner, n.nspacl, 'n' FROM pg_namespace n
            WHERE {UserSchema("n")} AND {NotOfExtension("pg_namespace", "n.oid")}
            UNION ALL SELECT 'function ' || format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
                             p.proowner, p.proacl, 'f'
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE {UserSchema("n")} AND {NotOfExtension("pg_proc", "p.oid")}
              AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'i')
            UNION ALL SELECT 'type ' || format('%I.%I', n.nspname, t.typname), t.typowner, t.typacl, 'T'
            FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
            WHERE t.typtype IN ('e', 'd', 'r', 'b', 'c') AND (t.typrelid = 0 OR c.relkind = 'c')
              AND NOT EXISTS (SELECT FROM pg_type y WHERE y.typarray = t.oid) AND {UserSchema("n")} AND {NotOfExtension("pg_type", "t.oid")}
            UNION ALL SELECT 'statistics ' || format('%I.%I', n.nspname, s.stxname), s.stxowner, NULL, NULL
            FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
            WHERE {UserSchema("n")} AND {NotOfExtension("pg_statistic_ext", "s.oid")}
            UNION ALL SELECT 'publication ' || format('%I', p.pubname), p.pubowner, NULL, NULL FROM pg_publication p
            UNION ALL SELECT 'event trigger ' || format('%I', t.evtname), t.evtowner, NULL, NULL
            FROM pg_event_trigger t WHERE {NotOfExtension("pg_event_trigger", "t.oid")}
            UNION ALL SELECT 'foreign data wrapper ' || format('%I', w.fdwname), w.fdwowner, w.fdwacl, 'F'
            FROM pg_foreign_data_wrapper w WHERE {NotOfExtension("pg_foreign_data_wrapper", "w.oid")}
            UNION ALL SELECT 'foreign server ' || format('%I', s.srvname), s.srvowner, s.srvacl, 'S'
            FROM pg_foreign_server s WHERE {NotOfExtension("pg_foreign_server", "s.oid")}
            UNION ALL SELECT 'large object ' || o.oid, o.lomowner, o.lomacl, 'L' FROM pg_largeobject_metadata o)
        """;

    private static string Owners => $"""
        WITH {Owned} SELECT 'owner', name, pg_get_userbyid(owner), false FROM owned
        """;

    // As pg_dump sees them: what differs from the kind's own default, with the owner by that word and a full set as ALL, for newer
    // servers know more privileges: whether a full set holds MAINTAIN depends on the pg_dump it came by. Columns have no default.
    private static string Grants => $"""
        WITH {Owned},
        granted AS (
            SELECT name, owner, acl, letter::"char" AS letter FROM owned WHERE acl IS NOT NULL
            UNION ALL
            SELECT format('column %I.%I.%I', n.nspname, c.relname, a.attname), c.relowner, a.attacl, 'c'
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {UserSchema("n")} AND {NotOfExtension("pg_class", "c.oid")})
        SELECT 'grants', g.name, d.text, false FROM granted g,
            LATERAL (SELECT {Difference("g.acl", "acldefault(g.letter, g.owner)", "acldefault(g.letter, g.owner)", "g.owner")} AS text) d
        WHERE d.text IS NOT NULL
        """;

    // Those of one schema add to the rest; those of all schemas replace the built-in default.
    private const string BuiltInDefault = "CASE WHEN a.defaclnamespace = 0 THEN s.acl ELSE acldefault('c', a.defaclrole) END";

    private static string DefaultPrivileges => $"""
        SELECT 'default privileges', concat_ws(' ', pg_get_userbyid(a.defaclrole),
                   CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
                   WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE a.defaclobjtype::text END,
                   'in ' || nullif(a.defaclnamespace, 0)::regnamespace), d.text, false
        FROM pg_default_acl a,
            LATERAL (SELECT acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole) AS acl) s,
            LATERAL (SELECT {Difference("a.defaclacl", BuiltInDefault, "s.acl", "a.defaclrole")} AS text) d
        WHERE d.text IS NOT NULL
        """;

    private static string Difference(string acl, string standard, string every, string owner) => $"""
        (SELECT string_agg(concat_ws(' ', s.sign,
                    CASE s.grantee WHEN 0 THEN 'PUBLIC' WHEN {owner} THEN 'owner' ELSE quote_ident(pg_get_userbyid(s.grantee)) END,
                    s.rights, CASE WHEN s.is_grantable THEN 'WITH GRANT OPTION' END), '; '
                    ORDER BY s.sign, CASE s.grantee WHEN {owner} THEN '' ELSE pg_get_userbyid(s.grantee)::text END COLLATE "C",
                             s.is_grantable)
           FROM (SELECT x.sign, x.grantee, x.is_grantable,
                        CASE WHEN array_agg(x.privilege_type ORDER BY x.privilege_type) FILTER (WHERE x.privilege_type <> 'MAINTAIN') =
                                  (SELECT array_agg(m.privilege_type ORDER BY m.privilege_type) FROM aclexplode({every}) m
                                    WHERE m.grantee = {owner} AND m.privilege_type <> 'MAINTAIN')
                             THEN 'ALL' ELSE string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) END AS rights
                   FROM (SELECT '+' AS sign, v.* FROM (SELECT grantee, privilege_type, bool_or(is_grantable) AS is_grantable
                                                       FROM aclexplode({acl}) GROUP BY 1, 2
                                                       EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode({standard})) v
                         UNION ALL
                         SELECT '-', v.* FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode({standard})
                                               EXCEPT SELECT grantee, privilege_type, bool_or(is_grantable)
                                                      FROM aclexplode({acl}) GROUP BY 1, 2) v) x
                  GROUP BY 1, 2, 3) s)
        """;
}
