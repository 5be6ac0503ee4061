using Microsoft.Extensions.Logging;

namespace PgOps.Core.Drills;

/// <summary>Log messages: Drills. docs/log-format.md lists them.</summary>
internal static partial class DrillLog
{
    [LoggerMessage(8001, LogLevel.Warning,
        "Roles that the drill made may be left on {Server} ({Reason}); the next drill there sweeps them.")]
    internal static partial void DrillRolesLeft(this ILogger log, PgTarget server, string reason);

    [LoggerMessage(EventId = 8002, Message = "The role {Role}, made for a drill, could not be dropped: {Message}")]
    internal static partial void DrillRoleNotDropped(this ILogger log, LogLevel level, string role, string message);

    [LoggerMessage(8003, LogLevel.Warning, "The ledger's entry is not signed: the certificate {Key} came without its private key.")]
    internal static partial void LedgerNotSigned(this ILogger log, string key);

    [LoggerMessage(8004, LogLevel.Warning, "{Remark}")]
    internal static partial void LedgerRemarked(this ILogger log, string remark);

    [LoggerMessage(8005, LogLevel.Warning, "The drill of {Backup} was not written to the ledger, so gates will not see it: {Reason}")]
    internal static partial void DrillNotRecorded(this ILogger log, string backup, string reason);

    [LoggerMessage(8006, LogLevel.Warning, "The sandbox {Id} was not removed: {Reason}")]
    internal static partial void SandboxNotRemoved(this ILogger log, string id, string reason);
}
