using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Diesel: versions are the folders' digits without their dashes; no checksum, no lock.</summary>
internal sealed class DieselHistory : ForeignTool
{
    internal override PgMigrationTool? Tool => PgMigrationTool.Diesel;

    internal override string Title => "Diesel";

    internal override string DefaultTable => "__diesel_schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version", "run_on"];

    internal override string Query(ForeignTable table)
        => $"SELECT version::text, run_on FROM {table.Name} ORDER BY run_on, version";

    internal override ForeignMigration Read(NpgsqlDataReader row)
        => new() { Key = Digits(row.GetString(0)), Title = row.GetString(0), AppliedAt = Moment(row, 1) };

    internal override string KeyOf(MigrationFile file) => Digits(file.Version);

    private static string Digits(string version) => version.Replace("-", "", StringComparison.Ordinal);

    internal override bool WorksBeside => true;

    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new($"INSERT INTO {table.Name} (version) SELECT $2::text FROM h", [KeyOf(file)])];

    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new($"DELETE FROM {table.Name} WHERE pg_catalog.replace(version, '-', '') = $2::text", [KeyOf(file)])];
}
