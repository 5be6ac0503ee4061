using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>A table whose rows pg_dump dumps.</summary>
internal sealed record DumpedTable
{
    /// <summary>Schema.</summary>
    internal required string Schema { get; init; }

    /// <summary>Table.</summary>
    internal required string Name { get; init; }

    /// <summary>Its oid.</summary>
    internal required uint Oid { get; init; }

    /// <summary>The columns that are dumped, in order; generated ones are not.</summary>
    internal required IReadOnlyList<string> Columns { get; init; }

    /// <summary>
    /// The stored generated columns, in order. pg_dump leaves them out, a restore computes them anew. Virtual ones are not stored: they are
    /// computed when read, and the server takes for them only what the row and the definition decide.
    /// </summary>
    internal IReadOnlyList<string> Generated { get; init; } = [];

    /// <summary>Bytes with indexes and TOAST.</summary>
    internal long Bytes { get; init; }

    /// <summary>Whether the role may read it at all.</summary>
    internal bool Readable { get; init; }

    /// <summary>Whether row-level security would hide rows from the role.</summary>
    internal bool HidesRows { get; init; }

    /// <summary>The condition under which an extension wants the rows of its configuration table dumped; empty for all rows.</summary>
    internal string Condition { get; init; } = "";

    /// <summary>Whether it inherits columns. A restore brings them in the order of the parents as they are by then.</summary>
    internal bool Inherits { get; init; }

    /// <summary>
    /// Schema and name of the partitioned table that pg_dump loads this partition through; null where it loads it directly.
    /// </summary>
    internal (string Schema, string Name)? Root { get; init; }

    /// <summary>Whether it stands for the large objects, which COPY alone does not write.</summary>
    internal bool IsLargeObjects { get; init; }

    /// <summary>Quoted name.</summary>
    internal string Qualified => Quote.Qualified(Schema, Name);

    /// <summary>Counts the rows that are dumped.</summary>
    internal string CountStatement
        => IsLargeObjects ? $"SELECT count(*) FROM ({LargeObjects}) o" : $"SELECT count(*) FROM ONLY {Qualified} {Condition}";

    /// <summary>
    /// COPY exactly as pg_dump writes it, and behind that the stored generated columns, which COPY takes from a query alone. Without any
    /// column there is no list, and each row is an empty line.
    /// </summary>
    internal string CopyStatement => IsLargeObjects
        ? $"COPY ({LargeObjects}) TO STDOUT"
        : Condition.Length > 0 || Generated.Count > 0
            ? Selected([.. Columns, .. Generated])
            : Columns.Count == 0
                ? $"COPY {Qualified} TO STDOUT"
                : $"COPY {Qualified} ({List(Columns)}) TO STDOUT";

    /// <summary>COPY of the stored generated columns alone.</summary>
    internal string CopyGeneratedStatement => Selected(Generated);

    /// <summary>
    /// COPY of the rows that the table's extension brought and no dump holds: all that do not meet its condition. Null where it has none.
    /// </summary>
    internal string? CopyShippedStatement => Condition.StartsWith("WHERE", StringComparison.OrdinalIgnoreCase)
        ? $"COPY (SELECT {List(Columns)} FROM ONLY {Qualified} WHERE (({Condition["WHERE".Length..]})) IS NOT TRUE) TO STDOUT"
        : null;

    private string Selected(IEnumerable<string> columns) => $"COPY (SELECT {List(columns)} FROM ONLY {Qualified} {Condition}) TO STDOUT";

    private static string List(IEnumerable<string> columns) => string.Join(", ", columns.Select(Quote.Identifier));

    /// <summary>
    /// Every large object in pieces of 64 KiB, an empty one as one empty piece: by its functions, for its pages are the superuser's
    /// alone and differ where it has holes. OFFSET keeps open, seek and close in this order; the object's own number in each of them
    /// keeps the planner from remembering (Memoize) the size of the last object that had the same descriptor.
    /// </summary>
    private static string LargeObjects => """
        SELECT m.oid, p.piece, pg_catalog.lo_get(m.oid, p.piece * 65536, 65536) AS data
        FROM pg_catalog.pg_largeobject_metadata m
        CROSS JOIN LATERAL (SELECT pg_catalog.lo_open(m.oid, 262144) AS fd OFFSET 0) f
        CROSS JOIN LATERAL (SELECT pg_catalog.lo_lseek64(f.fd, m.oid::bigint * 0, 2) AS size OFFSET 0) s
        CROSS JOIN LATERAL (SELECT pg_catalog.lo_close(f.fd) AS closed WHERE s.size + m.oid::bigint >= 0 OFFSET 0) c
        CROSS JOIN LATERAL pg_catalog.generate_series(0, greatest(s.size - 1, 0) / 65536) AS p(piece)
        """;
}
