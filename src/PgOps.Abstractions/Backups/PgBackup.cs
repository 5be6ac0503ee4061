namespace PgOps;

/// <summary>A finished backup in its folder.</summary>
public sealed record PgBackup
{
    /// <summary>Unique id, the manifest's.</summary>
    public required string Id { get; init; }

    /// <summary>The database it is of.</summary>
    public required string Database { get; init; }

    /// <summary>The backup's folder, or its URI in a store.</summary>
    public required string Path { get; init; }

    /// <summary>Where its files were fetched to, while somebody works with them; null otherwise.</summary>
    internal string? FetchedTo { get; init; }

    /// <summary>Where its files can be read on this machine.</summary>
    internal string Folder => FetchedTo ?? Path;

    /// <summary>custom or directory.</summary>
    public required string Format { get; init; }

    /// <summary>When its snapshot was taken, in UTC.</summary>
    public required DateTime SnapshotAt { get; init; }

    /// <summary>Bytes of all its files.</summary>
    public long Bytes { get; init; }

    /// <summary>Whether its folder is complete: a manifest and a list of hashes are there. <c>Test-PgBackup</c> looks deeper.</summary>
    public bool Complete { get; init; }

    /// <summary>Whether the ledger beside it holds a passed drill of exactly this backup.</summary>
    public bool Proven { get; init; }

    /// <summary>When that drill passed, in UTC.</summary>
    public DateTime? ProvenAt { get; init; }

    /// <summary>Why it is not complete; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>The manifest; null when it cannot be read.</summary>
    public PgBackupManifest? Manifest { get; init; }

    /// <summary>The database it was taken from, when it was taken in this session; null for a backup read from a folder.</summary>
    public PgTarget? Source { get; init; }

    /// <summary>Warnings of pg_dump and remarks of the backup.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = value.ToArray(); } = [];

    /// <summary>How long it took; null for a backup read from a folder.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Age of the data: time since the snapshot.</summary>
    public TimeSpan Age => DateTime.UtcNow - SnapshotAt;

    /// <inheritdoc/>
    public override string ToString() => Path;
}

/// <summary>What <c>Test-PgBackup</c> found.</summary>
public sealed record PgBackupTest
{
    /// <summary>The backup.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>Whether every check passed.</summary>
    public bool Passed => Checks.Count > 0 && Checks.All(check => check.Status != PgCheckStatus.Failed);

    /// <summary>The checks, in the order they ran.</summary>
    public IReadOnlyList<PgCheck> Checks { get; init => field = value.ToArray(); } = [];

    /// <summary>Files read.</summary>
    public int Files { get; init; }

    /// <summary>Bytes read.</summary>
    public long Bytes { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }
}
