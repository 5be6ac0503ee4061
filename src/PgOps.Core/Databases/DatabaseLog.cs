using Microsoft.Extensions.Logging;

namespace PgOps.Core.Databases;

/// <summary>Log messages: Staging databases, swaps and switches. docs/log-format.md lists them.</summary>
internal static partial class DatabaseLog
{
    [LoggerMessage(4001, LogLevel.Debug, "{Name} belongs to a run that goes on.")]
    internal static partial void StagingInUse(this ILogger log, string name);

    [LoggerMessage(4002, LogLevel.Debug, "{Name} looks like a staging database, but has no mark and is not empty; it is left alone.")]
    internal static partial void StagingUnmarked(this ILogger log, string name);

    [LoggerMessage(4003, LogLevel.Information, "Dropped {Name}, left by a run that died.")]
    internal static partial void StrayStagingDropped(this ILogger log, string name);

    [LoggerMessage(4004, LogLevel.Information, "{Name}, left by a run that died, could not be dropped: {Reason}")]
    internal static partial void StrayStagingKept(this ILogger log, string name, string reason);

    [LoggerMessage(4005, LogLevel.Warning, "{Check}: {Detail}")]
    internal static partial void SwitchCheckSkipped(this ILogger log, string check, string? detail);

    [LoggerMessage(4006, LogLevel.Warning, "The staging database {Name} could not be kept: {Reason}")]
    internal static partial void StagingNotKept(this ILogger log, string name, string reason);

    [LoggerMessage(4007, LogLevel.Warning, "{Detail}")]
    internal static partial void CollationReplaced(this ILogger log, string? detail);

    [LoggerMessage(4008, LogLevel.Warning,
        "The staging database {Name} could not be dropped ({Reason}); the next restore or reset on this server sweeps "
        + "it, or run: DROP DATABASE {Quoted}")]
    internal static partial void StagingNotDropped(this ILogger log, string name, string reason, string quoted);

    [LoggerMessage(4009, LogLevel.Warning, "The replaced database was empty and no longer is; it was kept as {Name}.")]
    internal static partial void ReplacedNoLongerEmpty(this ILogger log, string name);

    [LoggerMessage(4010, LogLevel.Warning, "The replaced empty database was kept as {Name}: {Reason}")]
    internal static partial void ReplacedKept(this ILogger log, string name, string reason);

    [LoggerMessage(4011, LogLevel.Warning,
        "The old database of {Target} could not be dropped ({Reason}); the next restore or reset sweeps it, or run: DROP DATABASE {Name}")]
    internal static partial void ReplacedNotDropped(this ILogger log, PgTarget target, string reason, string name);

    [LoggerMessage(4012, LogLevel.Information, "{Target} has no mark while it is restored: the role does not own it.")]
    internal static partial void EmptyDatabaseUnmarked(this ILogger log, PgTarget target);

    [LoggerMessage(4013, LogLevel.Information, "Ended a session in {Database}: {Session}")]
    internal static partial void SessionEnded(this ILogger log, string database, PgDatabaseSession session);
}
