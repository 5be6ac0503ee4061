namespace PgOps;

/// <summary>A backup: a folder that Backup-PgDatabase made, or a dump made without PgOps.</summary>
public sealed record PgBackup
{
    /// <summary>How far a snapshot may lie after now before its time is held to be wrong.</summary>
    internal static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    /// <summary>Unique id, the manifest's; empty when there is none.</summary>
    public required string Id { get; init; }

    /// <summary>The database it is of.</summary>
    public required string Database { get; init; }

    /// <summary>The backup's folder, its URI in a store, or a foreign dump's file or folder.</summary>
    public required string Path { get; init; }

    /// <summary>Where its files were fetched to, while somebody works with them; null otherwise.</summary>
    internal string? FetchedTo { get; init; }

    /// <summary>Where its files can be read on this machine.</summary>
    internal string Folder => FetchedTo ?? Path;

    /// <summary>Whether it was made without PgOps: there is no manifest to compare a restored copy with, so no drill proves it.</summary>
    public bool Foreign { get; init; }

    /// <summary>
    /// custom or directory; a foreign dump's also tar or plain, and what it is packed in (plain.gz, custom.zst, xz); empty when it cannot
    /// be told.
    /// </summary>
    public required string Format { get; init; }

    /// <summary>When its snapshot was taken, in UTC; of a foreign dump what its header says, else when the file was last written.</summary>
    public required DateTime SnapshotAt { get; init; }

    /// <summary>Bytes of all its files.</summary>
    public long Bytes { get; init; }

    /// <summary>
    /// Whether it looks complete: manifest, list of hashes and a payload of the recorded size are there, or a foreign dump's header
    /// and end. <c>Test-PgBackup</c> looks deeper.
    /// </summary>
    public bool Complete { get; init; }

    /// <summary>Whether the ledger beside it holds a passed drill of exactly this backup.</summary>
    public bool Proven { get; init; }

    /// <summary>When that drill passed, in UTC.</summary>
    public DateTime? ProvenAt { get; init; }

    /// <summary>How it was proven, in words; null when it is not.</summary>
    public string? ProvenBy { get; init; }

    /// <summary>Why it is not complete; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>
    /// What chose the part of the database that it holds, in pg_dump's arguments; null for the whole database, and for a foreign dump,
    /// of which nothing says whether it is whole.
    /// </summary>
    public string? Part => Manifest?.Part;

    /// <summary>The label it was given; null for none.</summary>
    public string? Label => Manifest?.Label;

    /// <summary>Until when it is held, in UTC: no rule of Remove-PgBackup removes it before. Null when it is not held.</summary>
    public DateTime? KeepUntil { get; init; }

    /// <summary>Whether it is known to hold the whole database.</summary>
    internal bool IsWhole => Complete && !Foreign && Manifest is { Part: null };

    /// <summary>Whether it is dated so far after now that a clock must have been wrong: such a time orders nothing.</summary>
    internal bool IsAhead(DateTime now) => SnapshotAt - now > ClockTolerance;

    /// <summary>Whether its removal was interrupted.</summary>
    internal bool RemovalBegun { get; init; }

    /// <summary>The manifest; null when it cannot be read.</summary>
    public PgBackupManifest? Manifest { get; init; }

    /// <summary>The database it was taken from, when it was taken in this session; null for a backup read from a folder.</summary>
    public PgTarget? Source { get; init; }

    /// <summary>Warnings of pg_dump and remarks of the backup.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = value.ToArray(); } = [];

    /// <summary>What fingerprinting each table took, the longest first, when it was taken in this session.</summary>
    public IReadOnlyList<PgTableCost> FingerprintCost { get; init => field = value.ToArray(); } = [];

    /// <summary>How long it took; null for a backup read from a folder.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Age of the data: time since the snapshot.</summary>
    public TimeSpan Age => DateTime.UtcNow - SnapshotAt;

    /// <summary>
    /// How far it can be relied on: damaged, foreign (made without PgOps), part (of a database, proven or not), unproven or proven.
    /// </summary>
    public string State => !Complete ? "damaged" : Foreign ? "foreign" : Part is not null ? "part" : Proven ? "proven" : "unproven";

    /// <inheritdoc/>
    public override string ToString() => Path;
}

/// <summary>What fingerprinting a table took.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Duration">Time spent on it, in the source and in the archive; tables are read side by side.</param>
public sealed record PgTableCost(string Schema, string Name, TimeSpan Duration)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Schema}.{Name}: {Duration.TotalSeconds:0.00} s");
}

/// <summary>What <c>Test-PgBackup</c> found.</summary>
public sealed record PgBackupTest : PgCheckedResult
{
    /// <summary>The backup.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The database it is of.</summary>
    public string Database => Backup.Database;

    /// <summary>Files read.</summary>
    public int Files { get; init; }

    /// <summary>Bytes read.</summary>
    public long Bytes { get; init; }
}
