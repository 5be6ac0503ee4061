using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// node-pg-migrate's SQL files: <c>-- Up Migration</c> and <c>-- Down Migration</c> sections, the first of each kind, in either order;
/// a file without marks is run whole and has nothing that undoes it.
/// </summary>
internal sealed partial class NodePgMigrateFiles : SectionedFiles
{
    private const string UpMark = "-- Up Migration";

    internal override MigrationShape Shape => MigrationShape.NodePgMigrate;

    internal override string Kind => "node-pg-migrate files";

    internal override bool TakesPlainFiles => true;

    // A file of which only one half is marked is left to the plain files, and refused there where it would run both.
    protected override bool IsMarked(string text)
        => text.Contains("migration", StringComparison.OrdinalIgnoreCase)
            && AnyIsComment(text, Up().Matches(text)) && AnyIsComment(text, Down().Matches(text));

    protected override bool HasDown(string text) => Down().IsMatch(text);

    protected override (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text)
    {
        var up = Up().Match(text);
        var down = Down().Match(text);
        if (!up.Success)
        {
            throw ScriptPart.Invalid(file, text, 0, $"the file has no '{UpMark}'", $"write '{UpMark}' above what is to be done");
        }

        if ((up.NextMatch() is { Success: true } more ? more : down.NextMatch()) is { Success: true } second)
        {
            throw ScriptPart.Invalid(
                file, text, second.Index, $"a second '{second.Value.Trim()}', which node-pg-migrate passes over",
                    "keep one section of each kind");
        }

        var head = down.Success ? Math.Min(up.Index, down.Index) : up.Index;
        ScriptPart.RefuseHead(file, text, head, UpMark);
        var upEnd = down.Success && down.Index > up.Index ? down.Index : text.Length;
        var downEnd = !down.Success ? 0 : up.Index > down.Index ? up.Index : text.Length;
        return (
            new ScriptPart(ScriptPart.Keep(text, head, up.Index + up.Length, upEnd)),
            new ScriptPart(ScriptPart.Keep(text, head, down.Success ? down.Index + down.Length : 0, downEnd)));
    }

    [GeneratedRegex(
        @"^[ \t]*--[\t -]*up[ \t]+migration\b[^\n]*", RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Up();

    [GeneratedRegex(
        @"^[ \t]*--[\t -]*down[ \t]+migration\b[^\n]*", RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Down();
}
