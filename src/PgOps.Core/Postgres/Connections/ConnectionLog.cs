using Microsoft.Extensions.Logging;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Log messages: Sessions, and what servers say in them. docs/log-format.md lists them.</summary>
internal static partial class ConnectionLog
{
    [LoggerMessage(2001, LogLevel.Debug, "Connected to {Target}: PostgreSQL {Version}, process {Process}")]
    internal static partial void Connected(this ILogger log, PgTarget target, string version, int process);

    [LoggerMessage(2003, LogLevel.Debug, "{Target}: taken off for this session: {Timeouts}.")]
    internal static partial void TimeoutsTakenOff(this ILogger log, PgTarget target, string timeouts);

    [LoggerMessage(EventId = 2002, Message = "{Severity}: {Message}")]
    internal static partial void ServerNotice(this ILogger log, LogLevel level, string severity, string message);

    [LoggerMessage(2004, LogLevel.Warning, "{Subject} waits: {Holders}")]
    internal static partial void WaitsForLock(this ILogger log, string subject, string holders);
}
