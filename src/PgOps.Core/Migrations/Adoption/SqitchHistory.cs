using System.Security.Cryptography;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Sqitch. Its deploy scripts have no numbers, because its plan orders them: they are found by the name behind the number that they
/// get in a folder for PgOps (deploy/orders.sql becomes 003_orders.sql).
/// </summary>
internal sealed class SqitchHistory : ForeignTool
{
    private const long LockKey = 75474063;

    internal override PgMigrationTool? Tool => PgMigrationTool.Sqitch;

    internal override string Title => "Sqitch";

    internal override string DefaultTable => "changes";

    internal override IReadOnlyList<string> Columns => ["change_id", "script_hash", "change", "project", "committed_at"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    internal override bool WaitsInStatement => true;

    internal override string Query(ForeignTable table)
        => $"SELECT change::text, script_hash::text, committed_at FROM {table.Name} ORDER BY committed_at, change";

    internal override ForeignMigration Read(NpgsqlDataReader row) => new()
    {
        Key = row.GetString(0),
        Title = row.GetString(0),
        Checksum = Text(row, 1),
        AppliedAt = Moment(row, 2),
    };

    internal override IReadOnlyList<long> LockKeys(ForeignTable table) => [LockKey];

    internal override string KeyOf(MigrationFile file) => file.Name;

#pragma warning disable CA5350 // Sqitch's own hash; it is compared, nothing rests on its strength
#pragma warning disable CA1308 // hex digests are written in lower case everywhere else
    internal override IReadOnlyList<string> Checksums(byte[] script)
        => LineEnds.Forms(script).Select(form => Hex.Of(SHA1.HashData(form))).Distinct().ToList();
#pragma warning restore CA1308
#pragma warning restore CA5350
}
