using System.Collections.Concurrent;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>Sessions that mask: no trigger fires where the role may say so, and no policy hides a row without an error.</summary>
internal static class MaskSession
{
    private const string RefusedQuery = """
        SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper)
               THEN pg_catalog.set_config('session_replication_role', 'replica', false) END
        """;

    /// <summary>Opens one.</summary>
    internal static async Task<NpgsqlConnection> OpenAsync(PgTarget target, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync("SET statement_timeout = 0; SET lock_timeout = 0; SET row_security = off", cancellationToken)
            .ConfigureAwait(false);
        await session.ExecuteAsync(RefusedQuery, cancellationToken).ConfigureAwait(false);
        return session;
    }

    /// <summary>
    /// Works through items, several side by side, each worker in a session of its own. The first failure stops the others.
    /// </summary>
    internal static async Task EachAsync<T>(
        PgTarget target, IReadOnlyCollection<T> items, int jobs, Func<NpgsqlConnection, T, CancellationToken, Task> work,
        CancellationToken cancellationToken)
    {
        var queue = new ConcurrentQueue<T>(items);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Math.Min(jobs, items.Count)),
            new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellationToken },
            async (_, token) =>
            {
                var session = await OpenAsync(target, token).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    while (queue.TryDequeue(out var item))
                    {
                        await work(session, item, token).ConfigureAwait(false);
                    }
                }
            }).ConfigureAwait(false);
    }
}
