namespace PgOps.Core.Postgres.Catalog;

/// <summary>A COPY that runs at this moment.</summary>
/// <param name="Oid">The table.</param>
/// <param name="Schema">Its schema; empty for a COPY of a query.</param>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Bytes read or written so far, as text.</param>
/// <param name="Rows">Rows read or written so far.</param>
internal sealed record RunningCopy(uint Oid, string Schema, string Name, long Bytes, long Rows);
