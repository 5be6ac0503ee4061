using System.IO.Hashing;
using System.Text;
using Npgsql;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Rails' Active Record, whose migrations were turned into SQL files of the same versions.</summary>
internal sealed class RailsHistory : ForeignTool
{
    private const long LockSalt = 2053462845;

    internal override PgMigrationTool? Tool => PgMigrationTool.Rails;

    internal override string Title => "Rails";

    internal override string DefaultTable => "schema_migrations";

    internal override IReadOnlyList<string> Columns => ["version"];

    internal override string Query(ForeignTable table) => $"SELECT version::text FROM {table.Name} ORDER BY version";

    internal override ForeignMigration Read(NpgsqlDataReader row) => new() { Key = row.GetString(0), Title = row.GetString(0) };

    internal override IReadOnlyList<long> LockKeys(ForeignTable table)
        => [unchecked(LockSalt * Crc32.HashToUInt32(Encoding.UTF8.GetBytes(table.Database)))];

    internal override bool Recognises(ForeignTable table)
        => base.Recognises(table) && !table.Columns.Contains("dirty") && table.BesideRailsMetadata;
}
