using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// Options named pg_…, which PostgreSQL keeps among those of columns for itself: pg_attver, a number that is another one after each
/// restore. pg_dump leaves them out, and so does the inventory; an older PgOps hashed them with the rest.
/// </summary>
internal static partial class InternalOptions
{
    /// <summary>Why a column of an older manifest that differs says nothing.</summary>
    internal const string WhyNotCompared =
        "an older PgOps hashed their definitions together with options that PostgreSQL keeps for itself (pg_attver), which are "
        + "others after each restore: a new backup can be compared";

    private const string Explanation =
        "The dump was made by a pg_dump older than its server and holds an option that newer servers keep for themselves: restore to a "
        + "server as new as the source was, or back up again with client programs as new as the server.";

    // The first minor release of each major version that may write them. 15.20 was looked at, 15.18 and those beside it have none.
    private static readonly Dictionary<int, int> Since = new() { [14] = 25, [15] = 20, [16] = 16, [17] = 12, [18] = 6 };

    /// <summary>An expression: the options that somebody has given, in one order; null where there are none.</summary>
    /// <param name="options">An array like attoptions or reloptions.</param>
    internal static string LeftOutOf(string options)
        => $"(SELECT string_agg(o, ', ' ORDER BY o COLLATE \"C\") FROM unnest({options}) o WHERE o !~ '^pg_')";

    /// <summary>Whether a server keeps such options.</summary>
    /// <param name="version">server_version_num.</param>
    internal static bool AreKeptBy(int version) => AreKnownTo(version / 10000, version % 10000);

    /// <summary>What to say of a dump that holds them; null when it does not.</summary>
    /// <param name="tool">pg_dump's version, for example 15.18.</param>
    /// <param name="server">The server.</param>
    internal static string? WarningOf(string tool, PgServerFacts server)
        => AreKeptBy(server.VersionNumber)
            && Version().Match(tool) is { Success: true } version && !AreKnownTo(Number(version, 1), Number(version, 2))
            ? $"pg_dump {tool} does not know the options that PostgreSQL {server.Version} keeps for itself (pg_attver) and dumps them: the "
                + "backup can be restored only to servers that know them. Client programs as new as the server (-BinPath) leave them out."
            : null;

    /// <summary>What pg_restore or psql said, and what it means where they stopped at such an option.</summary>
    /// <param name="complaints">Their lines.</param>
    internal static IEnumerable<string> Explained(IReadOnlyCollection<string> complaints)
        => complaints.Any(line => Unknown().IsMatch(line)) ? complaints.Append(Explanation) : complaints;

    private static bool AreKnownTo(int major, int minor)
        => major > Since.Keys.Max() || (Since.TryGetValue(major, out var first) && minor >= first);

    private static int Number(Match version, int group)
        => version.Groups[group].Success ? int.Parse(version.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"^(\d+)(?:\.(\d+))?", RegexOptions.CultureInvariant)]
    private static partial Regex Version();

    // The name is not a word of any language, so it stands in every server's message.
    [GeneratedRegex("\"pg_attver\"", RegexOptions.CultureInvariant)]
    private static partial Regex Unknown();
}
