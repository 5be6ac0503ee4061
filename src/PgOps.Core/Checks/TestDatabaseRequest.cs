using PgOps.Core.Checks.User;

namespace PgOps.Core.Checks;

/// <summary>Which database to test, and for what.</summary>
public sealed record TestDatabaseRequest
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>A backup's manifest, which says which tables, columns and policies must be there; null for none.</summary>
    public PgBackupManifest? Manifest { get; init; }

    /// <summary>A file that says what must be there (docs/expectations.md); null for none.</summary>
    public string? Expectations { get; init; }

    /// <summary>The kinds to look for; empty for all that can be looked for.</summary>
    public IReadOnlyList<PgFindingKind> Only { get; init => field = value.ToArray(); } = [];

    /// <summary>Kinds not to look for.</summary>
    public IReadOnlyList<PgFindingKind> Skip { get; init => field = value.ToArray(); } = [];

    /// <summary>Kinds whose findings are all errors.</summary>
    public IReadOnlyList<PgFindingKind> AsError { get; init => field = value.ToArray(); } = [];

    /// <summary>Kinds whose findings are all warnings.</summary>
    public IReadOnlyList<PgFindingKind> AsWarning { get; init => field = value.ToArray(); } = [];

    /// <summary>From where on something is found.</summary>
    public DatabaseThresholds Thresholds { get; init; } = DatabaseThresholds.Default;

    /// <summary>The user's own checks.</summary>
    public IReadOnlyList<UserCheck> Checks { get; init => field = value.ToArray(); } = [];

    /// <summary>Time allowed for each of these.</summary>
    public TimeSpan CheckTimeout { get; init; } = UserChecks.DefaultTimeout;
}
