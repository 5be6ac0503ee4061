using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.ClientTools;

namespace PgOps.Core.Backups;

/// <summary>An archive's own table of contents, as <c>pg_restore --list</c> reads it back.</summary>
internal sealed partial class ArchiveContents
{
    private readonly List<Entry> _tableData = [];
    private readonly List<string> _sequences = [];

    /// <summary>Entries of every kind.</summary>
    internal int Entries { get; private set; }

    /// <summary>Tables with data in the archive.</summary>
    internal int TableCount => _tableData.Count;

    /// <summary>Oids, in the source, of the tables with data in the archive.</summary>
    internal IReadOnlySet<uint> TableOids => _tableData.Select(entry => entry.Oid).ToHashSet();

    /// <summary>Reads the table of contents.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <param name="input">The archive's bytes, in place of the file.</param>
    /// <exception cref="PgOpsException">ToolFailed when pg_restore cannot read it or is not content with it.</exception>
    internal static async Task<ArchiveContents> ReadAsync(
        PostgresTool pgRestore, string archive, CancellationToken cancellationToken, Stream? input = null)
    {
        var contents = new ArchiveContents();
        var result = await ToolProcess.RunAsync(
            new ToolCommand(pgRestore.Path, input is null ? ["--list", archive] : ["--list"]) { OnOutput = contents.Add, Input = input },
            cancellationToken).ConfigureAwait(false);
        result.EnsureSuccess();
        return result.Errors.Count == 0 ? contents : throw result.Error();
    }

    /// <summary>The tables that have no data in the archive.</summary>
    internal IReadOnlyList<PgTableFingerprint> Missing(IEnumerable<PgTableFingerprint> tables)
    {
        // A name may hold spaces, so the owner's cannot be told from it: every prefix that ends at a space may be the table.
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _tableData)
        {
            for (var space = entry.Rest.IndexOf(' ', StringComparison.Ordinal); space >= 0; space = entry.Rest.IndexOf(' ', space + 1))
            {
                present.Add(entry.Rest[..space]);
            }
        }

        return [.. tables.Where(table => !present.Contains(Listed($"{table.Schema} {table.Name}")))];
    }

    /// <summary>
    /// Reads the positions that a restore will set. Sequences obey no snapshot, so what pg_dump read is the only truth about the archive.
    /// </summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="scratch">A folder for a short-lived file.</param>
    /// <param name="positions">What the source said a moment ago; gives names and steps.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    internal async Task<IReadOnlyList<PgSequencePosition>> SequencesAsync(
        PostgresTool pgRestore, string archive, string scratch, IReadOnlyList<PgSequencePosition> positions, CancellationToken cancellationToken)
    {
        if (_sequences.Count == 0)
        {
            return positions;
        }

        var set = new Dictionary<(string Schema, string Name), (long LastValue, bool IsCalled)>();
        var list = Path.Combine(scratch, ".sequences");
        await DurableFile.WriteAsync(list, Encoding.UTF8.GetBytes(string.Join('\n', _sequences) + "\n"), cancellationToken).ConfigureAwait(false);
        try
        {
            var result = await ToolProcess.RunAsync(
                new ToolCommand(pgRestore.Path, "--file=-", "--use-list=" + list, archive) { OnOutput = ReadSetval }, cancellationToken)
                .ConfigureAwait(false);
            result.EnsureSuccess();
        }
        finally
        {
            File.Delete(list);
        }

        return
        [
            .. positions.Select(position => set.TryGetValue((position.Schema, position.Name), out var dumped)
                ? position with { LastValue = dumped.LastValue, IsCalled = dumped.IsCalled }
                : position),
        ];

        void ReadSetval(string line)
        {
            var match = Setval().Match(line);
            if (match.Success && Names(match.Groups[1].Value, match.Groups[2].Value) is { } name)
            {
                set[name] = (long.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture), match.Groups[4].Value == "true");
            }
        }
    }

    internal void Add(string line)
    {
        var match = Line().Match(line);
        if (!match.Success)
        {
            return;
        }

        Entries++;
        var rest = match.Groups[2].Value;
        if (rest.StartsWith("TABLE DATA ", StringComparison.Ordinal))
        {
            _tableData.Add(new Entry(uint.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), rest["TABLE DATA ".Length..]));
        }
        else if (rest.StartsWith("SEQUENCE SET ", StringComparison.Ordinal))
        {
            _sequences.Add(line);
        }
    }

    /// <summary>Takes a literal and the two identifiers in it apart.</summary>
    private static (string Schema, string Name)? Names(string escape, string literal)
    {
        var text = literal.Replace("''", "'", StringComparison.Ordinal);
        if (escape.Length > 0)
        {
            text = text.Replace("\\\\", "\\", StringComparison.Ordinal);
        }

        var match = Qualified().Match(text);
        return match.Success ? (Bare(match.Groups[1].Value), Bare(match.Groups[2].Value)) : null;

        static string Bare(string identifier)
            => identifier[0] == '"' ? identifier[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : identifier;
    }

    // pg_restore writes line ends in names as spaces.
    private static string Listed(string name) => name.Replace('\n', ' ').Replace('\r', ' ');

    [GeneratedRegex(@"^\d+; \d+ (\d+) (.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Line();

    [GeneratedRegex(@"^SELECT pg_catalog\.setval\(\s*(E?)'((?:[^']|'')*)', (-?\d+), (true|false)\);$", RegexOptions.CultureInvariant)]
    private static partial Regex Setval();

    [GeneratedRegex(@"^(""(?:[^""]|"""")*""|[^"".]+)\.(""(?:[^""]|"""")*""|[^"".]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Qualified();

    private sealed record Entry(uint Oid, string Rest);
}
