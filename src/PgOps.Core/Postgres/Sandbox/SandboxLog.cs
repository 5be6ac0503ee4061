using Microsoft.Extensions.Logging;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Log messages: Throwaway servers. docs/log-format.md lists them.</summary>
internal static partial class SandboxLog
{
    [LoggerMessage(2301, LogLevel.Information, "Removing the sandbox {Folder}: its owner and its supervisor were killed.")]
    internal static partial void StraySandboxFound(this ILogger log, string folder);

    [LoggerMessage(2302, LogLevel.Warning, "The stray sandbox {Folder} could not be removed: {Reason}")]
    internal static partial void StraySandboxKept(this ILogger log, string folder, string reason);

    [LoggerMessage(2303, LogLevel.Information, "Sandbox {Id}: PostgreSQL {Version} ready in {Milliseconds:0} ms.")]
    internal static partial void SandboxReady(this ILogger log, string id, string version, double milliseconds);

    [LoggerMessage(2304, LogLevel.Information, "Sandbox {Folder} is gone.")]
    internal static partial void SandboxGone(this ILogger log, string folder);
}
