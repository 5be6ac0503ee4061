using Microsoft.Extensions.Logging;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets an error follow each test of a backup that failed: -Strict.</summary>
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
        if (result is PgBackupTest { Passed: false } test)
        {
            _inner.Failure(FailedChecks.Error(test.Backup.Path, test.Checks, test));
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
