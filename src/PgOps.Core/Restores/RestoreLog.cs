using Microsoft.Extensions.Logging;

namespace PgOps.Core.Restores;

/// <summary>Log messages: Backups brought back. docs/log-format.md lists them.</summary>
internal static partial class RestoreLog
{
    [LoggerMessage(7001, LogLevel.Warning, "{State} {NextStep}")]
    internal static partial void RestoreCancelled(this ILogger log, string state, string nextStep);

    [LoggerMessage(7002, LogLevel.Warning, "The roles {Roles}, created for the restore, could not be dropped: {Reason}")]
    internal static partial void RolesNotDropped(this ILogger log, string roles, string reason);

    [LoggerMessage(7003, LogLevel.Warning, "The role {Role}, created for the restore, could not be dropped: {Message}")]
    internal static partial void RoleNotDropped(this ILogger log, string role, string message);

    [LoggerMessage(7004, LogLevel.Warning,
        "Roles that the drill made may be left on {Server} ({Reason}); the next drill there sweeps them.")]
    internal static partial void DrillRolesLeft(this ILogger log, PgTarget server, string reason);

    [LoggerMessage(EventId = 7005, Message = "The role {Role}, made for a drill, could not be dropped: {Message}")]
    internal static partial void DrillRoleNotDropped(this ILogger log, LogLevel level, string role, string message);

    [LoggerMessage(7006, LogLevel.Warning, "The sandbox {Id} was not removed: {Reason}")]
    internal static partial void SandboxNotRemoved(this ILogger log, string id, string reason);
}
