using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// What a migration's statements have left in the session that ran them, and a resumed run, in another session, lacks: settings, prepared
/// statements, locks, temporary objects.
/// </summary>
internal static class SessionState
{
    private const string NothingNow = "The statements before are done and recorded; nothing was run now.";

    /// <summary>A file may be corrected after a failure, but not in what has already run.</summary>
    internal static void RequireSameBeginning(MigrationScript script, IReadOnlyList<SqlStatement> before, int done)
    {
        for (var index = 0; index < done; index++)
        {
            if (index >= script.Statements.Count || index >= before.Count || !SameStatement(script.Statements[index], before[index]))
            {
                throw new PgOpsException(
                    PgErrorCode.MigrationChanged,
                    $"{script.File} stopped after {PgAmount.Of(done, "statement")}, "
                        + $"and statement {index + 1}, which had run, was changed since.",
                    "Nothing was run now; what ran before is still there.",
                    "Put the statements that ran back as they were; only the ones after them may be changed.")
                { Subject = script.File.Path };
            }
        }
    }

    private static bool SameStatement(SqlStatement now, SqlStatement before)
        => SecretLiterals.Hide(now.Text) == SecretLiterals.Hide(before.Text) && now.DataSpan.SequenceEqual(before.DataSpan);

    /// <summary>The statements that ran and are to be run again, for what they leave in the session and nothing else.</summary>
    /// <param name="script">The migration as it is now.</param>
    /// <param name="before">Its statements as they were recorded.</param>
    /// <param name="done">How many of them ran.</param>
    /// <exception cref="PgOpsException">MigrationInterrupted: the rest needs what cannot be had again.</exception>
    internal static List<SqlStatement> ToReplay(MigrationScript script, IReadOnlyList<SqlStatement> before, int done)
    {
        var replay = new List<SqlStatement>();
        for (var index = 0; index < done; index++)
        {
            // As the file has it: the record holds no passwords, and is the same but for them.
            var statement = script.Statements[index];
            if (statement.Keywords is ["DISCARD", "ALL", ..])
            {
                // A new session is just that.
                replay.Clear();
            }
            else if (statement.Keywords is ["DEALLOCATE", ..])
            {
                var name = SqlSessionTraits.PreparedBy(statement);
                replay.RemoveAll(earlier => SqlSessionTraits.PreparedBy(earlier) is { } made && (name == "ALL" || made == name));
            }
            else if (SqlSessionTraits.IsSessionState(statement))
            {
                replay.Add(statement);
            }
            else if (SqlSessionTraits.LostObjectOf(statement) is { } lost
                && !before.Take(done).Skip(index).Any(later => IsDropOf(later, lost.Name))
                && script.Statements.Skip(done).Any(later => SqlSessionTraits.Mentions(later, lost.Name)))
            {
                var made = $"made the {lost.What} {lost.Name}, which ended with its session";
                throw Lost(script, statement, index + 1, made, "what is left needs it");
            }
        }

        return replay;
    }

    /// <summary>The session must be what it was, whatever has given it that.</summary>
    /// <param name="script">The migration as it is now.</param>
    /// <param name="done">How many of its statements ran.</param>
    /// <param name="recorded">What was recorded with the last of them.</param>
    /// <param name="now">What the session has now that the statements <see cref="ToReplay"/> ran again.</param>
    /// <exception cref="PgOpsException">MigrationInterrupted: it is not.</exception>
    internal static void RequireSame(MigrationScript script, int done, string? recorded, string now)
    {
        if (SessionRecord.Differences(recorded, now, [.. script.Statements.Skip(done)]) is not { Count: > 0 } differences)
        {
            return;
        }

        var names = NameList.InSentence(differences);
        var index = script.Statements.Take(done).ToList().FindIndex(SqlSessionTraits.LeavesSettings);
        throw index >= 0
            ? Lost(
                script, script.Statements[index], index + 1, $"gave its session settings ({names})", "what is left would run without them")
            : new(
                PgErrorCode.MigrationInterrupted,
                $"{script.File} cannot go on where it stopped: code that its statements ran had changed their session ({names}), "
                    + "and what is left would run without that.",
                NothingNow,
                $"{WriteOut(script, done, differences)} Or run what is left by hand and record it: {MarkApplied(script)}")
            { Subject = script.File.Path };
    }

    /// <summary>The settings that a transaction's statements give to it alone, by name.</summary>
    /// <param name="statements">The statements of the transaction.</param>
    internal static IReadOnlyCollection<string> LocalTo(IEnumerable<SqlStatement> statements)
    {
        var settings = statements.SelectMany(SettingAssignment.In).ToList();
        return settings.Where(setting => setting.Local).Select(setting => setting.Name)
            .Except(settings.Where(setting => !setting.Local).Select(setting => setting.Name)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>
    /// A statement that ran in a transaction of its own must not have given that transaction what the file expects to last longer: code
    /// can, in ways that no text shows.
    /// </summary>
    /// <param name="script">The migration.</param>
    /// <param name="index">The statement.</param>
    /// <param name="noted">What the session held before the transaction ended.</param>
    /// <param name="now">What it holds now.</param>
    /// <returns>The error; null when nothing ended that what is left could miss.</returns>
    internal static PgOpsException? EndedWith(MigrationScript script, int index, string? noted, string now)
    {
        if (SessionRecord.Differences(noted, now, [.. script.Statements.Skip(index + 1)]) is not { Count: > 0 } ended)
        {
            return null;
        }

        var line = script.Statements[index].Line;
        return new(
            PgErrorCode.MigrationFailed,
            $"{script.Title} stopped behind the statement in line {line} of {script.File.Path}: what its code gave the transaction alone "
                + $"({NameList.InSentence(ended)}) ended with the statement, for this file runs statement by statement, and what is left "
                + "would run without that.",
            $"{index + 1} of {PgAmount.Of(script.Statements.Count, "statement")} "
                + $"{(index == 0 ? "is done and stays" : "are done and stay")} done, this one too; the history records that.",
            $"{WriteOut(script, index + 1, ended)} Then run the command again: it goes on there.")
        { Subject = script.File.Path };
    }

    /// <summary>A setting that the file itself gives behind what is done needs no other session to have had it.</summary>
    private static string WriteOut(MigrationScript script, int next, IReadOnlyList<string> names)
    {
        var behind = script.Statements[next - 1];
        var place = script.ExcerptAt(behind.Offset + behind.Text.Length);
        var where = string.Create(CultureInfo.InvariantCulture, $"right behind that statement (it ends in line {place.Line})");
        var settings = names.Where(name => !name.StartsWith("the ", StringComparison.Ordinal)).ToList();
        return settings.Count == 0
            ? $"Make it last, or leave what needs it out, {where}."
            : $"Write {Each("SET {0} = …;")} (or {Each("RESET {0};")}) {where}, as what is left needs it.";

        string Each(string statement)
            => string.Join(' ', settings.Select(name => statement.Replace("{0}", name, StringComparison.Ordinal)));
    }

    /// <summary>A statement that gives the session its state could not be run again.</summary>
    internal static PgOpsException NotReplayed(MigrationScript script, SqlStatement statement, PostgresException error) => new(
        PgErrorCode.MigrationInterrupted,
        $"{script.File} cannot go on where it stopped: line {statement.Line} is run again for the state that it gives the session, and "
            + $"failed: {error.SqlState} {error.MessageText}",
        NothingNow,
        ByHand(script),
        error)
    { Subject = script.File.Path };

    private static bool IsDropOf(SqlStatement statement, string name)
        => statement.Keywords is ["DROP" or "CLOSE", ..] && SqlSessionTraits.Mentions(statement, name);

    private static PgOpsException Lost(MigrationScript script, SqlStatement statement, int number, string what, string why) => new(
        PgErrorCode.MigrationInterrupted,
        $"{script.File} cannot go on where it stopped: statement {number} (line {statement.Line}) {what}, and {why}.",
        NothingNow,
        ByHand(script))
    { Subject = script.File.Path };

    private static string ByHand(MigrationScript script)
        => $"Run what is left by hand, in one session with that statement, and record it: {MarkApplied(script)}";

    private static string MarkApplied(MigrationScript script)
        => $"Repair-PgMigration -Version {script.File.Version} -MarkApplied -Reason '…'.";
}
