namespace PgOps;

/// <summary>How a check ended.</summary>
public enum PgCheckStatus
{
    /// <summary>Looked at and found right.</summary>
    Passed,

    /// <summary>Looked at and found wrong.</summary>
    Failed,

    /// <summary>Not looked at; the detail says why. Never counted as passed.</summary>
    Skipped,
}

/// <summary>One check of a test, with what was expected and what was found.</summary>
public sealed record PgCheck
{
    /// <summary>Short name, stable between versions, for example <c>row-counts</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How it ended.</summary>
    public required PgCheckStatus Status { get; init; }

    /// <summary>What was found, in one sentence; for a failure also what to do.</summary>
    public string Detail { get; init; } = "";

    /// <summary>How long the check took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Whether nothing but what pg_dump leaves out of the schema public differs.</summary>
    internal bool IsLeftOutByDump { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Detail.Length == 0 ? $"{Name}: {Status}" : $"{Name}: {Status}: {Detail}";

    /// <summary>What failed among checks, in a sentence each.</summary>
    internal static string Problems(IEnumerable<PgCheck> checks)
        => string.Join("; ", checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => check.Detail));

    /// <summary>A passed check.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="detail">What was found.</param>
    /// <returns>The check.</returns>
    public static PgCheck Pass(string name, string detail) => new() { Name = name, Status = PgCheckStatus.Passed, Detail = detail };

    /// <summary>A failed check.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="detail">What was found and what to do.</param>
    /// <returns>The check.</returns>
    public static PgCheck Fail(string name, string detail) => new() { Name = name, Status = PgCheckStatus.Failed, Detail = detail };

    /// <summary>A check that was not made.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="detail">Why not.</param>
    /// <returns>The check.</returns>
    public static PgCheck Skip(string name, string detail) => new() { Name = name, Status = PgCheckStatus.Skipped, Detail = detail };
}
