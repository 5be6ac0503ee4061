using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>Looks at what runs out: the numbers of sequences, transaction ids and multixact ids.</summary>
internal static class LimitInspections
{
    // The column is the one that the sequence belongs to or is the default of; of several the narrowest. Its domain's type counts.
    private const string SequencesQuery = """
        , col AS (
            SELECT DISTINCT ON (d.seq) d.seq, format('%s.%I', rel.name, a.attname) AS name, t.type::regtype::text AS type, t.most
            FROM (SELECT objid AS seq, refobjid AS tab, refobjsubid AS col FROM pg_depend
                   WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
                  UNION
                  SELECT e.refobjid, f.adrelid, f.adnum FROM pg_depend e JOIN pg_attrdef f ON f.oid = e.objid
                   WHERE e.classid = 'pg_attrdef'::regclass AND e.refclassid = 'pg_class'::regclass AND e.refobjsubid = 0) d
            JOIN rel ON rel.oid = d.tab JOIN pg_attribute a ON a.attrelid = d.tab AND a.attnum = d.col JOIN pg_type y ON y.oid = a.atttypid
            JOIN (VALUES ('int2'::regtype::oid, 32767), ('int4'::regtype, 2147483647), ('int8'::regtype, 9223372036854775807)) t(type, most)
              ON t.type = coalesce(nullif(y.typbasetype, 0), y.oid)
            ORDER BY d.seq, t.most, 2),
        read AS (
            SELECT rel.oid, rel.name, s.*, has_sequence_privilege(rel.oid, 'SELECT, USAGE') AS readable
            FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid WHERE NOT (pg_is_in_recovery() AND rel.relpersistence = 'u'))
        SELECT read.name, read.readable, CASE WHEN read.readable THEN pg_sequence_last_value(read.oid) END, read.seqincrement > 0,
               read.seqmin, read.seqmax, read.seqcycle, col.name, col.type, col.most
        FROM read LEFT JOIN col ON col.seq = read.oid ORDER BY 1
        """;

    private const string AgesQuery = """
        SELECT format('database %I', datname), age(datfrozenxid)::bigint, mxid_age(datminmxid)::bigint
        FROM pg_database WHERE datname = current_database()
        """;

    private const string OldestTablesQuery = """
        SELECT string_agg(name, ', ') FROM (
            SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'm', 't')
            ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC, 1 LIMIT 3) t
        """;

    private const double Ids = 1L << 31;

    internal static async Task<Inspection> SequencesAsync(CatalogSession session, CancellationToken cancellationToken)
    {
        var all = await session.Connection.QueryAsync(
            ObjectQueries.Relations + SequencesQuery,
            row => new Sequence(
                row.GetString(0), row.GetBoolean(1), row.IsDBNull(2) ? null : row.GetInt64(2), row.GetBoolean(3), row.GetInt64(4),
                row.GetInt64(5),
                row.GetBoolean(6), row.IsDBNull(7) ? null : row.GetString(7), row.IsDBNull(8) ? "" : row.GetString(8),
                row.IsDBNull(9) ? null : row.GetInt64(9)),
            cancellationToken).ConfigureAwait(false);
        var hidden = all.Where(sequence => !sequence.Readable).Select(sequence => sequence.Name).ToList();
        return new Inspection(
            [.. all.Select(sequence => Judge(sequence, session.Thresholds)).OfType<PgFinding>()],
            hidden.Count == 0 ? null : $"the role may not read {NameList.Of(hidden)}");
    }

    internal static async Task<Inspection> WraparoundAsync(CatalogSession session, CancellationToken cancellationToken)
    {
        var (name, transactions, multixacts) = (await session.Connection.QueryAsync(
            AgesQuery, row => (row.GetString(0), row.GetInt64(1), row.GetInt64(2)), cancellationToken).ConfigureAwait(false))[0];
        var oldest = await session.Connection.ScalarAsync<string>(OldestTablesQuery, cancellationToken).ConfigureAwait(false);
        return new Inspection(
            [.. new[] { Judge("transaction ids", transactions), Judge("multixact ids", multixacts) }.OfType<PgFinding>()]);

        PgFinding? Judge(string what, long age)
        {
            var (warning, error) = (session.Thresholds.WraparoundWarning, session.Thresholds.WraparoundError);
            var used = 100 * age / Ids;
            return used < Math.Min(warning, error) ? null : new PgFinding
            {
                Kind = PgFindingKind.Wraparound,
                Object = name,
                Severity = used >= error ? PgFindingSeverity.Error : PgFindingSeverity.Warning,
                Problem = Text(
                    $"has used {Percent(used)} of its {what} (age {age:N0}): when none is left, the server takes no more writes"),
                NextStep = $"VACUUM (FREEZE) the oldest tables first: {oldest}. What keeps vacuum from freezing shows in pg_stat_activity "
                    + "(backend_xmin), pg_prepared_xacts and pg_replication_slots.",
            };
        }
    }

    private static PgFinding? Judge(Sequence sequence, DatabaseThresholds thresholds)
    {
        // The column may end before the sequence does.
        var (first, own, column) = sequence.Ascending
            ? (sequence.Least, sequence.Most, sequence.ColumnMost)
            : (sequence.Most, sequence.Least, -sequence.ColumnMost - 1);
        var byColumn = column is { } limit && (sequence.Ascending ? limit < own : limit > own);
        var end = byColumn ? column!.Value : own;
        if (sequence.Last is not { } last || (sequence.Cycles && !byColumn) || first == end)
        {
            return null;
        }

        var used = 100 * Math.Min(1, ((double)last - first) / ((double)end - first));
        if (used < Math.Min(thresholds.SequenceWarning, thresholds.SequenceError))
        {
            return null;
        }

        var whose = sequence.Column is null ? "" : byColumn || sequence.ColumnMost == own
            ? $", the limit of {sequence.Column} ({sequence.Type})"
            : ", its own limit";
        return new PgFinding
        {
            Kind = PgFindingKind.Sequences,
            Object = sequence.Name,
            Severity = used >= thresholds.SequenceError ? PgFindingSeverity.Error : PgFindingSeverity.Warning,
            Problem = Text($"has used {Percent(used)} of its numbers: it stands at {last:N0} of {end:N0}{whose}"),
            NextStep = sequence.Column is null || sequence.Type == "bigint"
                ? $"ALTER SEQUENCE {sequence.Name} AS bigint NO MAXVALUE NO MINVALUE."
                : $"Make {sequence.Column} and what refers to it bigint, on a large table by a new column that is filled beside it; "
                    + $"then ALTER SEQUENCE {sequence.Name} AS bigint NO MAXVALUE NO MINVALUE.",
        };
    }

    private static string Percent(double used) => Text($"{Math.Floor(used * 10) / 10:0.#} %");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Sequence(
        string Name, bool Readable, long? Last, bool Ascending, long Least, long Most, bool Cycles, string? Column, string Type,
        long? ColumnMost);
}
