using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

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
    internal static SandboxSupervisor Start(ToolCommand command) => new(ToolProcess.Start(command));

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
    /// <param name="folder">The sandbox's folder, for the error.</param>
    /// <exception cref="PgOpsException">It has not ended in time.</exception>
    internal async Task EndAsync(string folder)
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
            throw StillThere(folder, ProcessId);
        }
    }

    /// <summary>The error of a sandbox that does not end.</summary>
    internal static PgOpsException StillThere(string folder, int supervisor) => new(
        PgErrorCode.SandboxFailed,
        $"The sandbox in {folder} has not ended within {SandboxHost.StopTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s.",
        $"it was asked to end; its supervisor is process {supervisor.ToString(CultureInfo.InvariantCulture)}",
        "Try again; if it stays, kill that process, and stop the sandbox once more to remove its folder.");
}
