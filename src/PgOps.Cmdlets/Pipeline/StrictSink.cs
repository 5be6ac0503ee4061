using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Operations;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets an error follow each test or drill that failed: -Strict.</summary>
internal sealed class StrictSink : IOperationSink
{
    private readonly IOperationSink _inner;

    internal StrictSink(IOperationSink inner)
    {
        _inner = inner;
    }

    /// <inheritdoc/>
    public ILogger Log => _inner.Log;

    /// <inheritdoc/>
    public void Output(object result)
    {
        _inner.Output(result);
        switch (result)
        {
            case PgBackupTest { Passed: false } test:
                _inner.Failure(FailedChecks.Error(test.Backup.Path, test.Checks, test));
                break;
            case PgDrill { Passed: false } drill:
                _inner.Failure(FailedChecks.Error(drill.Backup.Path, drill.Checks, drill));
                break;
            case PgDrill drill when drill.Checks.FirstOrDefault(check => check.Name == PgCheckName.Restore)
                is { Status: PgCheckStatus.Skipped } restore:
                // Nothing was restored, and a runbook that goes on would take it for proven.
                _inner.Failure(FailedChecks.Error(drill.Backup.Path, [restore], drill));
                break;
            case PgDatabaseTest { Passed: false } test:
                _inner.Failure(FailedChecks.Error($"{test.Target}", test.Checks, test));
                break;
        }
    }

    /// <inheritdoc/>
    public void Failure(PgOpsException error) => _inner.Failure(error);

    /// <inheritdoc/>
    public void Progress(OperationProgress progress) => _inner.Progress(progress);

    /// <inheritdoc/>
    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken)
        => _inner.ConfirmAsync(question, caption, cancellationToken);
}
