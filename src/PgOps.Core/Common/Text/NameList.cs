using System.Globalization;

namespace PgOps.Core.Common.Text;

/// <summary>Names in a check's detail: the first twenty, and how many more there are.</summary>
internal static class NameList
{
    private const int Most = 20;

    /// <summary>Joins them.</summary>
    internal static string Of(IEnumerable<string> names)
    {
        var all = names.ToList();
        var shown = string.Join("; ", all.Take(Most));
        return all.Count > Most ? string.Create(CultureInfo.InvariantCulture, $"{shown}; and {all.Count - Most} more") : shown;
    }
}
