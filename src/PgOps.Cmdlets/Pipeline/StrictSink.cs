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
            // Nothing was restored: what lets a runbook go on is a drill that was made.
            case PgDrill drill when !drill.Passed
                || drill.Checks.Any(check => check is { Name: PgCheckName.Restore, Status: PgCheckStatus.Skipped }):
                _inner.Failure(FailedChecks.Error(drill.Backup.Path, drill.Checks, drill));
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
