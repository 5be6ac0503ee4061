using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Comparison;

/// <summary>
/// Compares what two databases hold, table by table and sequence by sequence. The one definition of "equal" behind the restore's
/// check, the drill and <c>Compare-PgDatabase</c>.
/// </summary>
internal sealed class ContentComparison
{
    /// <summary>Why a foreign dump's checks are skipped.</summary>
    internal const string NothingToCompare = "a dump that PgOps did not make has no manifest to compare with";

    /// <summary>Why content is not compared.</summary>
    internal const string NoHashes = "the manifest holds no content hashes (the backup was made without -Fingerprint Source)";

    private ContentComparison(IReadOnlyList<PgTableComparison> tables, IReadOnlyList<PgCheck> checks, long rows)
    {
        Tables = tables;
        Checks = checks;
        Rows = rows;
    }

    /// <summary>One result per table, ordered by schema and name.</summary>
    internal IReadOnlyList<PgTableComparison> Tables { get; }

    /// <summary>tables, row-counts, content, generated-columns, materialized-views, sequences.</summary>
    internal IReadOnlyList<PgCheck> Checks { get; }

    /// <summary>Whether every table's content was hashed on both sides and found equal.</summary>
    internal bool ContentEqual { get; private init; }

    /// <summary>Rows counted on the difference side.</summary>
    internal long Rows { get; }

    /// <summary>Whether no check failed.</summary>
    internal bool Passed => Checks.All(check => check.Status != PgCheckStatus.Failed);

    /// <summary>What a manifest says the database held.</summary>
    internal static DatabaseContent FromManifest(PgBackupManifest manifest)
        => new(manifest.Tables, manifest.Sequences, manifest.LeftOut)
        {
            MaterializedViews = manifest.MaterializedViews,
            Unlogged = manifest.Unlogged,
        };

    /// <summary>How deep a manifest's fingerprint goes; a word of a later PgOps is judged by what is there.</summary>
    internal static PgFingerprintDepth DepthOf(PgBackupManifest manifest)
    {
        if (manifest.Fingerprint.Equals(nameof(PgFingerprintDepth.None), StringComparison.OrdinalIgnoreCase))
        {
            return PgFingerprintDepth.None;
        }

        // An empty database has no hash to show and yet nothing is left unhashed.
        return manifest.Tables.Any(table => table.Hash is not null)
            || (manifest.Tables.Count == 0
                && !manifest.Fingerprint.Equals(nameof(PgFingerprintDepth.Counts), StringComparison.OrdinalIgnoreCase))
            ? PgFingerprintDepth.Source
            : PgFingerprintDepth.Counts;
    }

    /// <summary>Compares.</summary>
    /// <param name="reference">What should be there.</param>
    /// <param name="difference">What is there.</param>
    /// <param name="depth">How deep both sides were looked at.</param>
    /// <param name="rule">How strictly sequences are held.</param>
    /// <param name="reading">How long the reading took; one pass serves counts and content, and the deepest check made has its
    /// time.</param>
    /// <returns>The verdicts.</returns>
    internal static ContentComparison Compare(
        DatabaseContent reference, DatabaseContent difference, PgFingerprintDepth depth, SequenceRule rule, TimeSpan reading)
    {
        var unlogged = reference.Unlogged.Union(difference.Unlogged).ToHashSet(StringComparer.Ordinal);
        (reference, difference) = (Without(unlogged, reference), Without(unlogged, difference));
        var expectations = PartitionPool.Join(reference.Tables, reference.Tables);
        var there = PartitionPool.Join(difference.Tables, reference.Tables).ToDictionary(table => (table.Schema, table.Name));
        var tables = new List<PgTableComparison>();
        foreach (var expected in expectations)
        {
            there.Remove((expected.Schema, expected.Name), out var found);
            if (found is null || depth != PgFingerprintDepth.None)
            {
                tables.Add(CompareTable(expected, found));
            }
        }

        tables.AddRange(there.Values.Select(extra => new PgTableComparison
        {
            Schema = extra.Schema,
            Name = extra.Name,
            Verdict = PgTableVerdict.Extra,
            DifferenceRows = extra.Rows,
            DifferenceHash = extra.Hash,
        }));
        tables.Sort((a, b) => string.CompareOrdinal(a.Schema, b.Schema) is var order && order != 0
            ? order
            : string.CompareOrdinal(a.Name, b.Name));

        var rows = depth == PgFingerprintDepth.None ? 0 : difference.Tables.Sum(table => table.Rows);
        var content = Content(tables, depth);
        return new ContentComparison(
            tables,
            [
                TableNames(tables, expectations.Count, unlogged),
                RowCounts(tables, depth) with { Duration = depth == PgFingerprintDepth.Counts ? reading : default },
                WithShipped(content, reference.Tables, difference.Tables)
                    with { Duration = depth == PgFingerprintDepth.Source ? reading : default },
                GeneratedColumns.Check(tables, difference.Tables, depth),

                // What is held against a manifest may be a restored copy, whose sequences and views have gone on.
                MaterializedViews.Check(
                    reference.MaterializedViews, difference.MaterializedViews, depth, rule == SequenceRule.NotBehind),
                Sequences(reference.Sequences, difference.Sequences, rule),
            ],
            rows)
        {
            ContentEqual = content.Status == PgCheckStatus.Passed
                && tables.TrueForAll(table => InBoth(table) && table.Verdict != PgTableVerdict.GeneratedNotCompared),
        };
    }

    /// <summary>Counts where there is nothing to compare with.</summary>
    /// <param name="found">What is there.</param>
    /// <returns>Every table counted, every check skipped.</returns>
    internal static ContentComparison Count(DatabaseContent found)
    {
        var rows = found.Tables.Sum(table => table.Rows);
        return new ContentComparison(
            [
                .. found.Tables.Select(table => new PgTableComparison
                {
                    Schema = table.Schema,
                    Name = table.Name,
                    Verdict = PgTableVerdict.Counted,
                    DifferenceRows = table.Rows,
                }),
            ],
            [
                PgCheck.Skip(PgCheckName.Tables, Text($"{PgAmount.Of(found.Tables.Count, "table")} restored; {NothingToCompare}")),
                PgCheck.Skip(PgCheckName.RowCounts, Text($"{PgAmount.Of(rows, "row")} restored; {NothingToCompare}")),
                PgCheck.Skip(PgCheckName.Content, NothingToCompare),
                PgCheck.Skip(PgCheckName.GeneratedColumns, NothingToCompare),
                PgCheck.Skip(PgCheckName.MaterializedViews, NothingToCompare),
                PgCheck.Skip(PgCheckName.Sequences, Text($"{PgAmount.Of(found.Sequences.Count, "sequence")} restored; {NothingToCompare}")),
            ],
            rows);
    }

    private static PgTableComparison CompareTable(PgTableFingerprint expected, PgTableFingerprint? found)
    {
        var verdict = PgTableVerdict.Equal;
        if (found is null)
        {
            verdict = PgTableVerdict.Missing;
        }
        else if (found.Rows != expected.Rows)
        {
            verdict = PgTableVerdict.RowsDiffer;
        }
        else if (found.Hash is null || expected.Hash is null)
        {
            verdict = PgTableVerdict.CountsEqual;
        }
        else if (!found.Hash.Equals(expected.Hash, StringComparison.OrdinalIgnoreCase))
        {
            verdict = PgTableVerdict.ContentDiffers;
        }
        else
        {
            verdict = GeneratedColumns.Verdict(expected, found);
        }

        return new PgTableComparison
        {
            Schema = expected.Schema,
            Name = expected.Name,
            Verdict = verdict,
            ReferenceRows = expected.Rows,
            DifferenceRows = found?.Rows,
            ReferenceHash = expected.Hash,
            DifferenceHash = found?.Hash,
            DifferingColumns = GeneratedColumns.Differing(expected, found),
        };
    }

    private static DatabaseContent Without(HashSet<string> unlogged, DatabaseContent content)
        => unlogged.Count == 0 ? content : content with
        {
            Tables = [.. content.Tables.Where(table => !unlogged.Contains(Quote.Qualified(table.Schema, table.Name)))],
            Sequences = [.. content.Sequences.Where(one => !unlogged.Contains(Quote.Qualified(one.Schema, one.Name)))],
        };

    private static PgCheck TableNames(List<PgTableComparison> tables, int expected, HashSet<string> unlogged)
    {
        var wrong = tables.Where(table => table.Verdict is PgTableVerdict.Missing or PgTableVerdict.Extra).ToList();
        return wrong.Count > 0
            ? PgCheck.Fail(PgCheckName.Tables, Names(wrong))
            : PgCheck.Pass(PgCheckName.Tables, Text($"{PgAmount.Of(expected, "table")}, none missing, none extra") + (unlogged.Count == 0
                ? ""
                : $"; not compared: {NameList.Of(unlogged)} (unlogged, and a standby does not have what they hold)"));
    }

    private static PgCheck RowCounts(List<PgTableComparison> tables, PgFingerprintDepth depth)
    {
        if (depth == PgFingerprintDepth.None)
        {
            return PgCheck.Skip(PgCheckName.RowCounts, "the manifest holds no row counts (the backup was made with -Fingerprint None)");
        }

        var wrong = tables.Where(table => table.Verdict == PgTableVerdict.RowsDiffer).ToList();
        if (wrong.Count > 0)
        {
            return PgCheck.Fail(PgCheckName.RowCounts, Names(wrong));
        }

        var compared = tables.Where(InBoth).ToList();
        var rows = PgAmount.Of(compared.Sum(table => table.DifferenceRows ?? 0), "row");
        return PgCheck.Pass(PgCheckName.RowCounts, Text($"{rows} in {PgAmount.Of(compared.Count, "table")}, as expected"));
    }

    private static PgCheck Content(List<PgTableComparison> tables, PgFingerprintDepth depth)
    {
        if (depth != PgFingerprintDepth.Source)
        {
            return PgCheck.Skip(PgCheckName.Content, NoHashes);
        }

        var compared = tables.Where(InBoth).ToList();
        var wrong = compared.Where(table => table.ReferenceHash is not null && table.DifferenceHash is not null
            && !table.ReferenceHash.Equals(table.DifferenceHash, StringComparison.OrdinalIgnoreCase)).ToList();
        if (wrong.Count > 0)
        {
            return PgCheck.Fail(PgCheckName.Content, Names(wrong));
        }

        var unhashed = compared.Where(table => table.ReferenceHash is null || table.DifferenceHash is null).ToList();
        return unhashed.Count > 0
            ? PgCheck.Fail(
                PgCheckName.Content,
                "no content hash to compare with for " + NameList.Of(unhashed.Select(table => $"{table.Schema}.{table.Name}")))
            : PgCheck.Pass(PgCheckName.Content, Text($"the content hashes of {PgAmount.Of(compared.Count, "table")} are equal"));
    }

    /// <summary>
    /// Says which tables of extensions had rows that came with the extension and were changed since. They are in no dump, so a restore
    /// cannot bring them, and they are another version's where the extension is another.
    /// </summary>
    private static PgCheck WithShipped(
        PgCheck content, IReadOnlyList<PgTableFingerprint> reference, IReadOnlyList<PgTableFingerprint> difference)
    {
        var there = difference.ToDictionary(table => (table.Schema, table.Name), table => table.Shipped);
        var changed = reference.Where(table => table.Shipped is { } expected
            && there.GetValueOrDefault((table.Schema, table.Name)) is { } found
            && !expected.Equals(found, StringComparison.OrdinalIgnoreCase)).Select(table => $"{table.Schema}.{table.Name}").ToList();
        return changed.Count == 0 ? content : content with
        {
            Detail = $"{content.Detail}; not the same: rows that came with an extension in {NameList.Of(changed)}. "
                + "No dump holds them: they were changed on one side, or the extension has another version there",
        };
    }

    private static PgCheck Sequences(
        IReadOnlyList<PgSequencePosition> reference, IReadOnlyList<PgSequencePosition> difference, SequenceRule rule)
    {
        var there = difference.ToDictionary(sequence => (sequence.Schema, sequence.Name));
        var wrong = new List<string>();
        foreach (var expected in reference)
        {
            if (!there.Remove((expected.Schema, expected.Name), out var found))
            {
                wrong.Add($"{expected}: missing");
                continue;
            }

            // What counts is the number handed out next: (100, called) and (101, not called) are the same position.
            var wanted = Next(expected);
            var next = Next(found);
            var behind = expected.Increment < 0 ? next > wanted : next < wanted;
            if (behind || (rule == SequenceRule.Same && next != wanted))
            {
                wrong.Add(Text($"{expected}: next value {wanted} expected, {next} found{(behind ? ", which is behind" : "")}"));
            }
        }

        wrong.AddRange(there.Values.Select(extra => $"{extra}: not in the reference"));
        return wrong.Count > 0
            ? PgCheck.Fail(PgCheckName.Sequences, NameList.Of(wrong))
            : PgCheck.Pass(PgCheckName.Sequences, Text($"{PgAmount.Of(reference.Count, "sequence")} in position"));
    }

    private static Int128 Next(PgSequencePosition position)
        => position.IsCalled ? (Int128)position.LastValue + position.Increment : position.LastValue;

    private static bool InBoth(PgTableComparison table) => table.Verdict is not (PgTableVerdict.Missing or PgTableVerdict.Extra);

    private static string Names(IReadOnlyCollection<PgTableComparison> tables) => NameList.Of(tables.Select(table => table.ToString()));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
