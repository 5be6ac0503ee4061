using System.Globalization;
using Npgsql;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>goose: the newest row of a version tells whether it is applied; version 0 is the table's own first row.</summary>
internal sealed class GooseHistory : ForeignTool
{
    internal override PgMigrationTool Tool => PgMigrationTool.Goose;

    internal override string Title => "goose";

    internal override string DefaultTable => "goose_db_version";

    internal override IReadOnlyList<string> Columns => ["version_id", "is_applied", "tstamp"];

    internal override string Query(ForeignTable table) =>
        $"""
        SELECT version_id, tstamp FROM (
            SELECT DISTINCT ON (version_id) version_id, is_applied, tstamp, id FROM {table.Name} ORDER BY version_id, id DESC
        ) t WHERE is_applied AND version_id > 0 ORDER BY id
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var version = row.GetInt64(0).ToString(CultureInfo.InvariantCulture);
        return new() { Key = version, Title = version, AppliedAt = Moment(row, 1) };
    }

    /// <summary>The default of goose's session locker, in its first form and in the one after (it is off unless asked for).</summary>
    internal override IReadOnlyList<long> LockKeys(ForeignTable table) => [5887940537704921958, 4097083626];
}
