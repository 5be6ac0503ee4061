using System.Globalization;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Comparison;

/// <summary>
/// Finds the rows in which two copies of a table differ. The servers count and hash ranges of the primary key; ranges that differ are
/// split until they are small, and only of those keys and hashes travel.
/// </summary>
/// <param name="Reference">A snapshot of the reference.</param>
/// <param name="Difference">A snapshot of the other side.</param>
/// <param name="Table">The table.</param>
/// <param name="Most">How many rows to name.</param>
internal sealed record RowSearch(SnapshotSession Reference, SnapshotSession Difference, DumpedTable Table, int Most)
{
    private const int Pieces = 32;
    private const long SmallRange = 2000;

    private const string KeyQuery = """
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
        FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = to_regclass($1) AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place
        """;

    private readonly Dictionary<string, (string? Expected, string? Found)> _rows = new(StringComparer.Ordinal);
    private List<(string Name, string Type)> _key = [];

    /// <summary>Whether there are more than were named.</summary>
    internal bool More { get; private set; }

    /// <summary>Finds them; null for a table without a primary key that both sides have.</summary>
    internal async Task<IReadOnlyList<PgRowDifference>?> RunAsync(CancellationToken cancellationToken)
    {
        _key = await KeyAsync(Reference, cancellationToken).ConfigureAwait(false);
        if (_key.Count == 0 || !_key.SequenceEqual(await KeyAsync(Difference, cancellationToken).ConfigureAwait(false)))
        {
            return null;
        }

        var waiting = new Stack<KeyRange>([new KeyRange(null, null)]);
        while (waiting.TryPop(out var range) && !More)
        {
            var pieces = await SplitAsync(range, cancellationToken).ConfigureAwait(false);
            var expected = await SumsAsync(Reference, pieces, cancellationToken).ConfigureAwait(false);
            var found = await SumsAsync(Difference, pieces, cancellationToken).ConfigureAwait(false);

            // The last piece first, so that the stack gives them back in the key's order.
            for (var i = pieces.Count - 1; i >= 0; i--)
            {
                if (expected[i] == found[i])
                {
                    continue;
                }

                if (Math.Max(expected[i].Rows, found[i].Rows) <= SmallRange)
                {
                    await ReadAsync(pieces[i], cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    waiting.Push(pieces[i]);
                }
            }

            More = Different().Skip(Most).Any();
        }

        return [.. Different().Take(Most)];
    }

    // Where two servers sort texts differently a row may lie in one range here and in another there: equal ones cancel out.
    private IEnumerable<PgRowDifference> Different() => _rows.Select(row => new PgRowDifference
    {
        Schema = Table.Schema,
        Table = Table.Name,
        Key = row.Key,
        Verdict = row.Value switch
        {
            (_, null) => PgObjectVerdict.Missing,
            (null, _) => PgObjectVerdict.Extra,
            _ => PgObjectVerdict.Differs,
        },
    });

    private string KeyList => string.Join(", ", _key.Select(column => Quote.Identifier(column.Name)));

    private string RowHash
    {
        get
        {
            var row = string.Join(", ", Table.Columns.Select(column => "t." + Quote.Identifier(column)));
            return $"hashtextextended(ROW({row})::text COLLATE \"C\", 0)";
        }
    }

    private Task<List<(string Name, string Type)>> KeyAsync(SnapshotSession session, CancellationToken cancellationToken)
        => session.Connection.QueryAsync(KeyQuery, row => (row.GetString(0), row.GetString(1)), cancellationToken, Table.Qualified);

    /// <summary>Splits by the keys of the side that has more rows in the range.</summary>
    private async Task<IReadOnlyList<KeyRange>> SplitAsync(KeyRange range, CancellationToken cancellationToken)
    {
        var sums = new[]
        {
            (await SumsAsync(Reference, [range], cancellationToken).ConfigureAwait(false))[0].Rows,
            (await SumsAsync(Difference, [range], cancellationToken).ConfigureAwait(false))[0].Rows,
        };
        var step = (sums.Max() / Pieces) + 1;
        if (sums.Max() <= SmallRange)
        {
            return [range];
        }

        var texts = string.Join(", ", _key.Select(column => Quote.Identifier(column.Name) + "::text"));
        var bounds = await (sums[0] >= sums[1] ? Reference : Difference).Connection.QueryAsync(
            $"""
            SELECT ARRAY[{texts}] FROM (SELECT {KeyList}, row_number() OVER (ORDER BY {KeyList}) AS place
                  FROM ONLY {Table.Qualified} WHERE {Within(range)}) k
            WHERE place % {step.ToString(CultureInfo.InvariantCulture)} = 0 ORDER BY place
            """,
            row => row.GetFieldValue<string[]>(0),
            cancellationToken).ConfigureAwait(false);
        var ends = bounds.Cast<string[]?>().Append(range.To).ToList();
        return [.. ends.Select((end, place) => new KeyRange(place == 0 ? range.From : ends[place - 1], end))];
    }

    private async Task<List<(long Rows, decimal Sum)>> SumsAsync(
        SnapshotSession session, IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken)
        => await session.Connection.QueryAsync(
            string.Join(" UNION ALL ", ranges.Select((range, place) => string.Create(
                CultureInfo.InvariantCulture,
                $"SELECT {place}, count(*), coalesce(sum({RowHash}::numeric), 0) "
                    + $"FROM ONLY {Table.Qualified} t WHERE {Within(range)}"))) + " ORDER BY 1",
            row => (row.GetInt64(1), row.GetDecimal(2)),
            cancellationToken).ConfigureAwait(false);

    private async Task ReadAsync(KeyRange range, CancellationToken cancellationToken)
    {
        foreach (var (key, hash) in await RowsAsync(Reference, range, cancellationToken).ConfigureAwait(false))
        {
            _rows[key] = (hash, _rows.GetValueOrDefault(key).Found);
        }

        foreach (var (key, hash) in await RowsAsync(Difference, range, cancellationToken).ConfigureAwait(false))
        {
            _rows[key] = (_rows.GetValueOrDefault(key).Expected, hash);
        }

        foreach (var key in _rows.Where(row => row.Value.Expected == row.Value.Found).Select(row => row.Key).ToList())
        {
            _rows.Remove(key);
        }
    }

    private async Task<List<(string Key, string Hash)>> RowsAsync(
        SnapshotSession session, KeyRange range, CancellationToken cancellationToken)
    {
        var key = string.Join(
            ", ', ', ",
            _key.Select(column => $"{Quote.Literal(column.Name + "=")}, t.{Quote.Identifier(column.Name)}"));
        return await session.Connection.QueryAsync(
            $"SELECT concat({key}), {RowHash}::text FROM ONLY {Table.Qualified} t WHERE {Within(range)} ORDER BY {KeyList}",
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken).ConfigureAwait(false);
    }

    private string Within(KeyRange range)
    {
        var from = range.From is null ? null : $"({KeyList}) > ({Values(range.From)})";
        var to = range.To is null ? null : $"({KeyList}) <= ({Values(range.To)})";
        return (from, to) switch
        {
            (null, null) => "true",
            (null, _) => to,
            (_, null) => from,
            _ => $"{from} AND {to}",
        };
    }

    private string Values(string[] key) => string.Join(", ", key.Select((value, place) => $"{Quote.Literal(value)}::{_key[place].Type}"));

    /// <summary>Keys after one and up to another; null is open.</summary>
    private sealed record KeyRange(string[]? From, string[]? To);
}
