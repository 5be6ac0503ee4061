using Microsoft.Extensions.Logging;
using PgOps;
using PgOps.Core.Common.Operations;

namespace ReleaseStep;

/// <summary>An embedding program's own sink: log lines and progress go to stderr, questions are answered with no.</summary>
internal sealed class ConsoleSink : IOperationSink
{
    private static readonly ILoggerFactory Loggers = LoggerFactory.Create(builder => builder
        .SetMinimumLevel(LogLevel.Information)
        .AddProvider(new StderrLogs()));

    public ILogger Log { get; } = Loggers.CreateLogger("PgOps");

    public void Output(object result) => Console.WriteLine(result);

    public void Failure(PgOpsException error) => Console.Error.WriteLine(error.Message);

    public void Progress(OperationProgress progress)
    {
        if (!Console.IsErrorRedirected && !progress.Completed)
        {
            Console.Error.Write($"\r   {progress.Activity}: {progress.Status,-60}");
        }
    }

    public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken) => Task.FromResult(false);

    private sealed class StderrLogs : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Console.Error.WriteLine($"   {logLevel}: {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
