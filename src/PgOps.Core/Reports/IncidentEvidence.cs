namespace PgOps.Core.Reports;

/// <summary>What the records say about an incident, gathered from all sources. All text in it is clean.</summary>
internal sealed class IncidentEvidence
{
    internal List<IncidentEvent> Events { get; } = [];

    /// <summary>What failed and with which words: where the search for the cause begins.</summary>
    internal List<string> Failures { get; } = [];

    /// <summary>What was undone, restored or applied again.</summary>
    internal List<string> Repairs { get; } = [];

    /// <summary>How much could be brought back.</summary>
    internal List<string> DataLoss { get; } = [];

    /// <summary>What was read, and whether it can be trusted.</summary>
    internal List<string> Sources { get; } = [];

    /// <summary>What the records show to have been missing.</summary>
    internal List<string> Gaps { get; } = [];
}
