using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>dbmate: versions alone, and no lock.</summary>
internal sealed class DbmateHistory : ForeignTool
{
    internal override PgMigrationTool? Tool => PgMigrationTool.Dbmate;

    internal override string Title => "dbmate";

    internal override string DefaultTable => "schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version"];

    internal override string Query(ForeignTable table) => $"SELECT version::text FROM {table.Name} ORDER BY version";

    internal override ForeignMigration Read(NpgsqlDataReader row) => new() { Key = row.GetString(0), Title = row.GetString(0) };

    internal override bool Recognises(ForeignTable table)
        => base.Recognises(table) && !table.Columns.Contains("dirty") && !table.BesideRailsMetadata
            && table.Schema != SupabaseHistory.Schema;


    internal override bool WorksBeside => true;

    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new($"INSERT INTO {table.Name} (version) SELECT $2::text FROM h", [file.Version])];

    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new($"DELETE FROM {table.Name} WHERE pg_catalog.ltrim(version, '0') = pg_catalog.ltrim($2::text, '0')", [file.Version])];
}
