namespace PgOps.Core.Tests.Migrations;

/// <summary>What other tools leave in their tables for the third migration of <see cref="ForeignHistories"/>.</summary>
internal static class ForeignEntries
{
    /// <summary>A migration whose effect shows how often it ran.</summary>
    internal const string Double = "UPDATE n SET v = v * 2;\n";

    /// <summary>What the tool leaves when it applies the third migration.</summary>
    internal static string Apply(PgMigrationTool tool) => tool switch
    {
        PgMigrationTool.Prisma =>
            "INSERT INTO _prisma_migrations VALUES ('4', encode(sha256(convert_to(E'UPDATE n SET v = v * 2;\\n', 'UTF8')), 'hex'), now(), "
                + "'20240103000000_c', NULL, NULL, now(), 1)",
        PgMigrationTool.Flyway =>
            $"INSERT INTO flyway_schema_history VALUES (3, '3', 'c', 'SQL', 'V3__c.sql', {ForeignToolTests.Flyway(Double.TrimEnd())}, "
                + "'x', now(), 5, true)",
        PgMigrationTool.Dbmate => "INSERT INTO schema_migrations VALUES ('3')",
        PgMigrationTool.GolangMigrate => "UPDATE schema_migrations SET version = 3",
        PgMigrationTool.Goose => "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true)",
        PgMigrationTool.Sqlx =>
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) "
                + $"VALUES (3, 'c', true, '\\x{ForeignHistories.Sha384(Double)}', 1)",
        PgMigrationTool.Diesel => "INSERT INTO __diesel_schema_migrations (version) VALUES ('20240103000000')",
        _ => "INSERT INTO pgmigrations (name, run_on) VALUES ('3_c', now())",
    };

    /// <summary>What the tool leaves when it undoes the third migration.</summary>
    internal static string Undo(PgMigrationTool tool) => tool switch
    {
        PgMigrationTool.Prisma => "DELETE FROM _prisma_migrations WHERE migration_name = '20240103000000_c'",
        PgMigrationTool.Flyway => "INSERT INTO flyway_schema_history VALUES (4, '3', 'c', 'UNDO_SQL', 'U3__c.sql', 1, 'x', now(), 5, true)",
        PgMigrationTool.Dbmate => "DELETE FROM schema_migrations WHERE version = '3'",
        PgMigrationTool.GolangMigrate => "UPDATE schema_migrations SET version = 2",
        PgMigrationTool.Goose => "DELETE FROM goose_db_version WHERE version_id = 3",
        PgMigrationTool.Sqlx => "DELETE FROM _sqlx_migrations WHERE version = 3",
        PgMigrationTool.Diesel => "DELETE FROM __diesel_schema_migrations WHERE version = '20240103000000'",
        _ => "DELETE FROM pgmigrations WHERE name = '3_c'",
    };

    /// <summary>Whether the table says of the third migration what the tool would have written.</summary>
    internal static string Written(PgMigrationTool tool, string text = ForeignHistories.Third) => tool switch
    {
        PgMigrationTool.Prisma =>
            "SELECT count(*) = 1 FROM _prisma_migrations WHERE migration_name = '20240103000000_c' AND rolled_back_at IS NULL "
                + $"AND checksum = '{ForeignHistories.Sha256(text)}' AND length(id) = 36 AND finished_at >= started_at "
                + "AND applied_steps_count = 1 AND logs IS NULL",
        PgMigrationTool.Flyway =>
            "SELECT bool_or(version = '3' AND description = 'c' AND type = 'SQL' AND script = 'V3__c.sql' "
                + $"AND checksum = {ForeignToolTests.Flyway(text.TrimEnd())} AND installed_by = session_user AND execution_time >= 0 "
                + "AND success AND installed_rank = (SELECT max(installed_rank) FROM flyway_schema_history)) FROM flyway_schema_history",
        PgMigrationTool.Dbmate => "SELECT string_agg(version, ' ' ORDER BY version) = '1 2 3' FROM schema_migrations",
        PgMigrationTool.GolangMigrate => "SELECT bool_and(version = 3 AND NOT dirty) AND count(*) = 1 FROM schema_migrations",
        PgMigrationTool.Goose =>
            "SELECT is_applied AND tstamp IS NOT NULL FROM goose_db_version WHERE version_id = 3 ORDER BY id DESC LIMIT 1",
        PgMigrationTool.Sqlx =>
            "SELECT count(*) = 1 FROM _sqlx_migrations WHERE version = 3 AND description = 'c' AND success AND execution_time >= 0 "
                + $"AND checksum = '\\x{ForeignHistories.Sha384(text)}'",
        PgMigrationTool.Diesel =>
            "SELECT count(*) = 1 FROM __diesel_schema_migrations WHERE version = '20240103000000' AND run_on IS NOT NULL",
        _ => "SELECT count(*) = 1 FROM pgmigrations WHERE name = '3_c' AND run_on IS NOT NULL",
    };
}
