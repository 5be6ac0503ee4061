using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// goose's files: <c>-- +goose Up</c> and <c>Down</c> sections, <c>NO TRANSACTION</c> for both, wherever it stands. ENVSUB, which replaces
/// <c>${name}</c> by environment variables, is refused where it is turned on: PgOps has -Variable for that.
/// </summary>
internal sealed partial class GooseFiles : SectionedFiles
{
    internal override MigrationShape Shape => MigrationShape.Goose;

    internal override string Kind => "goose files";

    protected override bool IsMarked(string text) => text.Contains("+goose", StringComparison.Ordinal) && Mark().IsMatch(text);

    protected override bool HasDown(string text) => Mark().Matches(text).Any(mark => WordOf(mark) == "DOWN");

    protected override (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text)
    {
        var blocks = new StatementBlocks(file, text, "goose");
        var transactional = true;
        foreach (var mark in Mark().Matches(text).Cast<Match>())
        {
            blocks.Take(mark);
            switch (WordOf(mark))
            {
                case "UP" when !blocks.Has(down: false) && !blocks.Has(down: true):
                    blocks.Begin(mark, down: false);
                    break;
                case "DOWN" when blocks.Has(down: false) && !blocks.Has(down: true):
                    blocks.Begin(mark, down: true);
                    break;
                case "NO TRANSACTION":
                    transactional = false;
                    break;
                case "ENVSUB OFF":
                case "STATEMENTBEGIN" when blocks.Bracket(mark, begins: true):
                case "STATEMENTEND" when blocks.Bracket(mark, begins: false):
                    break;
                case "ENVSUB ON":
                    throw blocks.Refusal(
                        mark,
                        "has goose put environment variables in, which PgOps does not",
                        "take the mark out and give the values with -Variable @{ name = '…' }, which replaces ${name}");
                default:
                    throw blocks.Refusal(
                        mark,
                        "does not belong here",
                        "goose's words are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF");
            }
        }

        return blocks.Parts(transactional, transactional);
    }

    private static string WordOf(Match mark)
        => string.Join(' ', mark.Groups["word"].Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToUpperInvariant();

    [GeneratedRegex(@"^--[ \t]*\+goose[ \t]+(?<word>[^\n]*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
