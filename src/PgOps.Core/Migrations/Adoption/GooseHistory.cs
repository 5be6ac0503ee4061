using System.Globalization;
using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>goose: the newest row of a version tells whether it is applied; version 0 is the table's own first row.</summary>
internal sealed class GooseHistory : ForeignTool
{
    internal override PgMigrationTool? Tool => PgMigrationTool.Goose;

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

    internal override bool WorksBeside => true;

    /// <summary>No key keeps a version from being recorded twice, as it would be when goose runs it at the same time.</summary>
    internal override IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file)
        => [new(
            $"""
            INSERT INTO {table.Name} (version_id, is_applied) SELECT $2::bigint, true FROM h
            WHERE (SELECT g.is_applied FROM {table.Name} g WHERE g.version_id = $2::bigint ORDER BY g.id DESC LIMIT 1) IS NOT TRUE
            """,
            [Number(file)])];

    internal override IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before)
        => [new($"DELETE FROM {table.Name} WHERE version_id = $2::bigint", [Number(file)])];
}
