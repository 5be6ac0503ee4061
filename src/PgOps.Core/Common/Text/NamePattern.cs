using System.IO.Enumeration;

namespace PgOps.Core.Common.Text;

/// <summary>
/// How a person names several schemas or tables: as the catalog holds them, case counts, with * and ? for any characters.
/// </summary>
internal static class NamePattern
{
    /// <summary>What to tell whoever gave one that fits nothing.</summary>
    internal const string Advice = "Give names as the catalog holds them (case counts), * and ? for any characters";

    /// <summary>Whether a name fits.</summary>
    internal static bool Fits(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
