using System.Diagnostics;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>
/// A client of the database that asks it without pause, and when it is cut off connects again until it is let in: what it misses is
/// the time without service.
/// </summary>
internal sealed class ServiceProbe : IAsyncDisposable
{
    /// <summary>Its application_name.</summary>
    internal const string Application = "pgops switch probe";

    private const string Query = "SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    private const int Pause = 5;

    private readonly PgTarget _target;
    private readonly uint _successor;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<TimeSpan?> _work;

    /// <param name="target">The database.</param>
    /// <param name="successor">The oid of the one that will be in its place.</param>
    internal ServiceProbe(PgTarget target, uint successor)
    {
        _target = target with { ApplicationName = Application };
        _successor = successor;
        _work = Task.Run(AskAsync);
    }

    /// <summary>Ends when the database has answered once, or cannot.</summary>
    internal Task Ready => _ready.Task;

    /// <summary>The time without service, once the new database has answered.</summary>
    /// <param name="patience">How long to wait for that.</param>
    /// <returns>The time; null when the probe was not let in before, or is not afterwards.</returns>
    internal async Task<TimeSpan?> ResultAsync(TimeSpan patience)
    {
        _stop.CancelAfter(patience);
        return await _work.ConfigureAwait(false);
    }

    /// <summary>Stops asking.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<TimeSpan?> AskAsync()
    {
        long? answered = null;
        try
        {
            while (true)
            {
                try
                {
                    var session = await ServerConnection.OpenAsync(_target, null, _stop.Token).ConfigureAwait(false);
                    await using (session.ConfigureAwait(false))
                    {
                        while (await session.ScalarAsync<long>(Query, _stop.Token).ConfigureAwait(false) != _successor)
                        {
                            answered = Stopwatch.GetTimestamp();
                            _ready.TrySetResult();
                            await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
                        }

                        return answered is { } last ? Stopwatch.GetElapsedTime(last) : null;
                    }
                }
                catch (Exception error) when (error is NpgsqlException or PgOpsException)
                {
                    if (answered is null)
                    {
                        return null;
                    }

                    await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            _ready.TrySetResult();
        }
    }
}
