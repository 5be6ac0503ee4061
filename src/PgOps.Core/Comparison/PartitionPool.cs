using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Comparison;

/// <summary>
/// Partitions chosen by the hash of an enum: a value's hash goes with its oid, so pg_dump loads them through their root, and a row may
/// come to lie in another partition of the copy. They are compared together, under the root's name.
/// </summary>
internal static class PartitionPool
{
    /// <summary>Puts such partitions together.</summary>
    /// <param name="tables">The tables of one side.</param>
    /// <param name="reference">Those of the reference, which says what belongs together.</param>
    internal static IReadOnlyList<PgTableFingerprint> Join(
        IReadOnlyList<PgTableFingerprint> tables, IReadOnlyList<PgTableFingerprint> reference)
    {
        var roots = reference.Where(table => table.Root is not null).ToDictionary(
            table => (table.Schema, table.Name), table => (Schema: table.RootSchema!, Name: table.Root!));
        return roots.Count == 0
            ? tables
            :
            [
                .. tables.GroupBy(table => roots.GetValueOrDefault((table.Schema, table.Name), (table.Schema, table.Name)))
                    .Select(pool => pool.Aggregate((one, other) => one with
                    {
                        Rows = one.Rows + other.Rows,
                        Hash = one.Hash is null || other.Hash is null ? null : RowHashSum.Join(one.Hash, other.Hash),
                        Generated = Join(one.Generated, other.Generated),
                        Bytes = one.Bytes + other.Bytes,
                    }) with
                    { Schema = pool.Key.Schema, Name = pool.Key.Name }),
            ];
    }

    /// <summary>A column that one of them lacks cannot be told of all.</summary>
    private static Dictionary<string, string>? Join(IReadOnlyDictionary<string, string>? one, IReadOnlyDictionary<string, string>? other)
        => one is null || other is null
            ? null
            : one.Keys.Intersect(other.Keys).ToDictionary(column => column, column => RowHashSum.Join(one[column], other[column]));
}
