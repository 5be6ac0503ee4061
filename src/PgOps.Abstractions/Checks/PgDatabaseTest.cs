namespace PgOps;

/// <summary>How much a finding weighs.</summary>
public enum PgFindingSeverity
{
    /// <summary>To be seen to; the test can pass.</summary>
    Warning,

    /// <summary>Wrong: the test does not pass.</summary>
    Error,
}

/// <summary>One thing that <c>Test-PgDatabase</c> found.</summary>
public sealed record PgFinding
{
    /// <summary>What was looked for.</summary>
    public required PgFindingKind Kind { get; init; }

    /// <summary>How much it weighs.</summary>
    public required PgFindingSeverity Severity { get; init; }

    /// <summary>The object, quoted as in SQL, for example <c>public.orders_customer</c>.</summary>
    public required string Object { get; init; }

    /// <summary>What is wrong with it, as the rest of a sentence that begins with the object.</summary>
    public required string Problem { get; init; }

    /// <summary>What to do next.</summary>
    public string NextStep { get; init; } = "";

    /// <inheritdoc/>
    public override string ToString() => $"{Object} {Problem}";
}

/// <summary>What <c>Test-PgDatabase</c> found in one database.</summary>
public sealed record PgDatabaseTest
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>Whether something was looked at and nothing failed. Warnings alone do not fail a test.</summary>
    public bool Passed => Checks.Any(check => check.Status == PgCheckStatus.Passed) && Checks.All(check => check.Status != PgCheckStatus.Failed);

    /// <summary>One check for each kind that was asked for, then the user's own, named <c>check: …</c>.</summary>
    public IReadOnlyList<PgCheck> Checks { get; init => field = value.ToArray(); } = [];

    /// <summary>All that was found, errors and warnings.</summary>
    public IReadOnlyList<PgFinding> Findings { get; init => field = value.ToArray(); } = [];

    /// <summary>How many of the findings are errors.</summary>
    public int Errors => Findings.Count(finding => finding.Severity == PgFindingSeverity.Error);

    /// <summary>How many of the findings are warnings.</summary>
    public int Warnings => Findings.Count(finding => finding.Severity == PgFindingSeverity.Warning);

    /// <summary>Kinds that were not asked for, by -Skip or -Only, or because nothing says what to expect.</summary>
    public IReadOnlyList<PgFindingKind> LeftOut { get; init => field = value.ToArray(); } = [];

    /// <summary>The checks that failed, by name.</summary>
    public IReadOnlyList<string> Failed => [.. Checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => check.Name)];

    /// <summary>The checks that could not be made, by name.</summary>
    public IReadOnlyList<string> NotMade => [.. Checks.Where(check => check.Status == PgCheckStatus.Skipped).Select(check => check.Name)];

    /// <summary>When the test began, in UTC.</summary>
    public DateTime StartedAt { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The server's version, for example 15.18.</summary>
    public string ServerVersion { get; init; } = "";
}
