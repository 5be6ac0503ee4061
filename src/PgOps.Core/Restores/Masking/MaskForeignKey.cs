namespace PgOps.Core.Restores.Masking;

/// <summary>A foreign key of the copy; those of partitions come with their parent's.</summary>
internal sealed record MaskForeignKey(uint Oid, string Name, string Table, string Definition, string? Comment,
    uint Referencing, IReadOnlyList<short> ReferencingColumns, uint Referenced, IReadOnlyList<short> ReferencedColumns);
