using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Tests.Support;

/// <summary>Keeps whatever an operation tells; answers every question as <see cref="Answer"/> says.</summary>
public sealed class CollectingSink : IOperationSink, ILogger
{
    public ConcurrentQueue<object> Outputs { get; } = new();

    public ConcurrentQueue<PgOpsException> Failures { get; } = new();

    public ConcurrentQueue<OperationProgress> Reports { get; } = new();

    public ConcurrentQueue<string> Questions { get; } = new();

    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public IEnumerable<string> Warnings => Lines.Where(line => line.Level == LogLevel.Warning).Select(line => line.Text);

    public bool Answer { get; set; } = true;

    public ILogger Log => this;

    public void Output(object result) => Outputs.Enqueue(result);

    public void Failure(PgOpsException error) => Failures.Enqueue(error);

    public void Progress(OperationProgress progress) => Reports.Enqueue(progress);

    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken)
    {
        Questions.Enqueue(question);
        return Task.FromResult(Answer);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((logLevel, formatter(state, exception)));
}
