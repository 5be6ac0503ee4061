namespace PgOps;

/// <summary>How two copies of one table stand to each other.</summary>
public enum PgTableVerdict
{
    /// <summary>Equal counts and equal content hashes.</summary>
    Equal,

    /// <summary>Equal counts; content was not hashed on one side.</summary>
    CountsEqual,

    /// <summary>The numbers of rows differ.</summary>
    RowsDiffer,

    /// <summary>Equal counts, different content.</summary>
    ContentDiffers,

    /// <summary>Only the reference has the table.</summary>
    Missing,

    /// <summary>Only the difference side has the table.</summary>
    Extra,

    /// <summary>Counted on one side; the reference, a foreign dump, says nothing to compare with.</summary>
    Counted,

    /// <summary>What pg_dump dumps is equal; a stored generated column, which a restore computes anew, is not.</summary>
    GeneratedColumnsDiffer,

    /// <summary>What pg_dump dumps is equal; the stored generated columns were hashed on one side at most.</summary>
    GeneratedNotCompared,
}

/// <summary>One table compared.</summary>
public sealed record PgTableComparison
{
    /// <summary>Schema.</summary>
    public required string Schema { get; init; }

    /// <summary>Table.</summary>
    public required string Name { get; init; }

    /// <summary>The verdict.</summary>
    public required PgTableVerdict Verdict { get; init; }

    /// <summary>Rows in the reference; null when it lacks the table.</summary>
    public long? ReferenceRows { get; init; }

    /// <summary>Rows on the other side; null when it lacks the table.</summary>
    public long? DifferenceRows { get; init; }

    /// <summary>Content hash of the reference; null when it has none.</summary>
    public string? ReferenceHash { get; init; }

    /// <summary>Content hash of the other side; null when it has none.</summary>
    public string? DifferenceHash { get; init; }

    /// <summary>The stored generated columns whose content differs, or that one side lacks.</summary>
    public IReadOnlyList<string> DifferingColumns { get; init => field = value.ToArray(); } = [];

    /// <summary>Whether nothing speaks against equality.</summary>
    public bool Passed
        => Verdict is PgTableVerdict.Equal or PgTableVerdict.CountsEqual or PgTableVerdict.Counted or PgTableVerdict.GeneratedNotCompared;

    /// <inheritdoc/>
    public override string ToString() => Verdict switch
    {
        PgTableVerdict.RowsDiffer => $"{Schema}.{Name}: {Rows(ReferenceRows)} expected, {DifferenceRows:N0} found",
        PgTableVerdict.ContentDiffers => $"{Schema}.{Name}: the same {Rows(ReferenceRows)} in number, but their content differs",
        PgTableVerdict.Missing => $"{Schema}.{Name}: missing ({Rows(ReferenceRows)} expected)",
        PgTableVerdict.Counted => $"{Schema}.{Name}: {Rows(DifferenceRows)}, nothing to compare with",
        PgTableVerdict.Extra => $"{Schema}.{Name}: not in the reference ({Rows(DifferenceRows)})",
        PgTableVerdict.GeneratedColumnsDiffer =>
            $"{Schema}.{Name}: the rows as dumped are equal, but not their stored generated "
                + $"{(DifferingColumns.Count == 1 ? "column" : "columns")} {string.Join(", ", DifferingColumns)}",
        PgTableVerdict.GeneratedNotCompared =>
            $"{Schema}.{Name}: equal, {Rows(ReferenceRows)}; stored generated columns not compared",
        _ => $"{Schema}.{Name}: equal, {Rows(ReferenceRows)}",
    };

    private static string Rows(long? number) => number is { } counted ? PgAmount.Of(counted, "row") : "rows that were not counted";
}

/// <summary>What <c>Compare-PgDatabase</c> found.</summary>
public sealed record PgComparison : PgCheckedResult
{
    /// <summary>Name of the reference: a target, or a backup's path.</summary>
    public required string Reference { get; init; }

    /// <summary>Name of the other side.</summary>
    public required string Difference { get; init; }

    /// <summary>One result per table.</summary>
    public IReadOnlyList<PgTableComparison> Tables { get; init => field = value.ToArray(); } = [];

    /// <summary>The schema objects that differ.</summary>
    public IReadOnlyList<PgObjectDifference> Objects { get; init => field = value.ToArray(); } = [];

    /// <summary>The rows that differ, when they were asked for.</summary>
    public IReadOnlyList<PgRowDifference> Rows { get; init => field = value.ToArray(); } = [];

    /// <summary>The schemas that were there and left out on request, with all that is in them.</summary>
    public IReadOnlyList<string> ExcludedSchemas { get; init => field = value.ToArray(); } = [];

    /// <summary>The tables that differ.</summary>
    public IEnumerable<PgTableComparison> Differences => Tables.Where(table => !table.Passed);

    /// <summary>The tables and the schema objects that differ, in words.</summary>
    public IReadOnlyList<string> AllDifferences => [.. Differences.Select(table => $"{table}"), .. Objects.Select(one => $"{one}")];
}
