using System.Security.Cryptography;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>sql-migrate: the names of files, in newer versions with the SHA-256 of each; no lock.</summary>
internal sealed class SqlMigrateHistory : ForeignTool
{
    internal override PgMigrationTool? Tool => PgMigrationTool.SqlMigrate;

    internal override string Title => "sql-migrate";

    internal override string DefaultTable => "gorp_migrations";

    internal override IReadOnlyList<string> Columns => ["id", "applied_at"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    internal override string Query(ForeignTable table) =>
        $"""
        SELECT id::text, applied_at, nullif(pg_catalog.to_jsonb(t) ->> 'checksum', '') FROM {table.Name} t ORDER BY applied_at, id
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row)
        => new() { Key = row.GetString(0), Title = row.GetString(0), AppliedAt = Moment(row, 1), Checksum = Text(row, 2) };

    internal override string KeyOf(MigrationFile file) => Path.GetFileName(file.Path);

    internal override IReadOnlyList<string> Checksums(byte[] script)
        => LineEnds.Forms(script).Select(form => Hex.Of(SHA256.HashData(form))).Distinct().ToList();
}
