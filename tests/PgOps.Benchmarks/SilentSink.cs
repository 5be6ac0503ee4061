using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PgOps.Core.Common.Operations;

namespace PgOps.Benchmarks;

/// <summary>Takes whatever an operation tells and forgets it.</summary>
internal sealed class SilentSink : IOperationSink
{
    public ILogger Log => NullLogger.Instance;

    public void Output(object result)
    {
    }

    public void Failure(PgOpsException error) => throw error;

    public void Progress(OperationProgress progress)
    {
    }

    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken) => Task.FromResult(false);
}
