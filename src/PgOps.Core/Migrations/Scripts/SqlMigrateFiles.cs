using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// sql-migrate's files: <c>-- +migrate Up</c> and <c>Down</c> sections, each with <c>notransaction</c> at will, also several of a kind,
/// which go on where the one before has ended.
/// </summary>
internal sealed partial class SqlMigrateFiles : SectionedFiles
{
    internal override MigrationShape Shape => MigrationShape.SqlMigrate;

    internal override string Kind => "sql-migrate files";

    protected override bool IsMarked(string text) => text.Contains("-- +migrate ", StringComparison.Ordinal)
        && AnyIsComment(text, Mark().Matches(text).Where(mark => mark.Groups["word"].Value == "Up"));

    protected override bool HasDown(string text) => Mark().Matches(text).Any(mark => mark.Groups["word"].Value == "Down");

    protected override (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text)
    {
        var blocks = new StatementBlocks(file, text, "migrate");
        var (up, down) = (true, true);
        foreach (var mark in Mark().Matches(text).Cast<Match>())
        {
            blocks.Take(mark);
            switch (mark.Groups["word"].Value, mark.Groups["option"].Value)
            {
                case ("Up", "" or "notransaction"):
                    blocks.Begin(mark, down: false);
                    up &= mark.Groups["option"].Length == 0;
                    break;
                case ("Down", "" or "notransaction"):
                    blocks.Begin(mark, down: true);
                    down &= mark.Groups["option"].Length == 0;
                    break;
                case ("StatementBegin", "") when blocks.Bracket(mark, begins: true):
                case ("StatementEnd", "") when blocks.Bracket(mark, begins: false):
                    break;
                default:
                    throw blocks.Refusal(
                        mark,
                        "does not belong here",
                        "sql-migrate's words are Up, Down (both with notransaction at will), StatementBegin and StatementEnd");
            }
        }

        return blocks.Parts(up, down);
    }

    [GeneratedRegex(
        @"^-- \+migrate[ \t]+(?<word>\S+)[ \t]*(?<option>[^\n]*?)[ \t]*$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
