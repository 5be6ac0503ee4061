using Microsoft.Extensions.Logging;

namespace PgOps.Core.Common.Files;

/// <summary>Log messages: Files of PgOps' own. docs/log-format.md lists them.</summary>
internal static partial class FilesLog
{
    [LoggerMessage(1001, LogLevel.Information, "Removed {Folder}, left behind by a command that did not end.")]
    internal static partial void StrayPrivateFolderRemoved(this ILogger log, string folder);

    [LoggerMessage(1002, LogLevel.Debug, "Cannot remove {Folder}: {Error}")]
    internal static partial void StrayPrivateFolderKept(this ILogger log, string folder, string error);
}
