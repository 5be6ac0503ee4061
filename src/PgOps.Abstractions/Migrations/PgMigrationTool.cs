namespace PgOps;

/// <summary>A migration tool whose history PgOps takes over.</summary>
public enum PgMigrationTool
{
    /// <summary>Prisma Migrate: _prisma_migrations.</summary>
    Prisma,

    /// <summary>Flyway: flyway_schema_history.</summary>
    Flyway,

    /// <summary>dbmate: schema_migrations with a version of text.</summary>
    Dbmate,

    /// <summary>golang-migrate: schema_migrations with one row, version and dirty.</summary>
    GolangMigrate,

    /// <summary>goose: goose_db_version.</summary>
    Goose,

    /// <summary>sqlx: _sqlx_migrations.</summary>
    Sqlx,

    /// <summary>Diesel: __diesel_schema_migrations.</summary>
    Diesel,

    /// <summary>Entity Framework Core: __EFMigrationsHistory.</summary>
    EntityFramework,

    /// <summary>node-pg-migrate: pgmigrations.</summary>
    NodePgMigrate,

    /// <summary>Sqitch: sqitch.changes.</summary>
    Sqitch,

    /// <summary>Rails (Active Record): schema_migrations beside ar_internal_metadata.</summary>
    Rails,

    /// <summary>sql-migrate: gorp_migrations.</summary>
    SqlMigrate,

    /// <summary>Supabase's command line: supabase_migrations.schema_migrations.</summary>
    Supabase,

    /// <summary>Hasura's command line: hdb_catalog.schema_migrations.</summary>
    Hasura,
}
