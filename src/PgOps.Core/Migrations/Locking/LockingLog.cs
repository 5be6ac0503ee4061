using Microsoft.Extensions.Logging;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Locking;

/// <summary>Log messages: One migrator at a time, and locks of other sessions. docs/log-format.md lists them.</summary>
internal static partial class LockingLog
{
    [LoggerMessage(5201, LogLevel.Debug, "The end of the history {Table} was not marked: {Reason}")]
    internal static partial void HistoryEndUnmarked(this ILogger log, string table, string reason);

    [LoggerMessage(5202, LogLevel.Information, "Waiting: {Reason}: {Holder}")]
    internal static partial void WaitingForMigrator(this ILogger log, string reason, string holder);

    [LoggerMessage(5203, LogLevel.Information, "A migrator was lost before: {Reason}")]
    internal static partial void MigratorLost(this ILogger log, string reason);

    [LoggerMessage(5204, LogLevel.Information, "Waiting for a lock held by {Blockers}")]
    internal static partial void WaitingForLock(this ILogger log, string blockers);

    [LoggerMessage(5205, LogLevel.Warning, "The run is stopped: {Reason}")]
    internal static partial void RunStopped(this ILogger log, string reason);

    // The format of the pause is the same in every culture; that of a number would not be, with more than six values.
    [LoggerMessage(5206, LogLevel.Warning,
        "{Migration}: {SqlState} {Message}; held by {Blockers}. Attempt {Attempt} of {Attempts} in {Pause:s'.'f} s.")]
    internal static partial void LockRetried(
        this ILogger log,
        MigrationFile migration,
        string sqlState,
        string message,
        string blockers,
        int attempt,
        int attempts,
        TimeSpan pause);
}
