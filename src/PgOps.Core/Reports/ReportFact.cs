namespace PgOps.Core.Reports;

/// <summary>One more thing that is known.</summary>
/// <param name="Name">Stable, camelCase.</param>
/// <param name="Value">Text, a number, a truth value, a time in UTC or a span.</param>
internal sealed record ReportFact(string Name, object Value);
