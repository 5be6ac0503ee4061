using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>A log file with one JSON object a line: time (UTC), level, command, message. Several processes may append to it.</summary>
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

    internal void Write(LogLevel level, string command, string message)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(new
        {
            time = DateTime.UtcNow,
            level = level.ToString(),
            command,
            message,
        });
        lock (_gate)
        {
            _file.Write([.. line, (byte)'\n']);
            _file.Flush();
        }
    }
}
