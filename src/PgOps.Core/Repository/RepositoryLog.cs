using Microsoft.Extensions.Logging;

namespace PgOps.Core.Repository;

/// <summary>Log messages: Backups as they are kept. docs/log-format.md lists them.</summary>
internal static partial class RepositoryLog
{
#pragma warning disable SYSLIB1015 // the values that are not in the text are for the log file
    [LoggerMessage(3001, LogLevel.Information, "{Backup}: {Moved} copied in {Time}, {Skipped} were there already.")]
    internal static partial void BackupCopied(
        this ILogger log, string backup, string moved, string time, string skipped, long movedBytes, TimeSpan duration, long skippedBytes);
#pragma warning restore SYSLIB1015

    [LoggerMessage(3002, LogLevel.Information, "Removed {Folder}, left behind by a backup that did not end.")]
    internal static partial void StrayPartialRemoved(this ILogger log, string folder);

    [LoggerMessage(3003, LogLevel.Warning, "Cannot remove {Folder}, left behind by a backup that did not end: {Error}")]
    internal static partial void StrayPartialKept(this ILogger log, string folder, string error);

    [LoggerMessage(3004, LogLevel.Warning, "Others than its owner may be able to read {Path}: its file system keeps no modes.")]
    internal static partial void CopyOpenToOthers(this ILogger log, string path);
}
