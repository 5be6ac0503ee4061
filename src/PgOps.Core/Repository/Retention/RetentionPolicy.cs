namespace PgOps.Core.Repository.Retention;

/// <summary>
/// Which complete backups of a database to keep. Whole backups have these rules for themselves, and so has each kind of part. Each rule
/// looks at all of them for itself; what one of them keeps stays. Days, weeks, months and years are those of UTC, weeks those of ISO
/// 8601; of each period the newest backup counts.
/// </summary>
public sealed record RetentionPolicy
{
    /// <summary>The newest ones, by number.</summary>
    public int? KeepLast { get; init; }

    /// <summary>The newest of each of the last days that have a backup.</summary>
    public int? KeepDaily { get; init; }

    /// <summary>The newest of each of the last ISO weeks that have a backup.</summary>
    public int? KeepWeekly { get; init; }

    /// <summary>The newest of each of the last months that have a backup.</summary>
    public int? KeepMonthly { get; init; }

    /// <summary>The newest of each of the last years that have a backup.</summary>
    public int? KeepYearly { get; init; }

    /// <summary>
    /// All that are not older than this, counted back from the newest one, not from now: a job that stopped loses no history.
    /// </summary>
    public TimeSpan? KeepWithin { get; init; }

    /// <summary>
    /// Bytes that the kept whole backups of one database may have together, and so each kind of part: beyond it the oldest go, guarded
    /// ones excepted. What a label or a hold keeps does not count.
    /// </summary>
    public long? MaxBytes { get; init; }

    /// <summary>Treats a labelled backup as any other; without it none of these rules removes one.</summary>
    public bool IncludeLabelled { get; init; }

    /// <summary>Whether a rule says what to keep.</summary>
    internal bool Keeps => KeepLast is not null || KeepDaily is not null || KeepWeekly is not null || KeepMonthly is not null
        || KeepYearly is not null || KeepWithin is not null;

    /// <summary>Whether there is any rule at all.</summary>
    internal bool HasRules => Keeps || MaxBytes is not null;
}
