using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Comparison;

/// <summary>The rows in which two databases differ.</summary>
/// <param name="Check">One check, <c>rows</c>.</param>
/// <param name="Rows">The rows, table by table.</param>
internal sealed record RowComparison(PgCheck Check, IReadOnlyList<PgRowDifference> Rows)
{
    /// <summary>Not made.</summary>
    internal static RowComparison Skip(string reason) => new(PgCheck.Skip(PgCheckName.Rows, reason), []);

    /// <summary>Searches the tables that are on both sides and differ.</summary>
    /// <param name="reference">What is right.</param>
    /// <param name="difference">What is held against it.</param>
    /// <param name="tables">The tables as they were compared.</param>
    /// <param name="most">How many rows to name of each table.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops searching.</param>
    internal static async Task<RowComparison> RunAsync(
        PgTarget reference,
        PgTarget difference,
        IReadOnlyList<PgTableComparison> tables,
        int most,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var wrong = tables.Where(table => table.Verdict is PgTableVerdict.RowsDiffer or PgTableVerdict.ContentDiffers
            or PgTableVerdict.GeneratedColumnsDiffer).ToList();
        using var progress = new ProgressActivity(sink, $"Searching the rows of {difference} that differ");
        var one = await SnapshotSession.OpenAsync(reference, null, cancellationToken).ConfigureAwait(false);
        await using var oneGone = one.ConfigureAwait(false);
        var other = await SnapshotSession.OpenAsync(difference, null, cancellationToken).ConfigureAwait(false);
        await using var otherGone = other.ConfigureAwait(false);
        try
        {
            return await SearchAsync(one, other, wrong, most, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (NpgsqlException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(difference, error, "searching the rows that differ");
        }
    }

    private static async Task<RowComparison> SearchAsync(
        SnapshotSession one, SnapshotSession two, List<PgTableComparison> wrong, int most, ProgressActivity progress,
        CancellationToken cancellationToken)
    {
        var here = (await DumpedTables.ListAsync(one.Connection, cancellationToken).ConfigureAwait(false)).Tables
            .ToDictionary(table => (table.Schema, table.Name));
        var there = (await DumpedTables.ListAsync(two.Connection, cancellationToken).ConfigureAwait(false)).Tables
            .ToDictionary(table => (table.Schema, table.Name));
        var (rows, details, skipped) = (new List<PgRowDifference>(), new List<string>(), new List<string>());
        foreach (var table in wrong)
        {
            var found = here.GetValueOrDefault((table.Schema, table.Name));
            if (found is null)
            {
                skipped.Add($"{table.Schema}.{table.Name}: its partitions are compared together");
                continue;
            }

            var other = there.GetValueOrDefault((table.Schema, table.Name));
            if (found.IsLargeObjects || other?.Columns.SequenceEqual(found.Columns) != true
                || !other.Generated.SequenceEqual(found.Generated))
            {
                skipped.Add($"{table.Schema}.{table.Name}: its columns are not the same on both sides");
                continue;
            }

            progress.Report(found.Qualified, details.Count + skipped.Count, wrong.Count);
            var search = new RowSearch(one, two, found with { Columns = [.. found.Columns, .. found.Generated] }, most);
            if (await search.RunAsync(cancellationToken).ConfigureAwait(false) is not { } differing)
            {
                skipped.Add($"{table.Schema}.{table.Name}: no primary key that both sides have");
                continue;
            }

            rows.AddRange(differing);
            details.Add(FormattableString.Invariant($"{table.Schema}.{table.Name}: {differing.Count}{(search.More ? " and more" : "")}"));
        }

        var said = details.Concat(skipped.Select(text => text + ", not searched"));
        return new RowComparison(
            wrong.Count == 0 ? PgCheck.Pass(PgCheckName.Rows, "no table's content differs")
                : details.Count == 0
                    ? PgCheck.Skip(PgCheckName.Rows, NameList.Of(said))
                    : PgCheck.Fail(PgCheckName.Rows, "rows that differ in " + NameList.Of(said)),
            rows);
    }
}
