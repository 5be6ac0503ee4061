using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>dbmate's files: <c>-- migrate:up</c> and <c>-- migrate:down</c> sections, each with <c>transaction:false</c> at will.</summary>
internal sealed partial class DbmateFiles : SectionedFiles
{
    private const string UpMarker = "-- migrate:up";

    internal override MigrationShape Shape => MigrationShape.Dbmate;

    internal override string Kind => "dbmate files";

    protected override bool IsMarked(string text) => text.Contains("migrate:", StringComparison.Ordinal) && Marker().IsMatch(text);

    protected override bool HasDown(string text) => Marker().Matches(text).Any(marker => marker.Groups["section"].Value == "down");

    protected override (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text)
        => (Section(file, text, "up"), Section(file, text, "down"));

    private static ScriptPart Section(MigrationFile file, string text, string wanted)
    {
        var markers = Marker().Matches(text);
        if (markers.Count == 0 || markers[0].Groups["section"].Value != "up")
        {
            var offset = markers.Count == 0 ? 0 : markers[0].Index;
            throw ScriptPart.Invalid(file, text, offset, $"no '{UpMarker}' stands before this", $"begin the file with '{UpMarker}'");
        }

        ScriptPart.RefuseHead(file, text, markers[0].Index, UpMarker);
        ScriptPart? part = null;
        for (var index = 0; index < markers.Count; index++)
        {
            var marker = markers[index];
            var section = marker.Groups["section"].Value;
            if (markers.Take(index).Any(earlier => earlier.Groups["section"].Value == section))
            {
                throw ScriptPart.Invalid(
                    file, text, marker.Index, $"a second '-- migrate:{section}'", "keep one section of each kind, or split the file");
            }

            if (section == wanted)
            {
                var end = index + 1 < markers.Count ? markers[index + 1].Index : text.Length;
                part = new ScriptPart(
                    ScriptPart.Keep(text, markers[0].Index, marker.Index + marker.Length, end), Transactional(file, text, marker));
            }
        }

        return part ?? new ScriptPart(ScriptPart.Keep(text, 0, 0, 0));
    }

    private static bool Transactional(MigrationFile file, string text, Match marker)
    {
        var transactional = true;
        foreach (var option in marker.Groups["options"].Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            transactional = option switch
            {
                "transaction:false" => false,
                "transaction:true" => true,
                _ => throw ScriptPart.Invalid(
                    file, text, marker.Index, $"'{option}' is not an option of a section", "the one there is: transaction:false"),
            };
        }

        return transactional;
    }

    [GeneratedRegex(
        @"^--[ \t]*migrate:(?<section>up|down)(?<options>(?:[ \t][^\n]*)?)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Marker();
}
