namespace PgOps;

/// <summary>How thoroughly a drill looks at the B-tree indexes of the restored copy, by the extension amcheck.</summary>
public enum PgIndexCheck
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>
    /// Every index's structure; for the smaller ones, 128 MiB of tables and indexes in all, also that every row is in it.
    /// </summary>
    Quick,

    /// <summary>Every index's structure, and that every row is in it: reads each table once for each of its indexes.</summary>
    Full,
}
