using PgOps.Core.Common.Text;

namespace PgOps.Core.Comparison;

/// <summary>
/// Holds stored generated columns against each other. pg_dump leaves them out and a restore computes them anew, so a function that reads
/// another table may give another value there; virtual columns are nothing that could have been lost.
/// </summary>
internal static class GeneratedColumns
{
    /// <summary>The columns that differ, or that one side lacks; none where one side has no hashes.</summary>
    internal static IReadOnlyList<string> Differing(PgTableFingerprint expected, PgTableFingerprint? found)
        => expected.Generated is not { } one || found?.Generated is not { } other
            ? []
            :
            [
                .. one.Keys.Union(other.Keys).Order(StringComparer.Ordinal).Where(column =>
                    !string.Equals(one.GetValueOrDefault(column), other.GetValueOrDefault(column), StringComparison.OrdinalIgnoreCase)),
            ];

    /// <summary>The verdict on a table of which all else is equal.</summary>
    internal static PgTableVerdict Verdict(PgTableFingerprint expected, PgTableFingerprint found)
        => Differing(expected, found).Count > 0 ? PgTableVerdict.GeneratedColumnsDiffer
            : AreUnknown(expected, found) ? PgTableVerdict.GeneratedNotCompared
            : PgTableVerdict.Equal;

    /// <summary>The check.</summary>
    /// <param name="tables">The tables as they were compared.</param>
    /// <param name="difference">What is there.</param>
    /// <param name="depth">How deep both sides were looked at.</param>
    internal static PgCheck Check(
        IReadOnlyList<PgTableComparison> tables, IReadOnlyList<PgTableFingerprint> difference, PgFingerprintDepth depth)
    {
        if (depth != PgFingerprintDepth.Source)
        {
            return PgCheck.Skip(PgCheckName.GeneratedColumns, ContentComparison.NoHashes);
        }

        var wrong = tables.Where(table => table.DifferingColumns.Count > 0).ToList();
        if (wrong.Count > 0)
        {
            return PgCheck.Fail(PgCheckName.GeneratedColumns, "another content than expected: " + NameList.Of(wrong.Select(Describe)));
        }

        var unknown = tables.Where(table => table.Verdict == PgTableVerdict.GeneratedNotCompared).ToList();
        var count = difference.Sum(table => table.Generated?.Count ?? 0);
        return unknown.Count > 0
            ? PgCheck.Skip(
                PgCheckName.GeneratedColumns,
                "not compared, because the backup's manifest has no hashes of them (an earlier PgOps made it, or they could not be read): "
                    + NameList.Of(unknown.Select(table => $"{table.Schema}.{table.Name}")))
            : PgCheck.Pass(
                PgCheckName.GeneratedColumns,
                count == 0 ? "no table has stored generated columns" : $"the content hashes of {PgAmount.Of(count, "column")} are equal");
    }

    // Where one side has looked and found none, there is nothing to compare; the definitions are compared elsewhere.
    private static bool AreUnknown(PgTableFingerprint expected, PgTableFingerprint found)
        => (expected.Generated, found.Generated) switch
        {
            (null, null) => true,
            (null, { } there) => there.Count > 0,
            ({ } wanted, null) => wanted.Count > 0,
            _ => false,
        };

    private static string Describe(PgTableComparison table)
        => $"{table.Schema}.{table.Name} ({string.Join(", ", table.DifferingColumns)})";
}
