using System.Globalization;

namespace PgOps.Core.Common.Text;

/// <summary>Names in messages: the first of them, and how many more there are.</summary>
internal static class NameList
{
    private const int MostInCheck = 20;
    private const int MostInSentence = 5;

    /// <summary>For a check's detail: up to twenty, with semicolons.</summary>
    internal static string Of(IEnumerable<string> names) => Join([.. names], MostInCheck, "; ", "; and ");

    /// <summary>For a sentence: up to five, or as many as are given, with commas.</summary>
    internal static string InSentence(IEnumerable<string> names, int most = MostInSentence) => Join([.. names], most, ", ", " and ");

    /// <summary>A line for each, indented.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="most">How many are shown.</param>
    internal static string Lines(IEnumerable<string> lines, int most)
    {
        var all = lines.ToList();
        return string.Concat(all.Take(most).Select(line => "\n  " + line)) + (all.Count > most ? $"\n  … and {More(all, most)}" : "");
    }

    private static string Join(List<string> names, int most, string between, string beforeMore)
        => string.Join(between, names.Take(most)) + (names.Count > most ? beforeMore + More(names, most) : "");

    private static string More(List<string> names, int most) => string.Create(CultureInfo.InvariantCulture, $"{names.Count - most} more");
}
