namespace PgOps;

/// <summary>The schema objects of a database at a backup's snapshot, each told by the hash of its definition.</summary>
public sealed record PgObjectInventory
{
    /// <summary>
    /// The queries that this PgOps describes objects with. Those of version 1 differ where PostgreSQL keeps options of its own among a
    /// column's (pg_attver): such columns are not compared. Hashes of any other number are not comparable.
    /// </summary>
    public const int CurrentVersion = 2;

    /// <summary>The most characters of a definition that is kept beside its hash.</summary>
    public const int LongestDefinition = 1000;

    /// <summary>The number of the queries it was made with.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>
    /// By kind (table, column, index, owner…) and name: the first 16 hex digits of the SHA-256 of the definition, with <c>~</c> before
    /// them where it holds a query.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Kinds { get; init; }
        = new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>
    /// By hash the definitions of up to <see cref="LongestDefinition"/> characters, to show them where they differ; null in what an older
    /// PgOps made, and in the readable manifest of an encrypted backup.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Definitions { get; init; }

    /// <summary>The number of objects.</summary>
    public int Count => Kinds.Values.Sum(kind => kind.Count);

    /// <inheritdoc/>
    public override string ToString() => PgAmount.Of(Count, "object");
}
