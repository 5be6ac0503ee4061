namespace PgOps.Core.Migrations.History;

/// <summary>The history's own words for states and kinds: the names in lower case.</summary>
internal static class HistoryWords
{
    /// <summary>The word that the table holds.</summary>
    internal static string Of<T>(T value)
        where T : struct, Enum => Words<T>.All[value];

    /// <summary>Reads a word. The table's own constraint lets no other in.</summary>
    /// <exception cref="PgOpsException">HistoryTampered: no such word.</exception>
    internal static T Parse<T>(string word)
        where T : struct, Enum => Words<T>.ByWord.TryGetValue(word, out var value)
            ? value
            : throw new PgOpsException(
                PgErrorCode.HistoryTampered,
                $"The history holds '{word}', which this PgOps does not know.",
                "Nothing was touched.",
                "A newer PgOps may have written it: update the module.");

    private static class Words<T>
        where T : struct, Enum
    {
        internal static readonly IReadOnlyDictionary<T, string> All = Enum.GetValues<T>()
            .ToDictionary(value => value, value => value.ToString().ToLowerInvariant());

        internal static readonly IReadOnlyDictionary<string, T> ByWord =
            All.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
    }
}
