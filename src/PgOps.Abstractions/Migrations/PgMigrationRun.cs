namespace PgOps;

/// <summary>What <c>Invoke-PgMigration</c> or <c>Undo-PgMigration</c> did to one target.</summary>
public sealed record PgMigrationRun
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The schema that was migrated for itself or that the target names; null when there is none.</summary>
    public string? Schema => Target.Schema;

    /// <summary>The migrations applied by this run, oldest first; empty when nothing was pending.</summary>
    public IReadOnlyList<PgMigration> Applied { get; init => field = value.ToArray(); } = [];

    /// <summary>The migrations recorded as baseline by this run.</summary>
    public IReadOnlyList<PgMigration> Baselined { get; init => field = value.ToArray(); } = [];

    /// <summary>The migrations undone by this run, newest first.</summary>
    public IReadOnlyList<PgMigration> Reverted { get; init => field = value.ToArray(); } = [];

    /// <summary>What the run did, in two words: <c>3 applied</c>, <c>2 recorded</c>, <c>1 undone</c>, <c>nothing</c>.</summary>
    public string Done => Reverted.Count > 0 ? $"{Reverted.Count} undone"
        : Baselined.Count > 0 ? $"{Baselined.Count} recorded"
        : Applied.Count > 0 ? $"{Applied.Count} applied"
        : "nothing";

    /// <summary>Newest version before the run; null when there was none.</summary>
    public string? FromVersion { get; init; }

    /// <summary>Newest version after the run; null when there is none.</summary>
    public string? ToVersion { get; init; }

    /// <summary>Migrations that are still pending, because of <c>-ToVersion</c>.</summary>
    public int StillPending { get; init; }

    /// <summary>Statements run.</summary>
    public int Statements { get; init; }

    /// <summary>Time waited for another migrator.</summary>
    public TimeSpan LockWait { get; init; }

    /// <summary>Time in all.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Id of the proven backup behind the run; null when there was none.</summary>
    public string? BackupId { get; init; }
}
