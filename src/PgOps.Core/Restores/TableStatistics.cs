using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PgOps.Core.Connections;

namespace PgOps.Core.Restores;

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
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid IN (SELECT oid FROM far)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
          AND (NOT c.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN far ON far.oid = i.inhparent WHERE i.inhrelid = c.oid))
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
            var found = await session.QueryAsync(
                TablesQuery, row => (Name: row.GetString(0), Far: row.GetBoolean(1)), cancellationToken).ConfigureAwait(false);
            var tables = found.Where(table => !table.Far).Select(table => table.Name).ToList();
            var far = found.Where(table => table.Far).Select(table => table.Name).ToList();
            var queue = new ConcurrentQueue<string>(tables);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var workers = new List<Task> { AnalyzeAsync(session, queue, stop) };
            for (var worker = 1; worker < Math.Min(jobs, tables.Count); worker++)
            {
                workers.Add(AnalyzeAsync(target, queue, stop));
            }

            try
            {
                await Task.WhenAll(workers).ConfigureAwait(false);
            }
            catch (Exception) when (workers.Exists(worker => worker.IsFaulted))
            {
                // The others were only stopped; the one that failed has the news.
                await workers.Find(worker => worker.IsFaulted)!.ConfigureAwait(false);
            }

            var left = far.Count == 0 ? "" : "; not those with foreign children, whose servers would be asked: " + NameList.Of(far);
            return PgCheck.Pass("statistics", string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables analysed{left}")) with
            {
                Duration = elapsed.Elapsed,
            };
        }
    }

    private static async Task AnalyzeAsync(PgTarget target, ConcurrentQueue<string> queue, CancellationTokenSource stop)
    {
        var session = await ServerConnection.OpenAsync(target, null, stop.Token).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            await AnalyzeAsync(session, queue, stop).ConfigureAwait(false);
        }
    }

    private static async Task AnalyzeAsync(NpgsqlConnection session, ConcurrentQueue<string> queue, CancellationTokenSource stop)
    {
        try
        {
            while (queue.TryDequeue(out var table))
            {
                await session.ExecuteAsync($"ANALYZE {table}", stop.Token).ConfigureAwait(false);
            }
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}
