using Npgsql;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Supabase's command line, whose table lies in a schema of its own; the schemas of Supabase's services have tables of that name, too.
/// </summary>
internal sealed class SupabaseHistory : ForeignTool
{
    internal const string Schema = "supabase_migrations";

    internal override PgMigrationTool? Tool => PgMigrationTool.Supabase;

    internal override string Title => "Supabase";

    internal override string DefaultTable => "schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version"];

    internal override string Query(ForeignTable table)
        => $"SELECT version::text, pg_catalog.to_jsonb(t) ->> 'name' FROM {table.Name} t ORDER BY version";

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var version = row.GetString(0);
        return new() { Key = version, Title = Text(row, 1) is { Length: > 0 } name ? $"{version}_{name}" : version };
    }

    internal override bool Recognises(ForeignTable table) => base.Recognises(table) && table.Schema == Schema;
}
