using System.Diagnostics;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Gathers the planner's statistics after a restore: without them the first queries after a cutover crawl.</summary>
internal static class TableStatistics
{
    // ANALYZE of a partitioned table covers its partitions too, and that of any parent goes to the servers of its foreign children:
    // a copy must not call on those, so such a parent is left out, and its partitions are taken one by one.
    private const string TablesQuery = """
        WITH RECURSIVE far AS (
            SELECT i.inhparent AS oid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class f ON f.oid = i.inhrelid AND f.relkind = 'f'
            UNION
            SELECT i.inhparent FROM far JOIN pg_catalog.pg_inherits i ON i.inhrelid = far.oid)
        SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.oid IN (SELECT oid FROM far)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
          AND (NOT c.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN far ON far.oid = i.inhparent
               WHERE i.inhrelid = c.oid))
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        ORDER BY pg_catalog.pg_total_relation_size(c.oid) DESC
        """;

    /// <summary>Analyses every table and materialised view, several side by side.</summary>
    /// <param name="target">The database.</param>
    /// <param name="jobs">Sessions to work with.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    /// <param name="wanted">Says by schema and name which ones; null for all.</param>
    /// <returns>A passed check.</returns>
    internal static async Task<PgCheck> GatherAsync(
        PgTarget target, int jobs, CancellationToken cancellationToken, Func<string, string, bool>? wanted = null)
    {
        var elapsed = Stopwatch.StartNew();
        var session = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var there = await session.QueryAsync(
                TablesQuery, row => (Schema: row.GetString(0), Name: row.GetString(1), Far: row.GetBoolean(2)),
                cancellationToken).ConfigureAwait(false);
            var chosen = there.Where(table => wanted?.Invoke(table.Schema, table.Name) != false).ToLookup(
                table => table.Far, table => Quote.Qualified(table.Schema, table.Name));
            var tables = chosen[false].ToList();
            await SessionWork.ForEachAsync(
                target,
                session,
                jobs,
                tables,
                (worker, table, token) => worker.ExecuteAsync($"ANALYZE {table}", token),
                cancellationToken).ConfigureAwait(false);
            var left = chosen[true].Any()
                ? "; not those with foreign children, whose servers would be asked: " + NameList.Of([.. chosen[true]])
                : "";
            return PgCheck.Pass(PgCheckName.Statistics, $"{PgAmount.Of(tables.Count, "table")} analysed{left}") with
            {
                Duration = elapsed.Elapsed,
            };
        }
    }
}
