using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Operations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Lets only migrations of the wanted states through.</summary>
internal sealed class StateFilter : IOperationSink
{
    private readonly IOperationSink _inner;
    private readonly PgMigrationState[] _wanted;

    internal StateFilter(IOperationSink inner, PgMigrationState[] wanted)
    {
        _inner = inner;
        _wanted = wanted;
    }

    /// <inheritdoc/>
    public ILogger Log => _inner.Log;

    /// <inheritdoc/>
    public void Output(object result)
    {
        if (result is not PgMigration migration || _wanted.Contains(migration.State))
        {
            _inner.Output(result);
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
