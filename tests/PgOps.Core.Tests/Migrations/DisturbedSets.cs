using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Two sets of migrations to disturb, and what an undisturbed run and a disturbed one must agree on.</summary>
internal static class DisturbedSets
{
    internal static void Write(MigrationWorkspace workspace, bool transactional)
    {
        if (transactional)
        {
            WriteTransactional(workspace);
        }
        else
        {
            WriteByStatement(workspace);
        }
    }

    /// <summary>Schema, data and history, as far as they must be the same.</summary>
    internal static Task<string?> PictureAsync(MigrationWorkspace workspace) => workspace.ScalarAsync<string>(
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT format('column %s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT format('index %s valid=%s', pg_get_indexdef(indexrelid), indisvalid AND indisready AND indislive)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = 'public'::regnamespace OR i.indrelid IN (
                SELECT reltoastrelid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND NOT i.indisvalid
            UNION ALL
            SELECT format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL
            SELECT format('partition %s of %s, %s', inhrelid::regclass, inhparent::regclass, to_jsonb(i) ->> 'inhdetachpending')
            FROM pg_inherits i
            UNION ALL
            SELECT format('label %s %s %s', enumtypid::regtype, enumlabel, rank() OVER (PARTITION BY enumtypid ORDER BY enumsortorder))
            FROM pg_enum
            UNION ALL
            SELECT format('routine %s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL
            SELECT format('rows %s %s', c.relname,
                query_to_xml(format('SELECT count(*), sum(hashtext(t::text)::bigint) FROM %s t', c.oid::regclass), true, true, ''))
            FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            UNION ALL
            SELECT format('history %s %s %s %s %s %s/%s', version, name, kind, checksum, state, statements_done, statements_total)
            FROM (SELECT DISTINCT ON (version) * FROM pgops.migration_history ORDER BY version, id DESC) h
        ) t
        """);

    private static void WriteTransactional(MigrationWorkspace workspace)
    {
        workspace.Write(
            "1_first.sql", "CREATE TABLE effect (note text); INSERT INTO effect VALUES ('1'); CREATE TYPE mood AS ENUM ('sad');");
        for (var version = 2; version <= 8; version++)
        {
            workspace.Write(
                $"{version}_more.sql",
                $"CREATE TABLE t{version} (a int); INSERT INTO effect VALUES ('{version}a'); SELECT pg_sleep(0.03);\n"
                    + $"INSERT INTO effect VALUES ('{version}b');\nCOPY t{version} FROM stdin;\n1\n2\n\\.\n"
                    + $"CREATE INDEX ON t{version} (a);\nALTER TYPE mood ADD VALUE 'mood {version}';");
        }
    }

    /// <summary>
    /// Every kind of statement that refuses a transaction and that a migration is likely to hold, with plain ones in between.
    /// </summary>
    private static void WriteByStatement(MigrationWorkspace workspace)
    {
        workspace.Write(
            "1_first.sql",
            """
            CREATE TABLE effect (note text);
            CREATE TABLE big AS SELECT g AS a, 'text' || g AS t FROM generate_series(1, 30000) g;
            CREATE TYPE mood AS ENUM ('sad');
            CREATE TABLE parted (a int NOT NULL) PARTITION BY RANGE (a);
            CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
            CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
            INSERT INTO parted VALUES (1), (11);
            CREATE INDEX parted_a ON parted (a);
            CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
                FOR i IN 1..3 LOOP INSERT INTO effect VALUES ('filled ' || i); PERFORM pg_sleep(0.01); COMMIT; END LOOP;
            END $$;
            """);
        workspace.Write(
            "2_indexes.sql",
            """
            INSERT INTO effect VALUES ('2a');
            CREATE INDEX CONCURRENTLY big_a ON big (a);
            INSERT INTO effect VALUES ('2b');
            CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS big_b ON big ((a + 1));
            VACUUM big;
            INSERT INTO effect VALUES ('2c');
            """);
        workspace.Write(
            "3_plain.sql",
            """
            -- pgops: no-transaction
            ALTER TYPE mood ADD VALUE 'calm' BEFORE 'sad';
            INSERT INTO effect VALUES ('3a');
            ALTER TABLE big ADD b mood;
            COPY effect FROM stdin;
            3b
            3c
            \.
            UPDATE big SET b = 'calm' WHERE a < 100;
            """);
        workspace.Write(
            "7_own.sql",
            """
            BEGIN;
            SET LOCAL enable_seqscan = off;
            DO $$ BEGIN PERFORM set_config('enable_indexscan', 'off', true); END $$;
            ALTER TYPE mood ADD VALUE 'own';
            INSERT INTO effect VALUES ('own a');
            COPY effect FROM stdin;
            own b
            \.
            SELECT pg_sleep(0.03);
            COMMIT;
            INSERT INTO effect VALUES ('own c');
            BEGIN ISOLATION LEVEL REPEATABLE READ;
            UPDATE big SET b = 'own' WHERE a < 50;
            SET LOCAL work_mem = '8MB';
            INSERT INTO effect VALUES ('own d');
            COMMIT;
            """);
        workspace.Write(
            "4_reindex.sql",
            """
            INSERT INTO effect VALUES ('4a');
            REINDEX INDEX CONCURRENTLY big_a;
            REINDEX TABLE CONCURRENTLY big;
            REINDEX INDEX big_a;
            INSERT INTO effect VALUES ('4b');
            DROP INDEX CONCURRENTLY big_b;
            VACUUM (ANALYZE) big;
            REINDEX (VERBOSE) TABLE CONCURRENTLY parted;
            """);
        workspace.Write(
            "5_detach.sql",
            """
            INSERT INTO effect VALUES ('5a');
            ALTER TABLE parted DETACH PARTITION parted_low CONCURRENTLY;
            INSERT INTO effect VALUES ('5b');
            """);
        workspace.Write("6_procedure.sql", "-- pgops: no-transaction\nCALL fill();\nINSERT INTO effect VALUES ('6');");
    }
}
