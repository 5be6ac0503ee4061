namespace PgOps.Core.Reports;

/// <summary>One record that came down the pipeline.</summary>
internal sealed record ReportResult
{
    /// <summary>The record's type without its prefix, with hyphens: drill, backup-test, migration-run.</summary>
    public required string Kind { get; init; }

    /// <summary>What it is about: a database, a target.</summary>
    public required string Subject { get; init; }

    public required string Title { get; init; }

    public required ReportOutcome Outcome { get; init; }

    /// <summary>The verdict in words.</summary>
    public required string Summary { get; init; }

    public DateTime? StartedAt { get; init; }

    /// <summary>Written as seconds.</summary>
    public TimeSpan? Duration { get; init; }

    public IReadOnlyList<ReportFact> Facts { get; init; } = [];

    public IReadOnlyList<PgCheck> Checks { get; init; } = [];

    public IReadOnlyList<ReportTable> Tables { get; init; } = [];

    public IReadOnlyList<ReportMigration> Migrations { get; init; } = [];

    /// <summary>Warnings and what was left out, a sentence each.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];
}
