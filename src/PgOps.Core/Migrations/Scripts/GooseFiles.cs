using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// goose's files: <c>-- +goose Up</c> and <c>Down</c> sections, <c>NO TRANSACTION</c> for both. <c>StatementBegin</c> and
/// <c>StatementEnd</c> keep goose from cutting at semicolons; PostgreSQL's own rules need no such help, so what stands between them
/// is cut by those rules, and the markers only end the statements around them.
/// </summary>
internal sealed partial class GooseFiles : MigrationSource
{
    private const string UpMarker = "-- +goose Up";
    private const string Known = "goose's words are Up, Down, StatementBegin, StatementEnd and NO TRANSACTION";

    internal override MigrationShape Shape => MigrationShape.Goose;

    internal override string Kind => "goose files";

    protected override bool Take(SourceEntry entry)
    {
        if (!entry.IsFolder && GoName().IsMatch(entry.Name))
        {
            Stray(entry.Name, "a goose migration in Go, which only goose can run: rewrite it in SQL");
            return true;
        }

        var match = NumberedFiles.NameOf(entry);
        if (!match.Success || match.Groups["suffix"].Success
            || !entry.Text.Contains("+goose", StringComparison.Ordinal) || !Marker().IsMatch(entry.Text))
        {
            return false;
        }

        var version = match.Groups["version"].Value;
        var name = match.Groups["name"].Value;
        Files.Add(new MigrationFile(version, name, entry.FullPath, entry.Content)
        {
            Section = (file, text) => Sections(file, text).Up,
            Down = Marker().Matches(entry.Text).Any(marker => WordOf(marker) == "DOWN")
                ? new MigrationFile(version, name, entry.FullPath, entry.Content) { Section = (file, text) => Sections(file, text).Down }
                : null,
        });
        return true;
    }

    private static string WordOf(Match marker)
        => string.Join(' ', marker.Groups["word"].Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToUpperInvariant();

    private static (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text)
    {
        Match? up = null;
        Match? down = null;
        Match? block = null;
        var transactional = true;
        var cut = text.ToCharArray();
        var head = text.Length;
        foreach (var marker in Marker().Matches(text).Cast<Match>())
        {
            head = Math.Min(head, marker.Index);
            var word = WordOf(marker);
            if (block is not null && word != "STATEMENTEND")
            {
                throw ScriptPart.Invalid(
                    file, text, block.Index, "this StatementBegin has no StatementEnd", "add '-- +goose StatementEnd'");
            }

            switch (word)
            {
                case "UP" when up is null && down is null:
                    up = marker;
                    break;
                case "DOWN" when up is not null && down is null:
                    down = marker;
                    break;
                case "NO TRANSACTION":
                    transactional = false;
                    break;
                case "STATEMENTBEGIN" when up is not null:
                    block = marker;
                    cut[marker.Index] = ';';
                    break;
                case "STATEMENTEND" when block is not null:
                    block = null;
                    cut[marker.Index] = ';';
                    break;
                default:
                    throw ScriptPart.Invalid(file, text, marker.Index, $"'{marker.Value.Trim()}' does not belong here", Known);
            }

            for (var index = marker.Index; index < marker.Index + marker.Length; index++)
            {
                cut[index] = cut[index] == ';' && index == marker.Index ? ';' : ' ';
            }
        }

        if (up is null || block is not null)
        {
            throw up is null
                ? ScriptPart.Invalid(file, text, 0, $"the file has no '{UpMarker}'", $"begin it with '{UpMarker}'")
                : ScriptPart.Invalid(file, text, block!.Index, "this StatementBegin has no StatementEnd", "add '-- +goose StatementEnd'");
        }

        ScriptPart.RefuseHead(file, text, head, UpMarker);
        var blanked = new string(cut);
        var upEnd = down?.Index ?? text.Length;
        return (
            new ScriptPart(ScriptPart.Keep(blanked, head, up.Index, upEnd), transactional),
            new ScriptPart(ScriptPart.Keep(blanked, head, upEnd, text.Length), transactional));
    }

    [GeneratedRegex(@"^--[ \t]*\+goose[ \t]+(?<word>[^\n]*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Marker();

    [GeneratedRegex(@"^[0-9]+_.+\.go$", RegexOptions.CultureInvariant)]
    private static partial Regex GoName();
}
