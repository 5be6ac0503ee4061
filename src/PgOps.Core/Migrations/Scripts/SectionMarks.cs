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
        (Shmig(), "shmig"), (Atlas(), "Atlas"),
        (Play(), "Play"),
    ];

    /// <summary>The marks in a script.</summary>
    /// <param name="script">The script, without the marks that its shape reads.</param>
    /// <param name="isUndo">Whether it undoes a migration: a heading that says so is no mark there.</param>
    internal static IEnumerable<(int Offset, string Message, string NextStep)> In(SqlScript script, bool isUndo)
    {
        var plain = new List<(int Offset, string Word)>();
        foreach (var (offset, length) in script.LineComments)
        {
            var comment = script.Text.Substring(offset, length).TrimEnd();
            if (Array.Find(Tools, known => known.Form.IsMatch(comment)) is { Tool: { } tool })
            {
                yield return Refused(offset, $"'{comment}' is a mark of {tool}'s, which nothing here reads in this form");
            }
            else if (Plain().Match(comment) is { Success: true } match)
            {
                plain.Add((offset, match.Groups["word"].Value));
            }
        }

        foreach (var (offset, word) in plain.Where(mark => Undoes(mark.Word) != isUndo))
        {
            yield return Refused(offset, $"a section begins here by its heading ('{word}'), and the file would run as a whole");
        }
    }

    private static (int Offset, string Message, string NextStep) Refused(int offset, string message) => (
        offset,
        message,
        "move what undoes the migration into a .down.sql beside it and take the marks out; of a comment that is none, change the words");

    private static bool Undoes(string word) => word.ToUpperInvariant() is "DOWN" or "DOWNS" or "UNDO";

    [GeneratedRegex(@"^--.*\+goose\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Goose();

    [GeneratedRegex(@"^--\s*migrate\s*:\s*(up|down)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Dbmate();

    [GeneratedRegex(@"^--\s*\+\s*migrate\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex SqlMigrate();

    [GeneratedRegex(@"^--\s*\+\s*micrate\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Micrate();

    [GeneratedRegex(@"^--[\s-]*(up|down)\s+migration\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NodePgMigrate();

    [GeneratedRegex(@"create above\s*/\s*drop below", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Tern();

    [GeneratedRegex(@"^--\s*//\s*@UNDO\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex MyBatis();

    [GeneratedRegex(@"^--\s*rambler\s+(up|down)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Rambler();

    [GeneratedRegex(@"^--\s*=+\s*(up|down)\s*=+$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Shmig();

    [GeneratedRegex(@"^--\s*atlas:txtar\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Atlas();

    [GeneratedRegex(@"^--[\s-]*!\s*(ups|downs)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Play();

    [GeneratedRegex(
        @"^--[\s\-#@\[+*:]*(?<word>up|ups|down|downs|undo)[\s\-#\]*:]*$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Plain();
}
