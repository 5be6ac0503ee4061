namespace PgOps.Core.Reports;

/// <summary>One line of the timeline.</summary>
internal sealed record IncidentEvent(DateTime At, string Source, string What);
