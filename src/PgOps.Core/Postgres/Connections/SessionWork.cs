using System.Collections.Concurrent;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Many pieces of work on one database, done by several sessions side by side.</summary>
internal static class SessionWork
{
    /// <summary>Does the work for each item, in their order as far as the sessions allow. The first failure ends all of it.</summary>
    /// <param name="target">The database, for further sessions.</param>
    /// <param name="first">A session that works too; it stays open.</param>
    /// <param name="jobs">How many sessions at most.</param>
    /// <param name="items">What there is to do.</param>
    /// <param name="work">Does it for one.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    internal static async Task ForEachAsync<T>(
        PgTarget target,
        NpgsqlConnection first,
        int jobs,
        IReadOnlyCollection<T> items,
        Func<NpgsqlConnection, T, CancellationToken, Task> work,
        CancellationToken cancellationToken)
    {
        var queue = new ConcurrentQueue<T>(items);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var workers = new List<Task> { EmptyAsync(first) };
        for (var worker = 1; worker < Math.Min(jobs, items.Count); worker++)
        {
            workers.Add(OpenAndEmptyAsync());
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

        async Task OpenAndEmptyAsync()
        {
            var session = await ServerConnection.OpenAsync(target, null, stop.Token).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await EmptyAsync(session).ConfigureAwait(false);
            }
        }

        async Task EmptyAsync(NpgsqlConnection session)
        {
            try
            {
                while (queue.TryDequeue(out var item))
                {
                    await work(session, item, stop.Token).ConfigureAwait(false);
                }
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
    }
}
