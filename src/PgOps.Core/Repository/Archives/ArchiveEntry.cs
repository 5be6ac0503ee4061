namespace PgOps.Core.Repository.Archives;

/// <summary>A table's data in an archive.</summary>
/// <param name="Oid">The table's oid in the source.</param>
/// <param name="Name">Schema, name and owner, as the list writes them.</param>
/// <param name="Line">The list's line.</param>
internal sealed record ArchiveEntry(uint Oid, string Name, string Line);
