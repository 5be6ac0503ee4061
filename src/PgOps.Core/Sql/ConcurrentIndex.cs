namespace PgOps.Core.Sql;

/// <summary>The index that a CREATE INDEX CONCURRENTLY builds, in names as the catalog holds them.</summary>
/// <param name="Schema">The table's schema, which is the index's too; null when search_path decides.</param>
/// <param name="Name">The index; null when the server is to choose a name.</param>
/// <param name="Table">The table.</param>
/// <param name="IfNotExists">Whether IF NOT EXISTS is given, under which an INVALID index of that name is passed over.</param>
internal sealed record ConcurrentIndex(string? Schema, string? Name, string Table, bool IfNotExists);
