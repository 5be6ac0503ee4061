namespace PgOps.Core.Reports;

/// <summary>How a result counts. Incomplete is what was not refuted but not looked at in full either: never a pass.</summary>
internal enum ReportOutcome
{
    Passed,
    Incomplete,
    Failed,
}

/// <summary>What every format is written from; its JSON form is <c>pgops-report/1</c>. All text in it is clean (<see cref="ReportText"/>).</summary>
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

/// <summary>One more thing that is known.</summary>
/// <param name="Name">Stable, camelCase.</param>
/// <param name="Value">Text, a number, a truth value, a time in UTC or a span.</param>
internal sealed record ReportFact(string Name, object Value);

/// <summary>One table: what the reference held and what was found; the latter and the verdict are null where nothing was compared.</summary>
internal sealed record ReportTable(
    string Schema, string Name, PgTableVerdict? Verdict, long? ExpectedRows, long? FoundRows, string? ExpectedHash, string? FoundHash);

/// <summary>One migration and what became of it.</summary>
internal sealed record ReportMigration(
    string Version, string Name, string State, DateTime? AppliedAt, TimeSpan? Duration, string? AppliedBy, string? Checksum, string? BackupId);
