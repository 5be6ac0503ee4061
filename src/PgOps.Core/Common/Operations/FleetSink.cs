using Microsoft.Extensions.Logging;

namespace PgOps.Core.Common.Operations;

/// <summary>What one target of many says: log lines carry its name, progress goes under the bar over all.</summary>
internal sealed class FleetSink : IOperationSink, ILogger
{
    private readonly IOperationSink _inner;
    private readonly string _name;
    private readonly int? _parent;

    internal FleetSink(IOperationSink inner, string name, int? parent)
    {
        _inner = inner;
        _name = name;
        _parent = parent;
    }

    /// <inheritdoc/>
    public ILogger Log => this;

    /// <inheritdoc/>
    public void Output(object result) => _inner.Output(result);

    /// <inheritdoc/>
    public void Failure(PgOpsException error) => _inner.Failure(error);

    /// <inheritdoc/>
    public void Progress(OperationProgress progress) => _inner.Progress(progress with { ParentId = _parent });

    /// <inheritdoc/>
    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken)
        => _inner.ConfirmAsync($"{_name}: {question}", caption, cancellationToken);

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => _inner.Log.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => _inner.Log.IsEnabled(logLevel);

    /// <inheritdoc/>
    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => _inner.Log.Log(logLevel, eventId, state, exception, (said, error) => $"{_name}: {formatter(said, error)}");
}
