using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Prisma 8: an entry in prisma_contract.ledger for each migration that was applied, under the name of its folder. The database's contract
/// stands in prisma_contract.marker. PgOps reads it and leaves it to Prisma (https://github.com/prisma/prisma-next).
/// </summary>
internal sealed class PrismaContractHistory : ForeignTool
{
    internal const string Schema = "prisma_contract";

    internal override PgMigrationTool? Tool => null;

    internal override string Title => "Prisma 8";

    internal override string DefaultTable => "ledger";

    internal override IReadOnlyList<string> Columns => ["origin_core_hash", "destination_core_hash", "operations", "created_at"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    /// <summary>Early entries have the contract that they lead to for a name; extensions' entries stand before the application's.</summary>
    internal override string Query(ForeignTable table) => $"""
        SELECT coalesce(name, 'contract ' || destination_core_hash::text), created_at, name IS NULL
        FROM (SELECT l.*, pg_catalog.to_jsonb(l) ->> 'migration_name' AS name, pg_catalog.to_jsonb(l) ->> 'space' AS place
            FROM {table.Name} l) l
        ORDER BY coalesce(place, 'app') = 'app', id
        """;

    internal override ForeignMigration Read(NpgsqlDataReader row)
    {
        var name = row.GetString(0);
        return new() { Key = name, Title = name, AppliedAt = Moment(row, 1), IsMark = row.GetBoolean(2) };
    }

    /// <summary>The name of the folder, which the operations' file lies in.</summary>
    internal override string KeyOf(MigrationFile file) => Path.GetFileName(Path.GetDirectoryName(file.Path))!;

    internal override bool Recognises(ForeignTable table) => base.Recognises(table) && IsLedger(table);

    /// <summary>Whether a table is Prisma 8's ledger, going by its name.</summary>
    internal static bool IsLedger(ForeignTable table) => table is { Schema: Schema, Table: "ledger" };
}
