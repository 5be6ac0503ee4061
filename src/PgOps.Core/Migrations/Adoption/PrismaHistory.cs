using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Prisma Migrate. A retry adds a row of the same name; a row is applied when it has ended and was not rolled back, and failed when
/// neither is recorded.
/// </summary>
internal sealed class PrismaHistory : ForeignTool
{
    private const long LockKey = 72707369;

    internal override PgMigrationTool? Tool => PgMigrationTool.Prisma;

    internal override string Title => "Prisma";

    internal override string DefaultTable => "_prisma_migrations";

    internal override IReadOnlyList<string> Columns => ["migration_name", "checksum", "finished_at", "rolled_back_at"];

    internal override string WayOut => "Settle it with Prisma: prisma migrate resolve --applied NAME, or --rolled-back NAME.";

    internal override bool WaitsInStatement => true;

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    internal override string Query(ForeignTable table) =>
        $"""
        SELECT * FROM (
            SELECT DISTINCT ON (migration_name) migration_name::text, checksum::text, finished_at, finished_at IS NULL AS failed, started_at
            FROM {table.Name} WHERE rolled_back_at IS NULL
            ORDER BY migration_name, finished_at IS NULL DESC, started_at DESC
        ) t ORDER BY started_at, migration_name
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row) => new()
    {
        Key = row.GetString(0),
        Title = row.GetString(0),
        Checksum = row.GetString(1),
        AppliedAt = Moment(row, 2),
        Failed = row.GetBoolean(3),
    };

    internal override IReadOnlyList<long> LockKeys(ForeignTable table) => [LockKey];

    internal override string KeyOf(MigrationFile file) => Path.GetFileName(Path.GetDirectoryName(file.Path)) ?? "";

    internal override IReadOnlyList<string> Checksums(byte[] script)
        => LineEnds.Forms(script).Select(SHA256.HashData).SelectMany(hash => new[] { Hex(hash, "x2"), Hex(hash, "x") }).Distinct().ToList();

    internal override IReadOnlyList<ForeignWrite> Amend(ForeignTable table, MigrationFile file)
        => [new(
            $"UPDATE {table.Name} SET checksum = $2::text WHERE migration_name = $3::text AND rolled_back_at IS NULL",
            [Checksums(File.ReadAllBytes(file.Path))[0], KeyOf(file)],
            MayDoNothing: true)];

    /// <summary>Old versions of Prisma wrote the bytes' digits without leading zeros.</summary>
    private static string Hex(byte[] hash, string format)
        => string.Concat(hash.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));

    internal override bool WorksBeside => true;

    internal override bool Undoes => false;

    /// <summary>No key keeps a name from being recorded twice, as it would be when Prisma runs it at the same time.</summary>
    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new(
            $"""
            INSERT INTO {table.Name} (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
            SELECT pg_catalog.gen_random_uuid()::text, $2::text, h.finished_at, $3::text, h.started_at, 1 FROM h
            WHERE NOT EXISTS (SELECT FROM {table.Name} p WHERE p.migration_name = $3::text AND p.rolled_back_at IS NULL)
            """,
            [Checksums(File.ReadAllBytes(file.Path))[0], KeyOf(file)])];

    /// <summary>Prisma has no undo; a finished row counts to it as applied, whatever else it says, so the row goes.</summary>
    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new(
            $"DELETE FROM {table.Name} WHERE migration_name = $2::text AND rolled_back_at IS NULL", [KeyOf(file)])];
}
