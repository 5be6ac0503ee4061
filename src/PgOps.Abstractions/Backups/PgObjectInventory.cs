namespace PgOps;

/// <summary>The schema objects of a database at a backup's snapshot, each told by the hash of its definition.</summary>
public sealed record PgObjectInventory
{
    /// <summary>The queries that this PgOps describes objects with; hashes of another number are not comparable.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The number of the queries it was made with.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>
    /// By kind (table, column, index, owner…) and name: the first 16 hex digits of the SHA-256 of the definition, with <c>~</c> before
    /// them where it holds a query.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Kinds { get; init; }
        = new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>The number of objects.</summary>
    public int Count => Kinds.Values.Sum(kind => kind.Count);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Count:N0} objects");
}
