using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Entity Framework Core, whose migrations were written as SQL (dotnet ef migrations script) into files named by their ids. Its lock
/// is one on the table itself.
/// </summary>
internal sealed class EntityFrameworkHistory : ForeignTool
{
    internal override PgMigrationTool? Tool => PgMigrationTool.EntityFramework;

    internal override string Title => "Entity Framework";

    internal override string DefaultTable => "__EFMigrationsHistory";

    internal override IReadOnlyList<string> Columns => ["MigrationId", "ProductVersion"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    internal override string Query(ForeignTable table) => $"SELECT \"MigrationId\"::text FROM {table.Name} ORDER BY 1";

    internal override ForeignMigration Read(NpgsqlDataReader row) => new() { Key = row.GetString(0), Title = row.GetString(0) };

    internal override string KeyOf(MigrationFile file) => Path.GetFileNameWithoutExtension(file.Path);
}
