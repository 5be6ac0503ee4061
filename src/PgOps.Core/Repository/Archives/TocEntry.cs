namespace PgOps.Core.Repository.Archives;

/// <summary>One entry of an archive's table of contents.</summary>
internal sealed class TocEntry
{
    /// <summary>Its number, by which pg_restore's list names it.</summary>
    internal required int Id { get; init; }

    /// <summary>What it is, in pg_dump's words: TABLE, TABLE DATA, FK CONSTRAINT…</summary>
    internal required string Kind { get; init; }

    /// <summary>Its schema; "-" when it lies in none.</summary>
    internal required string Schema { get; init; }

    /// <summary>Its name without the owner; of what belongs to a table often the table's name, a space and its own.</summary>
    internal required string Name { get; init; }

    /// <summary>The entries it needs, by number.</summary>
    internal List<int> Needs { get; } = [];

    /// <summary>Whether it is something that a user selects from.</summary>
    internal bool IsRelation => Kind is "TABLE" or "VIEW" or "MATERIALIZED VIEW" or "FOREIGN TABLE" or "SEQUENCE";

    /// <summary>Whether it is content, not definition.</summary>
    internal bool IsData => Kind is "TABLE DATA" or "MATERIALIZED VIEW DATA" or "SEQUENCE SET" or "BLOBS" or "STATISTICS DATA";

    /// <summary>Whether it fills what the definitions have made; materialized views and the planner's statistics come later.</summary>
    internal bool IsRows => Kind is "TABLE DATA" or "SEQUENCE SET" or "BLOB" or "BLOB METADATA" or "BLOBS";

    /// <summary>Whether it sets how the rest is to be read.</summary>
    internal bool IsFrame => Kind is "ENCODING" or "STDSTRINGS" or "SEARCHPATH";

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Schema} {Name}";
}
