using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>Gathers the planner's statistics after a restore: without them the first queries after a cutover crawl.</summary>
internal static class TableStatistics
{
    // ANALYZE of a partitioned table covers its partitions too.
    private const string TablesQuery = """
        SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
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
                TablesQuery, row => (Schema: row.GetString(0), Name: row.GetString(1)), cancellationToken).ConfigureAwait(false);
            var tables = there.Where(table => wanted?.Invoke(table.Schema, table.Name) != false)
                .Select(table => Quote.Qualified(table.Schema, table.Name)).ToList();
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

            return PgCheck.Pass("statistics", string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables analysed"))
                with
            { Duration = elapsed.Elapsed };
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
