namespace PgOps.Core.Reports;

/// <summary>
/// What every format is written from; its JSON form is <c>pgops-report/1</c>. All text in it is clean (<see cref="ReportText"/>).
/// </summary>
internal sealed record Report
{
    public string Format => ReportMark.Format;

    public required string Title { get; init; }

    /// <summary>The worst of the results.</summary>
    public ReportOutcome Outcome => Results.Max(result => result.Outcome);

    /// <summary>The verdict over all, in one sentence.</summary>
    public required string Summary { get; init; }

    public required DateTime CreatedAt { get; init; }

    /// <summary>The operating system user.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>The machine.</summary>
    public required string CreatedOn { get; init; }

    public required string PgOpsVersion { get; init; }

    public required IReadOnlyList<ReportResult> Results { get; init; }
}
