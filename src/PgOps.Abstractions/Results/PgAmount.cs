using System.Globalization;

namespace PgOps;

/// <summary>Writes how many things there are, the same in every culture.</summary>
public static class PgAmount
{
    /// <summary>A number and its noun, in the singular for one.</summary>
    /// <param name="number">How many.</param>
    /// <param name="thing">The noun in the singular.</param>
    /// <returns>For example <c>1 table</c>, <c>20,000 tables</c> or <c>2 entries</c>.</returns>
    public static string Of(long number, string thing)
    {
        ArgumentNullException.ThrowIfNull(thing);
        return string.Create(CultureInfo.InvariantCulture, $"{number:N0} {(number == 1 ? thing : Plural(thing))}");
    }

    private static string Plural(string thing) => thing switch
    {
        [.. var stem, not ('a' or 'e' or 'i' or 'o' or 'u'), 'y'] => $"{thing[..(stem.Length + 1)]}ies",
        [.., 'x'] => $"{thing}es",
        _ => $"{thing}s",
    };
}
