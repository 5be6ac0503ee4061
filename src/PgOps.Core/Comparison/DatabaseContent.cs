namespace PgOps.Core.Comparison;

/// <summary>What a database holds: counts and content hashes of its tables, positions of its sequences.</summary>
/// <param name="Tables">Every table whose rows pg_dump dumps, ordered by schema and name.</param>
/// <param name="Sequences">Every sequence, ordered by schema and name.</param>
/// <param name="LeftOut">What pg_dump leaves out on purpose, one sentence each.</param>
internal sealed record DatabaseContent(
    IReadOnlyList<PgTableFingerprint> Tables, IReadOnlyList<PgSequencePosition> Sequences, IReadOnlyList<string> LeftOut)
{
    /// <summary>Tables and sequences, quoted, whose content cannot be known: unlogged ones, where a standby was read.</summary>
    internal IReadOnlyList<string> Unlogged { get; init; } = [];

    /// <summary>What was in the way of reading, and what it means, one sentence or two each.</summary>
    internal IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>What the materialized views hold; null where nobody has looked.</summary>
    internal IReadOnlyList<PgMaterializedViewFingerprint>? MaterializedViews { get; init; }
}
