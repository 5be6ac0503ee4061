using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>What is to run of a file.</summary>
/// <param name="Text">As long as the file's text and blank where nothing is to run, so that every offset and line stays the file's.</param>
/// <param name="Transactional">False when the file asks, in its tool's own words, to run outside a transaction.</param>
internal sealed partial record ScriptPart(string Text, bool Transactional = true)
{
    private const string SqlxNoTransaction = "-- no-transaction";
    private const string EvolveNoTransaction = "-- evolve-tx-off";

    /// <summary>The whole text; the marks of sqlx and Evolve at its start are honoured, whatever follows in the line.</summary>
    internal static ScriptPart Whole(string text) => new(text, !IsMark(text));

    /// <summary>What is wrong with a mark at a text's start that would be passed over; null when there is none.</summary>
    internal static (int Offset, string Message, string NextStep)? MissedMark(string text) => IsMark(text) ? null
        : LikeSqlxMark().IsMatch(text)
            ? (0, "this asks for no transaction in words that neither sqlx nor PgOps knows", "write '-- no-transaction'")
        : LikeEvolveMark().Match(text) is { Success: true } mark
            ? (0, $"'{mark.Value}' is a mark of Evolve's that PgOps does not read",
                $"take it out; the one that is read is {EvolveNoTransaction}")
        : null;

    /// <summary>The text with everything blank but the head and a section.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="headEnd">Where the head ends: comments before the first marker, among them PgOps' directives.</param>
    /// <param name="start">Where the section begins.</param>
    /// <param name="end">Where it ends.</param>
    internal static string Keep(string text, int headEnd, int start, int end) => string.Create(
        text.Length,
        (text, headEnd, start, end),
        static (span, state) =>
        {
            for (var index = 0; index < span.Length; index++)
            {
                var kept = index < state.headEnd || (index >= state.start && index < state.end) || state.text[index] == '\n';
                span[index] = kept ? state.text[index] : ' ';
            }
        });

    /// <summary>The text with a span of it blank.</summary>
    internal static string Blank(string text, int start, int end)
        => string.Concat(text.AsSpan(0, start), Keep(text[start..end], 0, 0, 0), text.AsSpan(end));

    /// <summary>Refuses statements before a file's first marker, which its own tool would pass over or refuse.</summary>
    internal static void RefuseHead(MigrationFile file, string text, int headEnd, string marker)
    {
        if (SqlScript.Parse(text[..headEnd]).Statements is [var lost, ..])
        {
            throw Invalid(file, text, lost.Offset, $"this stands before '{marker}' and belongs to no section", "move it below the marker");
        }
    }

    /// <summary>A refusal that shows the place.</summary>
    internal static PgOpsException Invalid(MigrationFile file, string text, int offset, string problem, string next)
    {
        var excerpt = ScriptExcerpt.At(text, offset);
        return new PgOpsException(
            PgErrorCode.MigrationScriptInvalid,
            $"{file} cannot be run as a migration:\n{file.Path}:{excerpt.Line}:{excerpt.Column}: {problem}\n{excerpt.Rendered}\n"
                + $"    to do: {next}",
            "Nothing was run, and nothing of this migration is recorded.",
            "Correct the file and run the command again.")
        {
            Subject = file.Path,
            Statement = new PgStatementError { File = file.Path, Line = excerpt.Line, Column = excerpt.Column },
        };
    }

    private static bool IsMark(string text) => text.StartsWith(SqlxNoTransaction, StringComparison.Ordinal)
        || text.StartsWith(EvolveNoTransaction, StringComparison.Ordinal);

    [GeneratedRegex(@"^--[ \t]*evolve-[a-z-]+", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LikeEvolveMark();

    [GeneratedRegex(@"^--[ \t]*no[-_]transaction\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LikeSqlxMark();
}
