namespace PgOps;

/// <summary>What <c>Restore-PgDatabase</c> put in place.</summary>
public sealed record PgRestore : PgCheckedResult
{
    /// <summary>The backup restored.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The restored database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>Tables compared with the manifest and found equal; 0 for a foreign dump, which has none.</summary>
    public int TablesVerified { get; init; }

    /// <summary>Rows counted in them.</summary>
    public long Rows { get; init; }

    /// <summary>
    /// The schemas and tables that were asked for; empty when everything was restored. A part says nothing about the rest of the backup.
    /// </summary>
    public IReadOnlyList<string> Selection { get; init => field = value.ToArray(); } = [];

    /// <summary>Name under which a replaced database was kept; null when none was replaced.</summary>
    public string? ReplacedDatabase { get; init; }

    /// <summary>
    /// The columns masked after the comparison; empty unless a rules file was given. Such a database is a copy for staging: its comment
    /// says so, and no backup of it counts as proven.
    /// </summary>
    public IReadOnlyList<PgMaskedColumn> Masked { get; init => field = value.ToArray(); } = [];
}

/// <summary>What a restore drill (<c>Test-PgRestore</c>) found for one backup.</summary>
public sealed record PgDrill : PgCheckedResult
{
    // What a drill can fail at while the backup is as good as ever: the limits it is held against, and migrations that do not fit.
    private static readonly string[] BesidesTheBackup = [PgCheckName.Rehearsal, PgCheckName.RecoveryTime, PgCheckName.DataAge];

    /// <summary>The backup drilled.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The database.</summary>
    public string Database => Backup.Database;

    /// <summary>Whether the backup was restored, and no check failed. A drill that was not made has not passed.</summary>
    public override bool Passed => base.Passed && WasMade;

    /// <summary>
    /// Whether the backup was restored, and no check of it failed. A drill that failed at a limit (<c>recovery-time</c>, <c>data-age</c>)
    /// or at the <c>rehearsal</c> says nothing against its backup.
    /// </summary>
    public bool BackupPassed
        => WasMade && Checks.Any(check => check.Status == PgCheckStatus.Passed && !BesidesTheBackup.Contains(check.Name))
            && !Checks.Any(SpeaksAgainstBackup);

    /// <summary>
    /// Whether <see cref="BackupPassed"/>, and every table's content was compared: only then is the backup proven. A backup that was
    /// taken with counts alone, one of a masked copy, or a dump that PgOps did not make, can pass a drill but not be proven by it.
    /// </summary>
    public bool Proven => BackupPassed && ContentEqual && Backup.Manifest?.Facts.Masked is null;

    /// <summary>Whether the backup was restored, or shown not to be fit for it: else the drill says nothing of it.</summary>
    internal bool WasMade => Checks.Any(SpeaksAgainstBackup)
        || !Checks.Any(check => check is { Name: PgCheckName.Restore, Status: PgCheckStatus.Skipped });

    /// <summary>Whether a check failed that is one of the backup itself.</summary>
    internal static bool SpeaksAgainstBackup(PgCheck check)
        => check.Status == PgCheckStatus.Failed && !BesidesTheBackup.Contains(check.Name);

    /// <summary>Whether the content of every table was hashed on both sides and found equal.</summary>
    public bool ContentEqual { get; init; }

    /// <summary>One result per table.</summary>
    public IReadOnlyList<PgTableComparison> Tables { get; init => field = value.ToArray(); } = [];

    /// <summary>Tables that were compared.</summary>
    public int TablesCompared => Tables.Count(table => table.Verdict != PgTableVerdict.Counted);

    /// <summary>Rows restored.</summary>
    public long Rows { get; init; }

    /// <summary>
    /// From the first byte read to a verified, analysed database: fetching from a store, hashes, the start of the sandbox, restore,
    /// comparison, statistics. What only a drill does (<c>amcheck</c>, the rehearsal, the clean-up) is not in it.
    /// </summary>
    public TimeSpan RecoveryTime { get; init; }

    /// <summary>Age of the data when the drill began: what would be lost.</summary>
    public TimeSpan DataAge { get; init; }

    /// <summary>The server version drilled on.</summary>
    public string ServerVersion { get; init; } = "";

    /// <summary>
    /// The verdict in a word: Failed, Incomplete where a step was not made, Proven, or Passed where nothing was there to compare with.
    /// </summary>
    public string Result => !base.Passed ? "Failed" : NotMade.Count > 0 ? "Incomplete" : Proven ? "Proven" : "Passed";

    /// <summary>The first failed check and its detail, or why the backup was not restored; null when the drill passed.</summary>
    public string? Failure => (Checks.FirstOrDefault(check => check.Status == PgCheckStatus.Failed)
        ?? (Passed
            ? null
            : Checks.FirstOrDefault(check => check is { Name: PgCheckName.Restore, Status: PgCheckStatus.Skipped }))) is { } failed
        ? $"{failed.Name}: {failed.Detail}"
        : null;

    /// <summary>The backup's source, when it was taken in this session: what the next command of a pipeline acts on.</summary>
    public PgTarget? Target => Backup.Source;
}
