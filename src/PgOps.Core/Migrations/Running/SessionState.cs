using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// What a migration's statements have left in the session that ran them, and a resumed run, in another session, lacks: settings, prepared
/// statements, locks, temporary objects.
/// </summary>
internal static class SessionState
{
    /// <summary>The statements that ran and are to be run again, for what they leave in the session and nothing else.</summary>
    /// <param name="script">The migration as it is now.</param>
    /// <param name="before">Its statements as they were recorded.</param>
    /// <param name="done">How many of them ran.</param>
    /// <exception cref="PgOpsException">MigrationInterrupted: the rest needs what cannot be had again.</exception>
    internal static List<SqlStatement> ToReplay(MigrationScript script, IReadOnlyList<SqlStatement> before, int done)
    {
        for (var index = 0; index < done; index++)
        {
            if (SqlSessionTraits.LostObjectOf(before[index]) is { } lost
                && script.Statements.Skip(done).Any(later => SqlSessionTraits.Mentions(later, lost.Name)))
            {
                throw Lost(script, before[index], index + 1, lost);
            }
        }

        return [.. before.Take(done).Where(SqlSessionTraits.IsSessionState)];
    }

    private static PgOpsException Lost(MigrationScript script, SqlStatement statement, int number, (string What, string Name) lost) => new(
        PgErrorCode.MigrationInterrupted,
        $"{script.File} cannot go on where it stopped: statement {number} (line {statement.Line}) made the {lost.What} {lost.Name}, which "
            + "ended with its session, and what is left needs it.",
        "The statements before are done and recorded; nothing was run now.",
        "Run what is left by hand, in one session with that statement, and record it: "
            + $"Repair-PgMigration -Version {script.File.Version} -MarkApplied -Reason '…'.")
    { Subject = script.File.Path };
}
