using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>node-pg-migrate, whose migrations are SQL files, or programs that PgOps cannot run.</summary>
internal sealed partial class NodePgMigrateHistory : ForeignTool
{
    private const long LockKey = 7241865325823964;

    internal override PgMigrationTool? Tool => PgMigrationTool.NodePgMigrate;

    internal override string Title => "node-pg-migrate";

    internal override string DefaultTable => "pgmigrations";

    internal override IReadOnlyList<string> Columns => ["id", "name", "run_on"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    internal override string Query(ForeignTable table) => $"SELECT name::text, run_on FROM {table.Name} ORDER BY id";

    internal override ForeignMigration Read(NpgsqlDataReader row)
        => new() { Key = row.GetString(0), Title = row.GetString(0), AppliedAt = Moment(row, 1) };

    internal override IReadOnlyList<long> LockKeys(ForeignTable table) => [LockKey];

    internal override string KeyOf(MigrationFile file)
    {
        var stem = Path.GetFileNameWithoutExtension(file.Path);
        return stem.EndsWith(".up", StringComparison.Ordinal) ? stem[..^".up".Length] : stem;
    }

    internal override bool WorksBeside => true;

    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new($"INSERT INTO {table.Name} (name, run_on) SELECT $2::text, h.finished_at FROM h", [KeyOf(file)])];

    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new($"DELETE FROM {table.Name} WHERE name = $2::text", [KeyOf(file)])];

    internal override string? Objection(MigrationFile file) => file.Section is null && DownSection().IsMatch(file.Text)
        ? "has its undo in the same file (-- Down Migration), which PgOps would run too: move it to a .down.sql beside it"
        : null;

    [GeneratedRegex(
        @"^\s*--[\s-]*down\s+migration[^\n]*\n(?=[\s\S]*\S)",
        RegexOptions.IgnoreCase | RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex DownSection();
}
