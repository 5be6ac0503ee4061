using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Comments that divide a file into what is done and what undoes it, in the manner of a tool whose sections its folder's shape does not
/// read: to run the file would run both, and leave nothing of it. They are refused, in every shape.
/// </summary>
internal static partial class SectionMarks
{
    private static readonly (Regex Form, string Tool)[] Tools =
    [
        (Goose(), "goose"), (Dbmate(), "dbmate"), (SqlMigrate(), "sql-migrate"), (Micrate(), "micrate"),
        (NodePgMigrate(), "node-pg-migrate"), (Tern(), "tern"), (MyBatis(), "MyBatis Migrations"), (Rambler(), "rambler"),
        (Shmig(), "shmig"), (Atlas(), "Atlas"), (Play(), "Play"), (Liquibase(), "Liquibase"),
    ];

    /// <summary>The marks in a script.</summary>
    /// <param name="script">The script, without the marks that its shape reads.</param>
    /// <param name="isUndo">Whether it undoes a migration: what says so is no mark there.</param>
    /// <param name="isSectioned">Whether its shape reads sections: then every mark in another form is one too many.</param>
    internal static IEnumerable<(int Offset, string Message, string NextStep)> In(SqlScript script, bool isUndo, bool isSectioned)
    {
        var marks = new List<(int Offset, string Message, bool Undoes, bool OfTool)>();
        foreach (var (offset, length) in script.Comments)
        {
            if (!StandsAlone(script.Text, offset))
            {
                continue;
            }

            var comment = script.Text.Substring(offset, length).TrimEnd();
            if (Array.Find(Tools, known => known.Form.IsMatch(comment)) is { Tool: { } tool })
            {
                var message = $"'{comment}' is a mark of {tool}'s, which nothing here reads in this form";
                marks.Add((offset, message, Undoing().IsMatch(comment), true));
            }
            else if (Plain().Match(comment) is { Success: true } match)
            {
                var word = match.Groups["word"].Value;
                var undoes = Undoing().IsMatch(word);
                if (!undoes || TakesAway(script, offset))
                {
                    var message = $"a section begins here by its heading ('{word}'), and the file would run as a whole";
                    marks.Add((offset, message, undoes, false));
                }
            }
        }

        // Half of a pair does no harm where the other half is missing.
        return marks.Exists(mark => (isSectioned && mark.OfTool) || mark.Undoes != isUndo)
            ? marks.Where(mark => !isUndo || isSectioned || !mark.Undoes).Select(mark => (mark.Offset, mark.Message, Next(isUndo)))
            : [];
    }

    private static string Next(bool isUndo) => isUndo
        ? "keep in it what undoes the migration, and take the marks out; of a comment that is none, change the words"
        : "move what undoes the migration into a .down.sql beside it and take the marks out; of a comment that is none, change the words";

    private static bool StandsAlone(string text, int offset)
    {
        var line = text.AsSpan(0, offset);
        return line[(line.LastIndexOf('\n') + 1)..].IsWhiteSpace();
    }

    /// <summary>Whether a statement below the heading takes something away.</summary>
    private static bool TakesAway(SqlScript script, int offset)
        => script.Statements.Any(statement => statement.Offset > offset && TakesAway(statement));

    /// <summary>Whether a statement takes something away.</summary>
    internal static bool TakesAway(SqlStatement statement) => statement.Keywords is ["DROP" or "DELETE" or "TRUNCATE" or "ROLLBACK", ..]
        || (statement.Keywords is ["ALTER", ..] && statement.Keywords.Contains("DROP"));

    [GeneratedRegex(
        @"\b(down|downs|undo|rollback|revert|drop below)\b|atlas:txtar|liquibase|changeset",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Undoing();

    [GeneratedRegex(@"^--(.*\s)?\+goose\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Goose();

    [GeneratedRegex(@"^--\s*migrate\s*:\s*(up|down)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Dbmate();

    [GeneratedRegex(@"^--\s*\+\s*migrate\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex SqlMigrate();

    [GeneratedRegex(@"^--\s*\+\s*micrate\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Micrate();

    [GeneratedRegex(@"^--[\s-]*(up|down)\s+migration[\s=:-]*(\(|$)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NodePgMigrate();

    [GeneratedRegex(@"^--[\s-]*create above\s*/\s*drop below", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Tern();

    [GeneratedRegex(@"^--\s*//\s*@UNDO\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex MyBatis();

    /// <summary>Formatted SQL, whose changesets have conditions, and undoes in comments.</summary>
    [GeneratedRegex(
        @"^--\s*(liquibase\s+formatted\s+sql|changeset\s+\S+:\S+)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Liquibase();

    [GeneratedRegex(@"^--\s*rambler\s+(up|down)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Rambler();

    [GeneratedRegex(@"^--\s*=+\s*(up|down)\s*=+$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Shmig();

    [GeneratedRegex(@"^--\s*atlas:txtar\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Atlas();

    [GeneratedRegex(@"^--[\s-]*!\s*(ups|downs)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Play();

    [GeneratedRegex(
        @"^(--|/\*)[\s\-#@\[+*:=<>]*(?<word>up|ups|down|downs|undo|rollback|revert)(\s+(script|section|migration))?[\s\-#\]*:=<>/]*$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Plain();
}
