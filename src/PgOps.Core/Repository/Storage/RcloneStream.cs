using System.Diagnostics;
using PgOps.Core.Common.Streams;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Repository.Storage;

/// <summary>The output of a program as something to read. Its end is only believed when the program ended well.</summary>
internal sealed class RcloneStream : ReadOnlyStream
{
    private readonly Process _process;
    private readonly Stream _output;
    private readonly Func<ToolResult, PgOpsException> _failure;
    private readonly Task<List<string>> _errors;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly byte[] _first = new byte[1];
    private int _held;

    private RcloneStream(Process process, Func<ToolResult, PgOpsException> failure)
    {
        _process = process;
        _output = process.StandardOutput.BaseStream;
        _failure = failure;
        _errors = ReadErrorsAsync(process.StandardError);
    }

    /// <summary>Starts the program.</summary>
    /// <param name="command">What to run.</param>
    /// <param name="failure">Makes the error when it ends badly.</param>
    internal static RcloneStream Start(ToolCommand command, Func<ToolResult, PgOpsException> failure)
    {
        var process = ToolProcess.Start(command);
        process.StandardInput.Close();
        return new RcloneStream(process, failure);
    }

    /// <summary>Waits for the first byte, so that a missing file is an error here and not later.</summary>
    internal async Task BeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            _held = await ReadAsync(_first, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length == 0)
        {
            return 0;
        }

        if (_held > 0)
        {
            _held = 0;
            buffer.Span[0] = _first[0];
            return 1;
        }

        var read = await _output.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (read > 0)
        {
            return read;
        }

        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return _process.ExitCode == 0
            ? 0
            : throw _failure(new ToolResult("rclone", _process.ExitCode, await _errors.ConfigureAwait(false), _clock.Elapsed));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            try
            {
                if (!_process.HasExited)
                {
                    _process.Kill(entireProcessTree: true);
                }
            }
            catch (InvalidOperationException)
            {
                // Disposed of before.
            }

            _process.Dispose();
        }

        base.Dispose(disposing);
    }

    private static async Task<List<string>> ReadErrorsAsync(StreamReader reader)
    {
        var lines = new List<string>();
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (lines.Count < ToolProcess.KeptErrorLines)
            {
                lines.Add(Redaction.ByPattern.Apply(line));
            }
        }

        return lines;
    }
}
