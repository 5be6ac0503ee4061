using Microsoft.Extensions.Logging;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Log messages: Histories and locks of other tools. docs/log-format.md lists them.</summary>
internal static partial class AdoptionLog
{
    [LoggerMessage(5301, LogLevel.Information, "Migrations imported from {Tool} ({Table}): {Count}")]
    internal static partial void HistoryImported(this ILogger log, int count, string tool, string table);

    [LoggerMessage(5302, LogLevel.Information, "Waiting: {Tool}'s lock is held: {Holder}")]
    internal static partial void WaitingForTool(this ILogger log, string tool, string holder);

    [LoggerMessage(5303, LogLevel.Information, "Changes taken in that {Tool} made meanwhile ({Table}): {Count}")]
    internal static partial void HistoryCaughtUp(this ILogger log, int count, string tool, string table);

    [LoggerMessage(5304, LogLevel.Information, "Rows written into {Tool}'s table ({Table}): {Count}")]
    internal static partial void ForeignRowsWritten(this ILogger log, int count, string tool, string table);
}
