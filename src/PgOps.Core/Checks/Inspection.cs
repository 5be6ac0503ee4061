namespace PgOps.Core.Checks;

/// <summary>What came of looking for one kind.</summary>
/// <param name="Findings">What was found.</param>
/// <param name="NotSeen">What could not be looked at, and why; null when everything was.</param>
internal sealed record Inspection(IReadOnlyList<PgFinding> Findings, string? NotSeen = null);
