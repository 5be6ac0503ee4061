using System.Text.RegularExpressions;

namespace PgOps.Core.Objects;

/// <summary>Two definitions of one object for a check's detail: long ones are cut to the place where they part.</summary>
internal static partial class DefinitionPair
{
    /// <summary>The most characters shown of each.</summary>
    internal const int Width = 120;

    private const int Before = 40;

    /// <summary>Shows both.</summary>
    /// <param name="expected">The reference's definition; null where only its hash is known.</param>
    /// <param name="found">The definition that is there; null where only its hash is known.</param>
    internal static string Describe(string? expected, string? found)
    {
        var (one, other) = (Line(expected), Line(found));
        if (one == other)
        {
            // They part in white space alone.
            (one, other) = (Escaped(expected), Escaped(found));
        }

        // Both from the same place, so that the eye finds what differs; the end is shown where they part near it.
        var parting = one is null || other is null ? 0 : one.AsSpan().CommonPrefixLength(other);
        var start = Math.Max(0, Math.Min(parting - Before, Math.Max(one?.Length ?? 0, other?.Length ?? 0) - Width));
        return $"expected: {Cut(one, start)} / found: {Cut(other, start)}";
    }

    private static string Cut(string? text, int start)
    {
        if (string.IsNullOrEmpty(text))
        {
            return text is null ? "not known, only its hash was kept" : "nothing";
        }

        var end = Math.Min(text.Length, start + Width);
        return $"{(start > 0 ? "…" : "")}{text[start..end]}{(end < text.Length ? "…" : "")}";
    }

    private static string? Line(string? definition)
        => definition is null ? null : Blank().Replace(ArrayCasts.Distribute(definition), " ").Trim();

    private static string? Escaped(string? definition) => definition is null ? null : Blank().Replace(
        ArrayCasts.Distribute(definition), blank => blank.Value.Replace("\r", "\\r", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal));

    [GeneratedRegex(@"[\s\p{C}]+", RegexOptions.CultureInvariant)]
    private static partial Regex Blank();
}
