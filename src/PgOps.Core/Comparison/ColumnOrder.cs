using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Comparison;

/// <summary>
/// In which order columns are read where the order is not part of what is compared: a table that inherits has its parents' columns in
/// another order once it was restored, when a parent got one later.
/// </summary>
internal static class ColumnOrder
{
    /// <summary>The same on every database.</summary>
    internal static DumpedTable ByName(DumpedTable table)
        => table.Inherits ? table with { Columns = [.. table.Columns.Order(StringComparer.Ordinal)] } : table;

    /// <summary>As the source had them.</summary>
    internal static Func<DumpedTable, DumpedTable> Of(PgBackupManifest manifest)
    {
        var orders = manifest.Tables.Where(table => table.Columns is not null)
            .ToDictionary(table => (table.Schema, table.Name), table => table.Columns!);
        return table => orders.TryGetValue((table.Schema, table.Name), out var order) && order.ToHashSet().SetEquals(table.Columns)
            ? table with { Columns = order }
            : table;
    }
}
