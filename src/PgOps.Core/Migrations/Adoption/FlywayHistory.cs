using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Flyway. A baseline stands for every version up to its own; an undo and a deletion take the version's entry back.</summary>
internal sealed class FlywayHistory : ForeignTool
{
    private const long LockBase = 77431708279161;

    internal override PgMigrationTool? Tool => PgMigrationTool.Flyway;

    internal override string Title => "Flyway";

    internal override string DefaultTable => "flyway_schema_history";

    internal override IReadOnlyList<string> Columns
        => ["installed_rank", "version", "description", "type", "script", "checksum", "success"];

    internal override string WayOut => "Undo by hand what it left in the database, then flyway repair.";

    internal override string Query(ForeignTable table) =>
        $"""
        SELECT version::text, script::text, checksum, installed_on, success, type::text FROM (
            SELECT DISTINCT ON (coalesce(version, script)) *
            FROM {table.Name} WHERE type <> 'SCHEMA'
            ORDER BY coalesce(version, script), installed_rank DESC
        ) t WHERE type <> 'DELETE' AND type NOT LIKE 'UNDO%' ORDER BY installed_rank
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var baseline = row.GetString(5) is "BASELINE";
        return new()
        {
            Key = Text(row, 0) ?? Path.GetFileNameWithoutExtension(row.GetString(1)),
            Title = baseline ? $"baseline {row.GetString(0)}" : row.GetString(1),
            Checksum = row.IsDBNull(2) ? null : row.GetInt32(2).ToString(CultureInfo.InvariantCulture),
            AppliedAt = Moment(row, 3),
            Failed = !row.GetBoolean(4),
            CoversLower = row.GetString(5) is "BASELINE" or "SQL_BASELINE" or "BASELINE_SQL",
            IsMark = baseline,
            Repeatable = row.IsDBNull(0),
        };
    }

    internal override IReadOnlyList<long> LockKeys(ForeignTable table)
    {
        // Java's String.hashCode of the quoted name: https://docs.oracle.com/javase/8/docs/api/java/lang/String.html#hashCode--
        var hash = 0;
        foreach (var unit in $"\"{table.Schema}\".\"{table.Table}\"")
        {
            hash = unchecked((31 * hash) + unit);
        }

        return [LockBase + hash];
    }

    internal override IReadOnlyList<string> Checksums(byte[] script)
    {
        var text = Encoding.UTF8.GetString(script).TrimStart('\uFEFF');
        var crc = new Crc32();
        using var reader = new StringReader(text);
        while (reader.ReadLine() is { } line)
        {
            crc.Append(Encoding.UTF8.GetBytes(line));
        }

        return [unchecked((int)crc.GetCurrentHashAsUInt32()).ToString(CultureInfo.InvariantCulture)];
    }

    internal override bool WorksBeside => true;

    internal override bool HasRepeatables => true;

    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [Row(table, file, "SQL", file.Kind == MigrationKind.Repeatable ? "" : file.Version, file.Path)];

    /// <summary>Flyway marks an undone version by the undo script's row, and one whose file is not to count by a row DELETE.</summary>
    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [file.Down is { } undo
            ? Row(table, file, "UNDO_SQL", file.Version, undo.Path)
            : Row(table, file, "DELETE", file.Version, file.Path)];

    internal override IReadOnlyList<ForeignWrite> Amend(ForeignTable table, MigrationFile file)
        => [new(
            $"""
            UPDATE {table.Name} SET checksum = $3::text::integer
            WHERE installed_rank = (SELECT pg_catalog.max(f.installed_rank) FROM {table.Name} f WHERE f.version = $2::text)
            """,
            [file.Version, Checksums(File.ReadAllBytes(file.Path))[0]],
            MayDoNothing: true)];

    private ForeignWrite Row(ForeignTable table, MigrationFile file, string type, string version, string script) => new(
        $"""
        INSERT INTO {table.Name} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
        SELECT coalesce((SELECT pg_catalog.max(f.installed_rank) FROM {table.Name} f), 0) + 1, nullif($2::text, ''), $3::text, $4::text,
            $5::text, $6::text::integer, h.applied_by, coalesce(h.duration_ms, 0)::integer, true
        FROM h
        """,
        [version, file.Name.Replace('_', ' '), type, Path.GetFileName(script), Checksums(File.ReadAllBytes(script))[0]]);
}
