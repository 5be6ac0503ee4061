using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>sqlx: SHA-384 of the script; an entry without success stopped outside a transaction.</summary>
internal sealed class SqlxHistory : ForeignTool
{
    private const long LockSalt = 0x3d32ad9e;

    internal override PgMigrationTool? Tool => PgMigrationTool.Sqlx;

    internal override string Title => "sqlx";

    internal override string DefaultTable => "_sqlx_migrations";

    internal override IReadOnlyList<string> Columns => ["version", "description", "success", "checksum"];

    internal override string WayOut
        => "Finish it by hand and set its success, or undo it by hand and remove its row from _sqlx_migrations.";

    internal override bool WaitsInStatement => true;

    internal override string Query(ForeignTable table) =>
        $"""
        SELECT version, description::text, pg_catalog.encode(checksum, 'hex'), installed_on, success
        FROM {table.Name} ORDER BY version
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var version = row.GetInt64(0).ToString(CultureInfo.InvariantCulture);
        return new()
        {
            Key = version,
            Title = $"{version} {row.GetString(1)}",
            Checksum = row.GetString(2),
            AppliedAt = Moment(row, 3),
            Failed = !row.GetBoolean(4),
        };
    }

    internal override IReadOnlyList<long> LockKeys(ForeignTable table)
        => [unchecked(LockSalt * Crc32.HashToUInt32(Encoding.UTF8.GetBytes(table.Database)))];

#pragma warning disable CA1308 // hex digests are written in lower case everywhere else
    internal override IReadOnlyList<string> Checksums(byte[] script)
        => LineEnds.Forms(script).Select(form => Hex.Of(SHA384.HashData(form))).Distinct().ToList();
#pragma warning restore CA1308

    internal override bool WorksBeside => true;

    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new(
            $"""
            INSERT INTO {table.Name} (version, description, success, checksum, execution_time)
            SELECT $2::bigint, $3::text, true, pg_catalog.decode($4::text, 'hex'), coalesce(h.duration_ms, 0) * 1000000 FROM h
            """,
            [Number(file), file.Name.Replace('_', ' '), Checksums(File.ReadAllBytes(file.Path))[0]])];

    internal override IReadOnlyList<ForeignWrite> Amend(ForeignTable table, MigrationFile file)
        => [new(
            $"UPDATE {table.Name} SET checksum = pg_catalog.decode($3::text, 'hex') WHERE version = $2::bigint",
            [Number(file), Checksums(File.ReadAllBytes(file.Path))[0]],
            MayDoNothing: true)];

    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new($"DELETE FROM {table.Name} WHERE version = $2::bigint", [Number(file)])];
}
