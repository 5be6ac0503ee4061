using System.Globalization;

namespace PgOps.Core.Common.Text;

/// <summary>Numbers of things in messages.</summary>
internal static class Amount
{
    /// <summary>For example "1 table" or "20,000 tables".</summary>
    /// <param name="number">How many.</param>
    /// <param name="thing">The noun in the singular.</param>
    internal static string Of(long number, string thing)
        => string.Create(CultureInfo.InvariantCulture, $"{number:N0} {thing}{(number == 1 ? "" : thing.EndsWith('x') ? "es" : "s")}");
}
