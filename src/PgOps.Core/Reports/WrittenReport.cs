namespace PgOps.Core.Reports;

/// <summary>What became of a report.</summary>
/// <param name="Files">The files, in the request's order.</param>
/// <param name="Refusal">What is not good in it, as an error (CheckFailed); null when everything was made and passed.</param>
public sealed record WrittenReport(IReadOnlyList<FileInfo> Files, PgOpsException? Refusal);
