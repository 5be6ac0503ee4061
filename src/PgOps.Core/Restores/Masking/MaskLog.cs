using Microsoft.Extensions.Logging;

namespace PgOps.Core.Restores.Masking;

/// <summary>Log messages: Masked copies. docs/log-format.md lists them.</summary>
internal static partial class MaskLog
{
    [LoggerMessage(7101, LogLevel.Warning, "{Check}: {Detail}")]
    internal static partial void MaskCheckFailed(this ILogger log, string check, string? detail);
}
