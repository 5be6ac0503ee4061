namespace PgOps.Core.Reports;

/// <summary>How a result counts. Incomplete is what was not refuted but not looked at in full either: never a pass.</summary>
internal enum ReportOutcome
{
    Passed,
    Incomplete,
    Failed,
}
