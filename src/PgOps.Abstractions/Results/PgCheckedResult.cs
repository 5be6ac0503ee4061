namespace PgOps;

/// <summary>What a command found or did, as checks: the common part of every such result.</summary>
public abstract record PgCheckedResult
{
    /// <summary>
    /// Whether at least one check was made and none failed. A check that was not made says why and counts for nothing: a result without
    /// any made check has not passed.
    /// </summary>
    public virtual bool Passed
        => Checks.Any(check => check.Status == PgCheckStatus.Passed) && Checks.All(check => check.Status != PgCheckStatus.Failed);

    /// <summary>The checks, in the order they ran.</summary>
    public IReadOnlyList<PgCheck> Checks { get; init => field = value.ToArray(); } = [];

    /// <summary>What failed, in a sentence each; empty when nothing did.</summary>
    public string Problem => PgCheck.Problems(Checks);

    /// <summary>The names of the checks that were not made; each one's detail says why.</summary>
    public IReadOnlyList<string> NotMade => [.. Checks.Where(check => check.Status == PgCheckStatus.Skipped).Select(check => check.Name)];

    /// <summary>When it began, in UTC.</summary>
    public DateTime StartedAt { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }
}
