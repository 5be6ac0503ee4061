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
}
