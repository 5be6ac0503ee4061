using System.Globalization;
using Npgsql;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Hasura's command line up to its configuration version 2: a table of golang-migrate's shape in Hasura's own schema, with a row for each
/// migration where golang-migrate has one for all. Since version 3 the state is part of Hasura's metadata.
/// </summary>
internal sealed class HasuraHistory : ForeignTool
{
    internal const string Schema = "hdb_catalog";

    internal override PgMigrationTool? Tool => PgMigrationTool.Hasura;

    internal override string Title => "Hasura";

    internal override string DefaultTable => "schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version", "dirty"];

    internal override string Query(ForeignTable table) => $"SELECT version, dirty FROM {table.Name} ORDER BY version";

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var version = row.GetInt64(0).ToString(CultureInfo.InvariantCulture);
        return new() { Key = version, Title = version, Failed = row.GetBoolean(1) };
    }

    internal override bool Recognises(ForeignTable table) => base.Recognises(table) && table.Schema == Schema;
}
