using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Connections;

namespace PgOps.Core.Restores;

/// <summary>Gathers the planner's statistics after a restore: without them the first queries after a cutover crawl.</summary>
internal static class TableStatistics
{
    // ANALYZE of a partitioned table covers its partitions too.
    private const string TablesQuery = """
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        ORDER BY pg_catalog.pg_total_relation_size(c.oid) DESC
        """;

    /// <summary>Analyses every table and materialised view, several side by side.</summary>
    /// <param name="target">The database.</param>
    /// <param name="jobs">Sessions to work with.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    /// <returns>A passed check.</returns>
    internal static async Task<PgCheck> GatherAsync(PgTarget target, int jobs, CancellationToken cancellationToken)
    {
        var elapsed = Stopwatch.StartNew();
        var session = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var tables = await session.QueryAsync(TablesQuery, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
            await SessionWork.ForEachAsync(
                target,
                session,
                jobs,
                tables,
                (worker, table, token) => worker.ExecuteAsync($"ANALYZE {table}", token),
                cancellationToken).ConfigureAwait(false);
            return PgCheck.Pass("statistics", string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables analysed"))
                with
            { Duration = elapsed.Elapsed };
        }
    }
}
