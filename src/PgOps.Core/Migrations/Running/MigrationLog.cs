using Microsoft.Extensions.Logging;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Running;

/// <summary>Log messages: Migrations applied, resumed and undone. docs/log-format.md lists them.</summary>
internal static partial class MigrationLog
{
    [LoggerMessage(5401, LogLevel.Debug, "Applied {Migration} in {Milliseconds} ms")]
    internal static partial void MigrationApplied(this ILogger log, MigrationFile migration, long milliseconds);

    [LoggerMessage(5402, LogLevel.Debug, "Undid {Migration} in {Milliseconds} ms")]
    internal static partial void MigrationUndone(this ILogger log, MigrationFile migration, long milliseconds);

    [LoggerMessage(5403, LogLevel.Debug, "{Migration}: statement {Number} of {Total}")]
    internal static partial void StatementBegun(this ILogger log, MigrationFile migration, int number, int total);

    [LoggerMessage(5404, LogLevel.Information, "{Migration}: {Verdict}")]
    internal static partial void StatementJudged(this ILogger log, MigrationFile migration, string verdict);

    [LoggerMessage(5405, LogLevel.Information, "{Migration} goes on at statement {Number} of {Total}.")]
    internal static partial void MigrationResumed(this ILogger log, MigrationFile migration, int number, int total);

    [LoggerMessage(5406, LogLevel.Information, "{Migration}: {Remark}")]
    internal static partial void InvalidIndexCleared(this ILogger log, MigrationFile migration, string remark);

    [LoggerMessage(5407, LogLevel.Warning, "Ended a session in {Target}: {Session}")]
    internal static partial void ResetEndedSession(this ILogger log, PgTarget target, string session);

    [LoggerMessage(5408, LogLevel.Warning, "Passed over in {Folder}: {Entry}")]
    internal static partial void EntryPassedOver(this ILogger log, string folder, string entry);

    [LoggerMessage(5409, LogLevel.Warning, "{Migration}: {Path} holds no statement, so nothing was taken back; recorded as undone.")]
    internal static partial void NothingToUndo(this ILogger log, MigrationFile migration, string path);

    [LoggerMessage(
        5410, LogLevel.Warning, "{Migration}: the INVALID index {Index} is still there, and slows down every write: DROP INDEX "
            + "CONCURRENTLY {Index};")]
    internal static partial void InvalidIndexStays(this ILogger log, MigrationFile migration, string index);

    [LoggerMessage(5411, LogLevel.Warning, "{Folder} holds no migrations.")]
    internal static partial void FolderEmpty(this ILogger log, string folder);

    [LoggerMessage(5412, LogLevel.Warning, "{Migration} holds no statement; it is recorded as applied all the same.")]
    internal static partial void ScriptEmpty(this ILogger log, MigrationFile migration);

    [LoggerMessage(
        5413, LogLevel.Warning, "{Migration} is the newest in the folder, and is recorded as present: it was not run, and will not be.")]
    internal static partial void NewestBaselined(this ILogger log, MigrationFile migration);

    [LoggerMessage(
        5414, LogLevel.Warning, "{Migration} creates {Object} and drops it again in line {Line}. If another tool's undo section "
            + "begins there, that is not what was meant: take it out of the file.")]
    internal static partial void UndoesItself(this ILogger log, MigrationFile migration, string @object, int line);

    /// <summary>Names what does nothing in a folder.</summary>
    internal static void Tell(this ILogger log, MigrationFolder folder)
    {
        foreach (var entry in folder.PassedOver)
        {
            log.EntryPassedOver(folder.Path, entry);
        }
    }
}
