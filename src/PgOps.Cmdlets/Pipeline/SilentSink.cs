using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PgOps.Core.Common.Operations;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Takes everything and says nothing, where nobody listens.</summary>
internal sealed class SilentSink : IOperationSink
{
    /// <inheritdoc/>
    public ILogger Log => NullLogger.Instance;

    /// <inheritdoc/>
    public void Output(object result)
    {
    }

    /// <inheritdoc/>
    public void Failure(PgOpsException error)
    {
    }

    /// <inheritdoc/>
    public void Progress(OperationProgress progress)
    {
    }

    /// <inheritdoc/>
    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken) => Task.FromResult(false);
}
