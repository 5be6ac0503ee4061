using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Prisma 8: an entry in prisma_contract.ledger for each migration that was applied, under the name of its folder. The database's contract
/// stands in prisma_contract.marker, also of one that was signed and never migrated, which has no ledger. PgOps reads them and leaves them
/// to Prisma (https://github.com/prisma/prisma-next).
/// </summary>
/// <param name="marker">Whether this is the marker, not the ledger.</param>
internal sealed class PrismaContractHistory(bool marker) : ForeignTool
{
    internal const string Schema = "prisma_contract";
    private const string Ledger = "ledger";
    private const string Marker = "marker";

    internal override PgMigrationTool? Tool => null;

    internal override string Title => "Prisma 8";

    internal override string DefaultTable => marker ? Marker : Ledger;

    internal override IReadOnlyList<string> Columns
        => marker ? ["core_hash", "profile_hash"] : ["origin_core_hash", "destination_core_hash", "operations", "created_at"];

    internal override IEqualityComparer<string> KeyOrder => StringComparer.Ordinal;

    /// <summary>Early entries have the contract that they lead to for a name; extensions' entries stand before the application's.</summary>
    internal override string Query(ForeignTable table) => marker
        ? $"""
        SELECT 'contract ' || core_hash, (pg_catalog.to_jsonb(m) ->> 'updated_at')::pg_catalog.timestamptz, true FROM {table.Name} m
        ORDER BY 1
        """
        : $"""
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

    internal override bool Recognises(ForeignTable table) => base.Recognises(table) && IsState(table) && table.Table == DefaultTable;

    /// <summary>Whether a table holds Prisma 8's state, going by its name.</summary>
    internal static bool IsState(ForeignTable table) => table is { Schema: Schema, Table: Ledger or Marker };

    /// <summary>Leaves the marker out where the ledger, which says more, stands beside it.</summary>
    internal static void PreferLedger(List<(ForeignTool Tool, ForeignTable Table)> found)
    {
        if (found.Exists(pair => pair.Tool is PrismaContractHistory && pair.Table.Table == Ledger))
        {
            found.RemoveAll(pair => pair.Tool is PrismaContractHistory && pair.Table.Table == Marker);
        }
    }
}
