namespace PgOps.Core.Common.Operations;

/// <summary>How the targets of a <see cref="FleetRun"/> ended.</summary>
/// <param name="Succeeded">Targets whose work ended well.</param>
/// <param name="Failed">Targets whose work failed; each was reported.</param>
/// <param name="NotBegun">Targets left untouched because another one failed; reported in one error.</param>
public sealed record FleetOutcome(
    IReadOnlyList<FleetTask> Succeeded, IReadOnlyList<FleetTask> Failed, IReadOnlyList<FleetTask> NotBegun);
