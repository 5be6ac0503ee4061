using System.Text.RegularExpressions;

namespace PgOps.Core.Repository.Archives;

/// <summary>The comments that pg_dump and pg_dumpall begin and end a plain script with.</summary>
internal static partial class DumpMarks
{
    /// <summary>The first comment of a database's dump.</summary>
    internal const string Head = "PostgreSQL database dump";

    /// <summary>The first comment of a cluster's dump, which database dumps with their own follow.</summary>
    internal const string ClusterHead = "PostgreSQL database cluster dump";

    /// <summary>The last comment of a database's dump.</summary>
    internal const string End = Head + " complete";

    /// <summary>The last comment of a cluster's dump.</summary>
    internal const string ClusterEnd = ClusterHead + " complete";

    /// <summary>What a script lacks that does not end with it, in words.</summary>
    internal const string NoEnd = $"the end is missing: \"{End}\"";

    /// <summary>Whether a line of a script's first ones is a head.</summary>
    internal static bool BeginIn(string text) => HeadLine().IsMatch(text);

    /// <summary>Whether a line of a script's last ones is an end.</summary>
    internal static bool EndIn(string text) => EndLine().IsMatch(text);

    [GeneratedRegex($@"^-- (?:{Head}|{ClusterHead})\r?$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex HeadLine();

    [GeneratedRegex($@"^-- (?:{End}|{ClusterEnd})\r?$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex EndLine();
}
