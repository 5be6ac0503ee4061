using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Repository.Archives;

/// <summary>The sequences' positions in what pg_restore writes as a script.</summary>
internal sealed partial class ArchivedPositions
{
    private readonly Dictionary<(string Schema, string Name), (long LastValue, bool IsCalled)> _set = [];

    /// <summary>Takes a line of the script.</summary>
    internal void Read(string line)
    {
        var match = Setval().Match(line);
        if (match.Success && Names(match.Groups[1].Value, match.Groups[2].Value) is { } name)
        {
            _set[name] = (long.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture), match.Groups[4].Value == "true");
        }
    }

    /// <summary>Positions as the script sets them, where it does.</summary>
    /// <param name="positions">All sequences.</param>
    /// <param name="only">Whether those that it does not set are left out.</param>
    internal IReadOnlyList<PgSequencePosition> Apply(IReadOnlyList<PgSequencePosition> positions, bool only) =>
    [
        .. positions.Where(position => !only || _set.ContainsKey((position.Schema, position.Name))).Select(position => _set.TryGetValue((position.Schema, position.Name), out var dumped)
            ? position with { LastValue = dumped.LastValue, IsCalled = dumped.IsCalled }
            : position),
    ];

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

    [GeneratedRegex(@"^SELECT pg_catalog\.setval\(\s*(E?)'((?:[^']|'')*)', (-?\d+), (true|false)\);$", RegexOptions.CultureInvariant)]
    private static partial Regex Setval();

    [GeneratedRegex(@"^(""(?:[^""]|"""")*""|[^"".]+)\.(""(?:[^""]|"""")*""|[^"".]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Qualified();
}
