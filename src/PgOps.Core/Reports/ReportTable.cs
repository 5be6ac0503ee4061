namespace PgOps.Core.Reports;

/// <summary>
/// One table: what the reference held and what was found; the latter and the verdict are null where nothing was compared.
/// </summary>
internal sealed record ReportTable(
    string Schema, string Name, PgTableVerdict? Verdict, long? ExpectedRows, long? FoundRows, string? ExpectedHash, string? FoundHash);
