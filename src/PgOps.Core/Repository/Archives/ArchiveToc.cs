using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>An archive's table of contents with what each entry needs, as <c>pg_restore --list --verbose</c> gives it.</summary>
internal sealed class ArchiveToc
{
    private readonly Dictionary<int, TocEntry> _byId;

    private ArchiveToc(IReadOnlyList<TocEntry> entries)
    {
        Entries = entries;
        _byId = entries.ToDictionary(entry => entry.Id);
    }

    /// <summary>The entries, in the order in which they are restored.</summary>
    internal IReadOnlyList<TocEntry> Entries { get; }

    /// <summary>
    /// Whether it makes the schema public, as pg_dump writes it where the schema was asked for by name; every new database has it.
    /// </summary>
    internal bool MakesPublic { get; private init; }

    /// <summary>Schemas that it puts tables into and does not make: a dump of tables alone makes none.</summary>
    internal IReadOnlyList<string> AbsentSchemas => Entries.Any(entry => entry.Kind == "SCHEMA") ? [] :
        [.. Entries.Where(entry => entry.IsRelation).Select(entry => entry.Schema).Distinct().Except(["public"])];

    /// <summary>Reads it.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">The archive.</param>
    /// <param name="facts">
    /// The encoding of the names, and the roles that may own something: an entry's owner follows its name without a mark in between.
    /// </param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="PgOpsException">ToolFailed, DecryptionFailed.</exception>
    internal static async Task<ArchiveToc> ReadAsync(
        PostgresTool pgRestore, OpenedArchive archive, PgDatabaseFacts facts, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var list = new ToolCommand(pgRestore.Path, "--list", "--verbose")
        {
            OnOutput = lines.Add,
            Encoding = ServerEncoding.Of(facts.Encoding),
        };
        var result = await archive.RunAsync(list, cancellationToken).ConfigureAwait(false);
        result.EnsureSuccess("Nothing was restored.");
        var toc = Parse(lines, facts.Roles.Append(facts.Owner));
        if (toc.Public is not { } schema)
        {
            return toc;
        }

        // The list does not tell it from one that was only given to another owner.
        var statements = await ArchiveScript.ReadAsync(pgRestore, archive, [schema.Id], list.Encoding, cancellationToken)
            .ConfigureAwait(false);
        return new ArchiveToc(toc.Entries) { MakesPublic = statements.Any(one => one.Keywords is ["CREATE", "SCHEMA", ..]) };
    }

    /// <summary>Makes sense of the list's lines.</summary>
    internal static ArchiveToc Parse(IEnumerable<string> lines, IEnumerable<string> roles)
    {
        var owners = roles.Select(role => " " + role).OrderByDescending(role => role.Length).ToList();
        var read = new List<(TocLine Line, List<int> Needs)>();
        foreach (var line in lines)
        {
            if (TocLine.Read(line) is { } entry)
            {
                read.Add((entry with { Text = WithoutOwner(entry.Text, owners) }, []));
            }
            else if (read.Count > 0)
            {
                read[^1].Needs.AddRange(TocLine.ReadNeeds(line));
            }
        }

        // A schema's name may hold spaces: the longest one that fits is meant.
        var schemas = read.Where(entry => entry.Line.Kind == "SCHEMA").Select(entry => entry.Line.Text["- ".Length..]).Append("public")
            .Distinct()
            .OrderByDescending(schema => schema.Length).ToList();
        return new ArchiveToc([.. read.Select(Make)]);

        TocEntry Make((TocLine Line, List<int> Needs) read)
        {
            var entry = read.Line;
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
            made.Needs.AddRange(read.Needs);
            return made;
        }
    }

    /// <summary>The entry of the schema public; null where nothing is said of it.</summary>
    internal TocEntry? Public => Entries.FirstOrDefault(entry => entry is { Kind: "SCHEMA", Name: "public" });

    /// <summary>An entry by its number; null when the archive does not hold it.</summary>
    internal TocEntry? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>The entries that an entry needs and the archive holds.</summary>
    internal IEnumerable<TocEntry> NeededBy(TocEntry entry) => entry.Needs.Distinct().Select(Find).OfType<TocEntry>();

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
}
