namespace PgOps.Core.Comparison;

/// <summary>What to compare with what.</summary>
public sealed record CompareDatabaseRequest
{
    /// <summary>The reference as a live database; null when the reference is a backup.</summary>
    public PgTarget? ReferenceTarget { get; init; }

    /// <summary>
    /// The reference as a backup: its manifest is compared, its payload is not read; null when the reference is a live database.
    /// </summary>
    public PgBackup? ReferenceBackup { get; init; }

    /// <summary>age's identity file, for an encrypted backup; gpg takes its keys from its own keyring.</summary>
    public string? Identity { get; init; }

    /// <summary>The database held against the reference; null when <see cref="DifferenceBackup"/> is.</summary>
    public PgTarget? Difference { get; init; }

    /// <summary>The backup whose manifest is held against the reference backup's; null when a database is.</summary>
    public PgBackup? DifferenceBackup { get; init; }

    /// <summary>Whether to find the rows in which tables differ. Only two live databases have rows.</summary>
    public bool Detailed { get; init; }

    /// <summary>How many differing rows to name of each table.</summary>
    public int MaxRows { get; init; } = 100;

    /// <summary>Schemas to leave out on both sides, names with * and ?. Each must fit one.</summary>
    public IReadOnlyList<string> ExcludedSchemas { get; init => field = value.ToArray(); } = [];

    /// <summary>Sessions to read each database with; null takes the number of processors, at most 8.</summary>
    public int? Jobs { get; init; }

    /// <summary>How long to wait for a lock that others hold on a table; null waits as long as it takes.</summary>
    public TimeSpan? LockTimeout { get; init; }
}
