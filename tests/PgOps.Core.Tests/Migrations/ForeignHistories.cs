using System.Security.Cryptography;
using System.Text;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// Other tools' tables by their published formats, with the migrations 1_a (table a) and 2_b (table b) applied. Checksums are
/// computed here, apart from the code that is tested.
/// </summary>
internal static class ForeignHistories
{
    internal const string First = "CREATE TABLE a (b int);\n";

    internal const string Second = "CREATE TABLE b (c int);\n";

    internal const string Third = "CREATE TABLE c (d int);\n";

    /// <summary>The folder's files, the third of which is pending.</summary>
    internal static IEnumerable<(string Name, string Text)> Files(PgMigrationTool tool) => tool switch
    {
        PgMigrationTool.Prisma =>
        [
            ("20240101000000_a/migration.sql", First),
            ("20240102000000_b/migration.sql", Second),
            ("20240103000000_c/migration.sql", Third),
        ],
        PgMigrationTool.EntityFramework =>
            [("20240101000000_A.sql", First), ("20240102000000_B.sql", Second), ("20240103000000_C.sql", Third)],
        PgMigrationTool.Flyway => [("V1__a.sql", First), ("V2__b.sql", Second), ("V3__c.sql", Third), ("U2__b.sql", "DROP TABLE b;")],
        PgMigrationTool.GolangMigrate =>
            [("1_a.up.sql", First), ("1_a.down.sql", "DROP TABLE a;"), ("2_b.up.sql", Second), ("3_c.up.sql", Third)],
        PgMigrationTool.Dbmate => [("1_a.sql", Dbmate(First, "a")), ("2_b.sql", Dbmate(Second, "b")), ("3_c.sql", Dbmate(Third, "c"))],
        PgMigrationTool.Goose => [("1_a.sql", Goose(First, "a")), ("2_b.sql", Goose(Second, "b")), ("3_c.sql", Goose(Third, "c"))],
        PgMigrationTool.SqlMigrate =>
            [("1_a.sql", SqlMigrate(First, "a")), ("2_b.sql", SqlMigrate(Second, "b")), ("3_c.sql", SqlMigrate(Third, "c"))],
        PgMigrationTool.Hasura =>
        [
            ("999_a/up.sql", First), ("1704067200000_b/up.sql", Second), ("1704153600000_c/up.sql", Third),
            ("1704067200000_b/down.sql", "DROP TABLE b;"),
        ],
        PgMigrationTool.Diesel =>
            [("2024-01-01-000000_a/up.sql", First), ("2024-01-02-000000_b/up.sql", Second), ("2024-01-03-000000_c/up.sql", Third)],
        _ => [("1_a.sql", First), ("2_b.sql", Second), ("3_c.sql", Third)],
    };

    /// <summary>Makes what the tool would have left: both tables and its history.</summary>
    internal static string Script(PgMigrationTool tool) => First + Second + tool switch
    {
        PgMigrationTool.Prisma =>
            $"""
            CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
                migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
                applied_steps_count integer NOT NULL DEFAULT 0);
            INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at, started_at,
                applied_steps_count) VALUES
                ('1', '{Sha256(First)}', '2024-01-01 10:00Z', '20240101000000_a', NULL, '2024-01-01 10:00Z', 1),
                ('2', 'of an attempt that was rolled back', NULL, '20240102000000_b', '2024-01-02 11:00Z', '2024-01-02 10:00Z', 0),
                ('3', '{Sha256(Second)}', '2024-01-02 12:00Z', '20240102000000_b', NULL, '2024-01-02 12:00Z', 1);
            """,
        PgMigrationTool.Flyway =>
            $"""
            CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
                type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL,
                installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL);
            INSERT INTO flyway_schema_history VALUES
                (0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '"public"', NULL, 'x', now(), 0, true),
                (1, '1', 'a', 'SQL', 'V1__a.sql', {ForeignToolTests.Flyway(First.TrimEnd())}, 'x', '2024-01-01 10:00', 5, true),
                (2, '2', 'b', 'SQL', 'V2__b.sql', {ForeignToolTests.Flyway(Second.TrimEnd())}, 'x', '2024-01-02 12:00', 5, true);
            """,
        PgMigrationTool.Dbmate =>
            "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1'), ('2');",
        PgMigrationTool.Rails =>
            """
            CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1'), ('2');
            CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp, updated_at timestamp);
            """,
        PgMigrationTool.GolangMigrate =>
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); "
                + "INSERT INTO schema_migrations VALUES (2, false);",
        PgMigrationTool.Hasura =>
            "CREATE SCHEMA hdb_catalog; CREATE TABLE hdb_catalog.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); "
                + "INSERT INTO hdb_catalog.schema_migrations VALUES (999, false), (1704067200000, false);",
        PgMigrationTool.Goose =>
            """
            CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL,
                tstamp timestamp DEFAULT now());
            INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (3, true), (3, false);
            """,
        PgMigrationTool.Sqlx =>
            $"""
            CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL,
                installed_on timestamptz NOT NULL DEFAULT now(),
                success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
            INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES
                (1, 'a', true, '\x{Sha384(First)}', 1),
                (2, 'b', true, '\x{Sha384(Second)}', 1);
            """,
        PgMigrationTool.SqlMigrate =>
            $"""
            CREATE TABLE gorp_migrations (id text PRIMARY KEY, checksum text, applied_at timestamptz);
            INSERT INTO gorp_migrations VALUES
                ('1_a.sql', NULL, '2024-01-01 10:00Z'), ('2_b.sql', '{Sha256(SqlMigrate(Second, "b"))}', '2024-01-02 10:00Z');
            """,
        PgMigrationTool.Supabase =>
            """
            CREATE SCHEMA supabase_migrations; CREATE SCHEMA auth; CREATE TABLE auth.schema_migrations (version varchar PRIMARY KEY);
            DO $$ BEGIN CREATE ROLE supabase_auth_admin; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            ALTER TABLE auth.schema_migrations OWNER TO supabase_auth_admin;
            CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
            INSERT INTO supabase_migrations.schema_migrations VALUES ('1', NULL, 'a'), ('2', NULL, 'b');
            """,
        PgMigrationTool.Diesel =>
            """
            CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO __diesel_schema_migrations (version) VALUES ('20240101000000'), ('20240102000000');
            """,
        PgMigrationTool.EntityFramework =>
            """
            CREATE TABLE "__EFMigrationsHistory" ("MigrationId" varchar(150) PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL);
            INSERT INTO "__EFMigrationsHistory" VALUES ('20240101000000_A', '8.0.0'), ('20240102000000_B', '8.0.0');
            """,
        PgMigrationTool.NodePgMigrate =>
            """
            CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);
            INSERT INTO pgmigrations (name, run_on) VALUES ('1_a', now()), ('2_b', now());
            """,
        _ =>
            $"""
            CREATE SCHEMA sqitch;
            CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL,
                note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT clock_timestamp());
            INSERT INTO sqitch.changes (change_id, script_hash, change, project) VALUES
                ('x1', '{Sha1(First)}', 'a', 'p'), ('x2', '{Sha1(Second)}', 'b', 'p');
            """,
    };

    internal static string Dbmate(string up, string table) => $"-- migrate:up\n{up}\n-- migrate:down\nDROP TABLE {table};\n";

    private static string SqlMigrate(string up, string table) => $"-- +migrate Up\n{up}\n-- +migrate Down\nDROP TABLE {table};\n";

    private static string Goose(string up, string table) => $"-- +goose Up\n{up}\n-- +goose Down\nDROP TABLE {table};\n";

    internal static string Sha256(string text) => Hex(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    internal static string Sha384(string text) => Hex(SHA384.HashData(Encoding.UTF8.GetBytes(text)));

#pragma warning disable CA5350 // Sqitch's own hash
    private static string Sha1(string text) => Hex(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5350

#pragma warning disable CA1308 // hex digests are written in lower case
    private static string Hex(byte[] hash) => Convert.ToHexString(hash).ToLowerInvariant();
#pragma warning restore CA1308
}
