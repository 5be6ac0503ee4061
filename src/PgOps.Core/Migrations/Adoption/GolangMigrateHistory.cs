using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// golang-migrate: one row with the newest version, which stands for all lower ones; dirty while it runs and after a failure.
/// </summary>
internal sealed class GolangMigrateHistory : ForeignTool
{
    private const uint LockSalt = 1486364155;

    internal override PgMigrationTool? Tool => PgMigrationTool.GolangMigrate;

    internal override string Title => "golang-migrate";

    internal override string DefaultTable => "schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version", "dirty"];

    internal override string WayOut =>
        "Finish or undo it by hand, then say what the database holds: migrate force VERSION.";

    internal override bool WaitsInStatement => true;

    internal override bool Recognises(ForeignTable table) => base.Recognises(table) && table.Schema != HasuraHistory.Schema;

    internal override string Query(ForeignTable table) => $"SELECT version, dirty FROM {table.Name} WHERE version >= 0 OR dirty";

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var version = row.GetInt64(0).ToString(CultureInfo.InvariantCulture);
        return new() { Key = version, Title = version, Failed = row.GetBoolean(1), CoversLower = true };
    }

    /// <summary>
    /// Connections made by URL hash the path, with its slash, as the database's name; those made by a handle the bare name.
    /// </summary>
    internal override IReadOnlyList<long> LockKeys(ForeignTable table)
        => [Key(table, table.Database), Key(table, $"/{table.Database}")];

    private static long Key(ForeignTable table, string database)
        => unchecked(Crc32.HashToUInt32(Encoding.UTF8.GetBytes($"{table.Schema}\0{table.Table}\0{database}")) * LockSalt);

    internal override bool WorksBeside => true;

    internal override bool KeepsNewestOnly => true;

    /// <summary>The table's one row goes up to the version, never down.</summary>
    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file) =>
    [
        new($"DELETE FROM {table.Name} WHERE version <= $2::bigint AND NOT dirty", [Number(file)], MayDoNothing: true),
        new(
            $"INSERT INTO {table.Name} (version, dirty) SELECT $2::bigint, false FROM h WHERE NOT EXISTS (SELECT FROM {table.Name})",
            [Number(file)],
            MayDoNothing: true),
    ];

    /// <summary>The version goes back to the one before; where there is none, the table is empty.</summary>
    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before) => before is null
        ? [new($"DELETE FROM {table.Name} WHERE version = $2::bigint", [Number(file)])]
        : [new($"UPDATE {table.Name} SET version = $3::bigint WHERE version = $2::bigint", [Number(file), Number(before)])];
}
