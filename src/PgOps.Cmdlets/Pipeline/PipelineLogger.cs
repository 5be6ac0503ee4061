using System.Management.Automation;
using Microsoft.Extensions.Logging;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// An ILogger over PowerShell's streams: Trace goes to Debug, Debug to Verbose, Information to Information, the rest to Warning
/// (an operation's own failures are errors, never log lines).
/// </summary>
internal sealed class PipelineLogger : ILogger
{
    private static readonly string[] Tags = ["PgOps"];

    private readonly PipelineSink _sink;
    private readonly string _command;
    private readonly JsonLinesLog? _file;

    internal PipelineLogger(PipelineSink sink, string command, JsonLinesLog? file)
    {
        _sink = sink;
        _command = command;
        _file = file;
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        _file?.Write(logLevel, _command, eventId, text, state);
        _sink.Post(cmdlet =>
        {
            switch (logLevel)
            {
                case LogLevel.Trace:
                    cmdlet.WriteDebug(text);
                    break;
                case LogLevel.Debug:
                    cmdlet.WriteVerbose(text);
                    break;
                case LogLevel.Information:
                    cmdlet.WriteInformation(new InformationRecord(text, _command) { }, Tags);
                    break;
                default:
                    cmdlet.WriteWarning(text);
                    break;
            }
        });
    }
}
