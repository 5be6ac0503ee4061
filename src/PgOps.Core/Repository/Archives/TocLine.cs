using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// An entry of an archive's table of contents, as a line of <c>pg_restore --list</c> gives it. The line puts schema, name and owner
/// behind each other without a mark in between; who knows schemas and roles tells them apart (<see cref="ArchiveToc"/>).
/// </summary>
/// <param name="Id">Its number, by which pg_restore's list names it.</param>
/// <param name="Oid">The object's oid in the source; 0 when it has none.</param>
/// <param name="Kind">What it is, in pg_dump's words: TABLE, TABLE DATA, FK CONSTRAINT…</param>
/// <param name="Text">Schema, name and owner.</param>
internal sealed partial record TocLine(int Id, uint Oid, string Kind, string Text)
{
    private const string Dependencies = ";\tdepends on:";

    // The kinds of two words and more (src/bin/pg_dump/pg_dump.c); any other kind is one word.
    private static readonly string[] LongKinds =
    [
        "ACCESS METHOD", "BLOB METADATA", "CHECK CONSTRAINT", "DATABASE PROPERTIES", "DEFAULT ACL", "EVENT TRIGGER", "FK CONSTRAINT",
        "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "INDEX ATTACH", "MATERIALIZED VIEW DATA", "MATERIALIZED VIEW", "OPERATOR CLASS",
        "OPERATOR FAMILY", "PROCEDURAL LANGUAGE", "PUBLICATION TABLES IN SCHEMA", "PUBLICATION TABLE", "ROW SECURITY", "SECURITY LABEL",
        "SEQUENCE OWNED BY", "SEQUENCE SET", "SHELL TYPE", "STATISTICS DATA", "SUBSCRIPTION TABLE", "TABLE ATTACH", "TABLE DATA",
        "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "USER MAPPING",
    ];

    /// <summary>Reads a line.</summary>
    /// <returns>Null when it is the list's head, a comment or what an entry depends on.</returns>
    internal static TocLine? Read(string line)
    {
        if (Entry().Match(line) is not { Success: true } entry)
        {
            return null;
        }

        var rest = entry.Groups[3].Value;
        var kind = LongKinds.FirstOrDefault(one => rest.StartsWith(one + " ", StringComparison.Ordinal)) ?? rest.Split(' ', 2)[0];
        return new TocLine(
            int.Parse(entry.Groups[1].Value, CultureInfo.InvariantCulture),
            uint.Parse(entry.Groups[2].Value, CultureInfo.InvariantCulture),
            kind,
            rest.Length > kind.Length ? rest[(kind.Length + 1)..] : "");
    }

    /// <summary>Reads the line below an entry that <c>--verbose</c> adds: the numbers of the entries it needs.</summary>
    internal static IEnumerable<int> ReadNeeds(string line) => line.StartsWith(Dependencies, StringComparison.Ordinal)
        ? line[Dependencies.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(number => int.Parse(number, CultureInfo.InvariantCulture))
        : [];

    /// <summary>A name as the list shows it: pg_restore writes line ends as spaces.</summary>
    internal static string Listed(string name) => name.Replace('\n', ' ').Replace('\r', ' ');

    /// <summary>The list of entries that <c>pg_restore --use-list</c> reads; it keeps their order.</summary>
    /// <param name="ids">Their numbers.</param>
    internal static string List(IEnumerable<int> ids)
        => string.Concat(ids.Select(id => string.Create(CultureInfo.InvariantCulture, $"{id};\n")));

    [GeneratedRegex(@"^(\d+); \d+ (\d+) (.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();
}
