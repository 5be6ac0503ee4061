namespace PgOps.Core.Reports;

/// <summary>What to report and where to.</summary>
public sealed record ExportReportRequest
{
    /// <summary>The files; each is written in the format of its ending, unless <see cref="Format"/> is given.</summary>
    public required IReadOnlyList<string> Paths { get; init => field = value.ToArray(); }

    /// <summary>The format of all files; null goes by their endings.</summary>
    public PgReportFormat? Format { get; init; }

    /// <summary>The title; null makes one of the results.</summary>
    public string? Title { get; init; }

    /// <summary>Replaces files of somebody else's, too; an earlier report is always replaced.</summary>
    public bool Force { get; init; }

    /// <summary>What PgOps' operations gave, and exceptions.</summary>
    public IReadOnlyList<object> Records { get; init => field = value.ToArray(); } = [];
}
