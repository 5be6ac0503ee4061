using System.Globalization;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>Looks at indexes: invalid, duplicate, unused.</summary>
internal static class IndexInspections
{
    // What a broken REINDEX CONCURRENTLY leaves has these names (https://www.postgresql.org/docs/current/sql-reindex.html).
    private const string InvalidQuery = """
        SELECT rel.name, p.pid IS NULL AND rel.relkind <> 'I',
               CASE WHEN p.pid IS NOT NULL THEN format('is being built (process %s)', p.pid)
                    WHEN rel.relkind = 'I' THEN format('is INVALID: some partitions of %s have no such index', tab.name)
                    ELSE format('is INVALID: queries of %s do not use it%s', tab.name,
                                CASE WHEN i.indisunique THEN ', and there may be duplicates' ELSE '' END) END,
               CASE WHEN p.pid IS NOT NULL THEN 'Test again when that has ended.'
                    WHEN rel.relkind = 'I' THEN
                        format('Create the index on each partition that lacks it, and ALTER INDEX %s ATTACH PARTITION ... .', rel.name)
                    WHEN rel.relname ~ '_cc(new|old)[0-9]*$' THEN
                        format('It is left from a REINDEX that broke off: DROP INDEX CONCURRENTLY %s.', rel.name)
                    ELSE format('REINDEX INDEX CONCURRENTLY %s, or DROP INDEX CONCURRENTLY %1$s and create it again.', rel.name) END
        FROM rel JOIN pg_index i ON i.indexrelid = rel.oid JOIN rel tab ON tab.oid = i.indrelid
        LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = i.indexrelid AND p.datname = current_database()
        WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
        """;

    // Equal in all that a query can tell; of equal ones a constraint's index stays, then a unique one, then the oldest. What only a
    // unique index has (NULLS NOT DISTINCT, deferred) makes it another one.
    private const string DuplicateQuery = """
        , one AS (
            SELECT rel.name, i.indexrelid, i.indisunique, tab.name AS tab, o.conname,
                   first_value(rel.name) OVER same AS first, row_number() OVER same AS place
            FROM rel JOIN pg_index i ON i.indexrelid = rel.oid JOIN rel tab ON tab.oid = i.indrelid
            LEFT JOIN pg_constraint o ON o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')
            WHERE i.indisvalid AND NOT i.indisexclusion AND NOT rel.relispartition
            WINDOW same AS (
                PARTITION BY i.indrelid, rel.relam, i.indkey::text, i.indnkeyatts, i.indclass::text, i.indcollation::text,
                    i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid), i.indimmediate,
                    to_jsonb(i) ->> 'indnullsnotdistinct'
                ORDER BY i.indisprimary DESC, o.oid IS NOT NULL DESC, i.indisreplident DESC, i.indisunique DESC, i.indexrelid))
        SELECT one.name, false, format('does what %s does, too: it costs room and slows writes to %s', one.first, one.tab),
               CASE WHEN one.conname IS NULL THEN format('DROP INDEX CONCURRENTLY %s.', one.name)
                    ELSE format('ALTER TABLE %s DROP CONSTRAINT %I, unless a foreign key needs it.', one.tab, one.conname) END
        FROM one WHERE one.place > 1
        """;

    // A partitioned index counts as one. The size is the planner's, which needs no lock.
    private const string UnusedQuery = """
        , leaf AS (
            SELECT coalesce(pg_partition_root(rel.oid)::oid, rel.oid) AS root, s.idx_scan,
                   rel.relpages * current_setting('block_size')::bigint AS bytes
            FROM rel JOIN pg_stat_all_indexes s ON s.indexrelid = rel.oid WHERE rel.relkind = 'i')
        SELECT root.name, false, format('has served no query in %s and takes %s', $1::text, pg_size_pretty(leaf.bytes)),
               format('Look on the standbys, too: each counts for itself. Then DROP INDEX %s%s.',
                      CASE root.relkind WHEN 'i' THEN 'CONCURRENTLY ' ELSE '' END, root.name)
        FROM (SELECT root, sum(idx_scan) AS scans, sum(bytes)::bigint AS bytes FROM leaf GROUP BY 1) leaf
        JOIN rel root ON root.oid = leaf.root JOIN pg_index i ON i.indexrelid = root.oid
        WHERE leaf.scans = 0 AND leaf.bytes >= $2::bigint AND i.indisvalid
          AND NOT (i.indisunique OR i.indisexclusion OR i.indisreplident OR i.indisclustered)
        """;

    // Where nothing was ever reset, the server has counted since the database was made: the time of a file that is written once.
    private const string CountingSinceQuery = """
        SELECT EXTRACT(EPOCH FROM now() - coalesce(s.stats_reset,
                   CASE WHEN has_function_privilege('pg_stat_file(text,boolean)', 'EXECUTE')
                        THEN (pg_stat_file(format('base/%s/PG_VERSION', s.datid), true)).modification END))::float8
        FROM pg_stat_database s WHERE s.datname = current_database()
        """;

    internal static async Task<Inspection> InvalidAsync(CatalogSession session, CancellationToken cancellationToken)
        => new(await session.FindAsync(PgFindingKind.InvalidIndexes, ObjectQueries.Relations + InvalidQuery, cancellationToken)
            .ConfigureAwait(false));

    internal static async Task<Inspection> DuplicateAsync(CatalogSession session, CancellationToken cancellationToken)
        => new(await session.FindAsync(PgFindingKind.DuplicateIndexes, ObjectQueries.Relations + DuplicateQuery, cancellationToken)
            .ConfigureAwait(false));

    internal static async Task<Inspection> UnusedAsync(CatalogSession session, CancellationToken cancellationToken)
    {
        var least = session.Thresholds.UnusedIndexAge;
        if (await session.Connection.ScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken).ConfigureAwait(false))
        {
            return new Inspection([], "a standby counts its own reads alone: test the primary");
        }

        if (await session.Connection.ScalarAsync<string>("SHOW track_counts", cancellationToken).ConfigureAwait(false) != "on")
        {
            return new Inspection([], "the server counts no reads (track_counts is off)");
        }

        var seconds = await session.Connection.ScalarAsync<double?>(CountingSinceQuery, cancellationToken).ConfigureAwait(false);
        if (seconds is null && least > TimeSpan.Zero)
        {
            return new Inspection([], $"since when reads are counted cannot be told: the statistics were never reset, and the role may not "
                + "look at the database's age; -UnusedIndexAge 0 looks all the same");
        }

        var counted = TimeSpan.FromSeconds(seconds ?? 0);
        if (counted < least)
        {
            return new Inspection([], string.Create(
                CultureInfo.InvariantCulture,
                $"reads are counted for {PgSize.Format(counted)} only, and {PgSize.Format(least)} are asked for (-UnusedIndexAge)"));
        }

        return new Inspection(await session.FindAsync(
            PgFindingKind.UnusedIndexes,
            ObjectQueries.Relations + UnusedQuery,
            cancellationToken,
            seconds is null ? "the time that is counted" : PgSize.Format(counted),
            session.Thresholds.UnusedIndexSize).ConfigureAwait(false));
    }
}
