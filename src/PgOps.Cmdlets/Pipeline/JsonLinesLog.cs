using Microsoft.Extensions.Logging;
using PgOps.Core.Reports;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>A log file with one JSON object a line, a <see cref="LogLine"/>. Several processes may append to it.</summary>
internal sealed class JsonLinesLog : IDisposable
{
    private readonly object _gate = new();
    private readonly FileStream _file;

    private JsonLinesLog(FileStream file) => _file = file;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    internal static JsonLinesLog Open(string path)
    {
        try
        {
            return new JsonLinesLog(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"The log file cannot be written: {error.Message}",
                "Nothing was done.",
                "Create its folder, or give another -LogPath.",
                error);
        }
    }

    internal void Write(LogLevel level, string command, EventId eventId, string message, object? state)
    {
        var line = LogLine.Write(DateTime.UtcNow, level, command, eventId, message, state);
        lock (_gate)
        {
            _file.Write([.. line, (byte)'\n']);
            _file.Flush();
        }
    }
}
