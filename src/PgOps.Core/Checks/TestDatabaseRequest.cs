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

/// <summary>From where on something is found.</summary>
public sealed record DatabaseThresholds
{
    /// <summary>The usual ones.</summary>
    public static DatabaseThresholds Default { get; } = new();

    /// <summary>Per cent of a sequence's numbers that are used up, from which it is a warning.</summary>
    public double SequenceWarning { get; init; } = 75;

    /// <summary>The same, for an error.</summary>
    public double SequenceError { get; init; } = 90;

    /// <summary>
    /// Per cent of the 2^31 transaction ids that are used up, from which it is a warning. Autovacuum begins at 9 per cent in its default
    /// settings, so half of all says that it does not keep up.
    /// </summary>
    public double WraparoundWarning { get; init; } = 50;

    /// <summary>The same, for an error. At about 75 the server itself leaves all else aside (vacuum_failsafe_age).</summary>
    public double WraparoundError { get; init; } = 75;

    /// <summary>How long the server must have counted before an index counts as unused. A report at the month's end may need it.</summary>
    public TimeSpan UnusedIndexAge { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes from which on an unused index is worth a warning.</summary>
    public long UnusedIndexSize { get; init; } = 1024 * 1024;
}
