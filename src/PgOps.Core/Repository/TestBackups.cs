using PgOps.Core.Common.Operations;

namespace PgOps.Core.Repository;

/// <summary>Tests backups side by side. Results come in the order of the paths, each as soon as it and those before it are known.</summary>
public sealed class TestBackups
{
    /// <summary>Tests them.</summary>
    /// <param name="request">Which ones, and how.</param>
    /// <param name="sink">Receives a <see cref="PgBackupTest"/> for each, or a failure when it cannot be read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public Task RunAsync(TestBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task WorkAsync(TestBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        using var progress = new ProgressActivity(sink, "Testing backups");
        using var turns = new SemaphoreSlim(request.ThrottleLimit);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = 0;
        var tests = request.Paths.Select(TestAsync).ToList();
        try
        {
            foreach (var test in tests)
            {
                try
                {
                    sink.Output(await test.ConfigureAwait(false));
                }
                catch (PgOpsException error)
                {
                    sink.Failure(error);
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(tests.Select(test => test.ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default))).ConfigureAwait(false);
        }

        async Task<PgBackupTest> TestAsync(string path)
        {
            await turns.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                var one = new TestBackupRequest
                {
                    Path = path,
                    Deep = request.Deep,
                    BinPath = request.BinPath,
                    Key = request.Key,
                    Identity = request.Identity,
                };
                return await Task.Run(() => new TestBackup().RunAsync(one, sink, stop.Token), stop.Token).ConfigureAwait(false);
            }
            finally
            {
                turns.Release();
                if (request.Paths.Count > 1)
                {
                    progress.Report(
                        $"{Interlocked.Increment(ref ended)} of {PgAmount.Of(request.Paths.Count, "backup")}",
                        ended,
                        request.Paths.Count);
                }
            }
        }
    }
}
