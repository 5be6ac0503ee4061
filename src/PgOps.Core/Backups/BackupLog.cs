using Microsoft.Extensions.Logging;

namespace PgOps.Core.Backups;

/// <summary>Log messages: Backups as they are made. docs/log-format.md lists them.</summary>
internal static partial class BackupLog
{
    [LoggerMessage(6001, LogLevel.Warning, "{Warning}")]
    internal static partial void BackupWarned(this ILogger log, string warning);

    [LoggerMessage(6002, LogLevel.Information,
        "The fingerprint ({Depth}) took {Seconds:0.00} s of {Total:0.00} s beside pg_dump "
        + "and {After:0.00} s after it, tables: {Tables}.")]
    internal static partial void FingerprintTook(
        this ILogger log, PgFingerprintDepth depth, double seconds, double total, double after, int tables);

    [LoggerMessage(6003, LogLevel.Information, "  {Seconds,8:0.000} s  {Schema}.{Name}")]
    internal static partial void TableFingerprintTook(this ILogger log, double seconds, string schema, string name);

    [LoggerMessage(6004, LogLevel.Information, "The fingerprint is taken from the source, not from the archive: {Reason}.")]
    internal static partial void FingerprintFromSource(this ILogger log, string reason);
}
