using Microsoft.Extensions.Logging;

namespace PgOps.Core.Drills;

/// <summary>Log messages: Drills. docs/log-format.md lists them.</summary>
internal static partial class DrillLog
{
    [LoggerMessage(8003, LogLevel.Warning, "The ledger's entry is not signed: the certificate {Key} came without its private key.")]
    internal static partial void LedgerNotSigned(this ILogger log, string key);

    [LoggerMessage(8004, LogLevel.Warning, "{Remark}")]
    internal static partial void LedgerRemarked(this ILogger log, string remark);

    [LoggerMessage(8005, LogLevel.Warning, "The drill of {Backup} was not written to the ledger, so gates will not see it: {Reason}")]
    internal static partial void DrillNotRecorded(this ILogger log, string backup, string reason);
}
