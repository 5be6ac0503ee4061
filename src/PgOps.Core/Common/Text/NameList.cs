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
    internal static string Lines(IEnumerable<string> lines, int most) => Lines([.. lines], most, line => line);

    /// <summary>A line for each, or several lines, indented.</summary>
    /// <param name="things">What the lines are about.</param>
    /// <param name="most">How many are shown.</param>
    /// <param name="text">The text of one; it is asked for those alone that are shown.</param>
    internal static string Lines<T>(IReadOnlyCollection<T> things, int most, Func<T, string> text)
        => string.Concat(things.Take(most).Select(thing => "\n  " + text(thing).Replace("\n", "\n  ", StringComparison.Ordinal)))
            + (things.Count > most ? $"\n  … and {More(things.Count, most)}" : "");

    private static string Join(List<string> names, int most, string between, string beforeMore)
        => string.Join(between, names.Take(most)) + (names.Count > most ? beforeMore + More(names.Count, most) : "");

    private static string More(int count, int most) => string.Create(CultureInfo.InvariantCulture, $"{count - most} more");
}
