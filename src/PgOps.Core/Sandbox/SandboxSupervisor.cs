using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using PgOps.Core.ClientTools;

namespace PgOps.Core.Sandbox;

/// <summary>
/// The process that ends a sandbox with its owner: its standard input is a pipe whose other end only the owner holds (.NET opens
/// it close-on-exec, so no child inherits it), so however the owner ends, the supervisor reads the end of the pipe.
/// </summary>
internal sealed class SandboxSupervisor : IDisposable
{
    private readonly Process _process;

    private SandboxSupervisor(Process process)
    {
        _process = process;
        ProcessId = process.Id;
        Stamp = ProcessStamp.Of(process.Id) ?? "";
    }

    /// <summary>Its process id.</summary>
    internal int ProcessId { get; }

    /// <summary>Its <see cref="ProcessStamp"/>.</summary>
    internal string Stamp { get; }

    /// <summary>Whether it has ended.</summary>
    internal bool HasExited => _process.HasExited;

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    /// <summary>Starts it.</summary>
    /// <param name="command">Program, arguments and folder.</param>
    internal static SandboxSupervisor Start(ToolCommand command)
    {
        var start = new ProcessStartInfo(command.Program)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            WorkingDirectory = command.WorkingDirectory ?? "",
        };
        foreach (var argument in command.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        ToolEnvironment.Prepare(start, target: null);
        try
        {
            return new SandboxSupervisor(Process.Start(start)!);
        }
        catch (Win32Exception error)
        {
            throw new PgOpsException(
                PgErrorCode.SandboxFailed, $"{command.Program} cannot be started: {error.Message}.", innerException: error);
        }
    }

    /// <summary>Sends lines to it. A supervisor that is gone is noticed by its exit, not here.</summary>
    internal async Task SendAsync(params string[] lines)
    {
        try
        {
            await _process.StandardInput.WriteAsync(string.Concat(lines.Select(line => line + "\n"))).ConfigureAwait(false);
            await _process.StandardInput.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The pipe is broken: it has exited.
        }
    }

    /// <summary>What it said before it ended by itself: the server's last log lines.</summary>
    internal async Task<string> LastWordsAsync()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        var output = await _process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        return output + await errors.ConfigureAwait(false);
    }

    /// <summary>Closes the pipe and waits until the supervisor has cleaned up and ended.</summary>
    /// <exception cref="TimeoutException">It has not ended in time.</exception>
    internal async Task EndAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Unsent lines to a process that is gone.
        }

        using var patience = new CancellationTokenSource(SandboxHost.StopTimeout);
        try
        {
            await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException();
        }
    }
}
