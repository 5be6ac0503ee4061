using System.Globalization;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Archives;

/// <summary>An archive's table of contents with what each entry needs, as <c>pg_restore --list --verbose</c> gives it.</summary>
internal sealed partial class ArchiveToc
{
    // The kinds of two words and more (src/bin/pg_dump/pg_dump.c); any other kind is one word.
    private static readonly string[] LongKinds =
    [
        "ACCESS METHOD", "BLOB METADATA", "CHECK CONSTRAINT", "DATABASE PROPERTIES", "DEFAULT ACL", "EVENT TRIGGER", "FK CONSTRAINT",
        "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "INDEX ATTACH", "MATERIALIZED VIEW DATA", "MATERIALIZED VIEW", "OPERATOR CLASS",
        "OPERATOR FAMILY", "PROCEDURAL LANGUAGE", "PUBLICATION TABLES IN SCHEMA", "PUBLICATION TABLE", "ROW SECURITY", "SECURITY LABEL",
        "SEQUENCE OWNED BY", "SEQUENCE SET", "SHELL TYPE", "STATISTICS DATA", "SUBSCRIPTION TABLE", "TABLE ATTACH", "TABLE DATA",
        "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "USER MAPPING",
    ];

    private readonly Dictionary<int, TocEntry> _byId;

    private ArchiveToc(IReadOnlyList<TocEntry> entries)
    {
        Entries = entries;
        _byId = entries.ToDictionary(entry => entry.Id);
    }

    /// <summary>The entries, in the order in which they are restored.</summary>
    internal IReadOnlyList<TocEntry> Entries { get; }

    /// <summary>Reads it.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">The archive.</param>
    /// <param name="roles">The roles that may own something: an entry's owner follows its name without a mark in between.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="PgOpsException">ToolFailed, DecryptionFailed.</exception>
    internal static async Task<ArchiveToc> ReadAsync(
        PostgresTool pgRestore, OpenedArchive archive, IEnumerable<string> roles, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var result = await archive.RunAsync(
            new ToolCommand(pgRestore.Path, "--list", "--verbose") { OnOutput = lines.Add }, cancellationToken).ConfigureAwait(false);
        result.EnsureSuccess("Nothing was restored.");
        return Parse(lines, roles);
    }

    /// <summary>Makes sense of the list's lines.</summary>
    internal static ArchiveToc Parse(IEnumerable<string> lines, IEnumerable<string> roles)
    {
        var owners = roles.Select(role => " " + role).OrderByDescending(role => role.Length).ToList();
        var read = new List<(int Id, string Kind, string Text, List<int> Needs)>();
        foreach (var line in lines)
        {
            if (Entry().Match(line) is { Success: true } entry)
            {
                var text = entry.Groups[2].Value;
                var kind = LongKinds.FirstOrDefault(one => text.StartsWith(one + " ", StringComparison.Ordinal)) ?? text.Split(' ', 2)[0];
                var rest = text.Length > kind.Length ? text[(kind.Length + 1)..] : "";
                read.Add((int.Parse(entry.Groups[1].Value, CultureInfo.InvariantCulture), kind, WithoutOwner(rest, owners), []));
            }
            else if (read.Count > 0 && line.StartsWith(Dependencies, StringComparison.Ordinal))
            {
                read[^1].Needs.AddRange(line[Dependencies.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(number => int.Parse(number, CultureInfo.InvariantCulture)));
            }
        }

        // A schema's name may hold spaces: the longest one that fits is meant.
        var schemas = read.Where(entry => entry.Kind == "SCHEMA").Select(entry => entry.Text["- ".Length..]).Append("public").Distinct()
            .OrderByDescending(schema => schema.Length).ToList();
        return new ArchiveToc([.. read.Select(Make)]);

        TocEntry Make((int Id, string Kind, string Text, List<int> Needs) entry)
        {
            var schema = entry.Text.StartsWith("- ", StringComparison.Ordinal)
                ? "-"
                : schemas.Find(one => entry.Text.StartsWith(one + " ", StringComparison.Ordinal)) ?? entry.Text.Split(' ', 2)[0];
            var made = new TocEntry
            {
                Id = entry.Id,
                Kind = entry.Kind,
                Schema = schema,
                Name = entry.Text.Length > schema.Length ? entry.Text[(schema.Length + 1)..] : "",
            };
            made.Needs.AddRange(entry.Needs);
            return made;
        }
    }

    /// <summary>An entry by its number; null when the archive does not hold it.</summary>
    internal TocEntry? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>The entries that an entry needs and the archive holds.</summary>
    internal IEnumerable<TocEntry> NeededBy(TocEntry entry) => entry.Needs.Distinct().Select(Find).OfType<TocEntry>();

    /// <summary>A name as the list shows it: pg_restore writes line ends as spaces.</summary>
    internal static string Listed(string name) => name.Replace('\n', ' ').Replace('\r', ' ');

    private static string WithoutOwner(string rest, List<string> owners)
    {
        if (rest.EndsWith(' '))
        {
            return rest[..^1];
        }

        var owner = owners.Find(one => rest.EndsWith(one, StringComparison.Ordinal));
        var length = owner is null ? rest.Length - Math.Max(rest.LastIndexOf(' '), 0) : owner.Length;
        return rest[..^length];
    }

    private const string Dependencies = ";\tdepends on:";

    [GeneratedRegex(@"^(\d+); \d+ \d+ (.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();
}
