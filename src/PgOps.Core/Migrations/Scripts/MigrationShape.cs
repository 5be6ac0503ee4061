namespace PgOps.Core.Migrations.Scripts;

/// <summary>The shapes of a migration folder.</summary>
internal enum MigrationShape
{
    /// <summary>Nothing in it yet.</summary>
    Empty,

    /// <summary><c>001_x.sql</c> or <c>20251015093045_x.sql</c>, each with an optional <c>.down.sql</c>.</summary>
    Files,

    /// <summary>Prisma's <c>20251015093045_x/migration.sql</c>.</summary>
    Prisma,

    /// <summary>Prisma 8's <c>20260713T0837_x/ops.json</c>.</summary>
    PrismaOperations,

    /// <summary>Flyway's <c>V1__x.sql</c>, <c>U1__x.sql</c>, <c>R__x.sql</c>.</summary>
    Flyway,

    /// <summary>golang-migrate's and sqlx's <c>1_x.up.sql</c> and <c>1_x.down.sql</c>.</summary>
    Pairs,

    /// <summary>dbmate's <c>-- migrate:up</c> and <c>-- migrate:down</c> in one file.</summary>
    Dbmate,

    /// <summary>goose's <c>-- +goose Up</c> and <c>-- +goose Down</c> in one file.</summary>
    Goose,

    /// <summary>sql-migrate's <c>-- +migrate Up</c> and <c>-- +migrate Down</c> in one file.</summary>
    SqlMigrate,

    /// <summary>node-pg-migrate's <c>-- Up Migration</c> and <c>-- Down Migration</c> in one file, or files without.</summary>
    NodePgMigrate,

    /// <summary>Diesel's <c>2023-10-15-093045_x/up.sql</c> and <c>down.sql</c>.</summary>
    Diesel,

    /// <summary>Hasura's <c>1697362245000_x/up.sql</c> and <c>down.sql</c>.</summary>
    Hasura,
}
