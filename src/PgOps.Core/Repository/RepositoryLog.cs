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

    [LoggerMessage(
        3004, LogLevel.Warning, "{Backup} is dated {Ahead} after now, so its clock or this machine's was wrong: it is passed over.")]
    internal static partial void AheadPassedOver(this ILogger log, string backup, string ahead);

    [LoggerMessage(
        3005, LogLevel.Warning,
        "{Backup} is dated {Ahead} after now, so its clock or this machine's was wrong: it is kept, and no rule or guard counts it.")]
    internal static partial void AheadKept(this ILogger log, string backup, string ahead);

    [LoggerMessage(
        3006, LogLevel.Information,
        "{Dump} is newer than {Backup}, but PgOps did not make it, and nothing says whether it is whole: it is passed over.")]
    internal static partial void ForeignPassedOver(this ILogger log, string dump, string backup);

#pragma warning disable SYSLIB1015
    [LoggerMessage(3007, LogLevel.Information, "{Backups}, {Size}, are kept by a label or a hold alone.")]
    internal static partial void HeldAlone(this ILogger log, string backups, string size, int count, long bytes);
#pragma warning restore SYSLIB1015

    [LoggerMessage(3008, LogLevel.Warning, "{Backup} is held until {Until}, more than ten years from now.")]
    internal static partial void HeldLong(this ILogger log, string backup, string until);

    [LoggerMessage(3009, LogLevel.Warning, "{File} has lines that cannot be read, so what they hold is not known: {Count}.")]
    internal static partial void HoldsUnreadable(this ILogger log, string file, int count);

    [LoggerMessage(3010, LogLevel.Information, "{Backup} is held for {Time}: no rule removes it before.")]
    internal static partial void BackupHeld(this ILogger log, string backup, string time);

    [LoggerMessage(3011, LogLevel.Warning, "Others than its owner may be able to read {Path}: its file system keeps no modes.")]
    internal static partial void CopyOpenToOthers(this ILogger log, string path);
}
