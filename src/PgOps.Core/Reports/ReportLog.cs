using Microsoft.Extensions.Logging;

namespace PgOps.Core.Reports;

/// <summary>Log messages: Reports. docs/log-format.md lists them.</summary>
internal static partial class ReportLog
{
    [LoggerMessage(9001, LogLevel.Debug, "Wrote {File}")]
    internal static partial void ReportWritten(this ILogger log, string file);

    [LoggerMessage(9002, LogLevel.Debug, "Wrote {File}")]
    internal static partial void PostmortemWritten(this ILogger log, string file);
}
