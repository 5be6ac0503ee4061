using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>
/// The one place that runs programs. A program that is cancelled is asked to end, then killed with its children, and has ended
/// before the caller sees the cancellation.
/// </summary>
internal static partial class ToolProcess
{
    /// <summary>How many lines of standard error a result keeps.</summary>
    public const int KeptErrorLines = 200;

    private const int LongestKeptLine = 4000;
    private const int CopyBuffer = 128 * 1024;
    private const int TerminateSignal = 15;

    /// <summary>Runs a program to its end.</summary>
    /// <param name="command">What to run.</param>
    /// <param name="cancellationToken">Ends the program; it is gone when the exception arrives.</param>
    /// <returns>The exit code and the last lines of standard error. A non-zero exit code is not an exception here.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.ToolMissing"/> when the program cannot be started.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, and the program has ended.</exception>
    public static async Task<ToolResult> RunAsync(ToolCommand command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        var redaction = new Redaction(command.Target);
        var errors = new Queue<string>();
        using var keyPassword = KeyPasswordFile.For(command.Target);
        using var process = Start(command, keyPassword);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        var pumps = new[]
        {
            StopOnError(FeedAsync(process, command.Input, stop.Token), stop),
            StopOnError(DrainOutputAsync(process, command, redaction, stop.Token), stop),
            StopOnError(ReadLinesAsync(process.StandardError, KeepError), stop),
        };
        try
        {
            await process.WaitForExitAsync(stop.Token).ConfigureAwait(false);
            // The end of the pipes is also the end of the program's own workers, which hold them open.
            await Task.WhenAll(pumps).WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            await EndAsync(process, pumps, command.GracePeriod).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            // Whoever failed first asked for the stop; the others only report the cancellation.
            await (pumps.FirstOrDefault(pump => pump.IsFaulted) ?? Task.WhenAll(pumps)).ConfigureAwait(false);
            throw;
        }

        return new ToolResult(Path.GetFileNameWithoutExtension(command.Program), process.ExitCode, [.. errors], clock.Elapsed);

        void KeepError(string line)
        {
            line = redaction.Apply(line);
            if (errors.Count == KeptErrorLines)
            {
                errors.Dequeue();
            }

            errors.Enqueue(line.Length > LongestKeptLine ? line[..LongestKeptLine] + "…" : line);
            command.OnError?.Invoke(line);
        }
    }

    /// <summary>Asks a process to end by SIGTERM. No effect on Windows, which knows no such thing for console programs.</summary>
    internal static void Terminate(int processId)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Kill(processId, TerminateSignal);
        }
    }

    /// <summary>Starts a program with all its streams redirected; the caller looks after it.</summary>
    internal static Process Start(ToolCommand command, KeyPasswordFile? keyPassword = null)
    {
        var start = new ProcessStartInfo(command.Program)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = command.Encoding,
            StandardErrorEncoding = command.Encoding,
            WorkingDirectory = command.WorkingDirectory ?? "",
        };
        foreach (var argument in command.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        ToolEnvironment.Prepare(start, command.Target);
        foreach (var (name, value) in keyPassword?.Environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        foreach (var (name, value) in command.Environment)
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new PgOpsException(
                PgErrorCode.ToolMissing, $"{command.Program} cannot be started: {error.Message}.", innerException: error);
        }
    }

    private static async Task FeedAsync(Process process, Stream? input, CancellationToken stop)
    {
        try
        {
            if (input is not null)
            {
                await CopyAsync(input, process.StandardInput.BaseStream, stop).ConfigureAwait(false);
            }
        }
        finally
        {
            try
            {
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The program is gone already.
            }
        }
    }

    // A program that closes its input early says why by its exit code; a source that cannot be read is the caller's error.
    private static async Task CopyAsync(Stream source, Stream pipe, CancellationToken stop)
    {
        var buffer = new byte[CopyBuffer];
        int count;
        while ((count = await source.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
        {
            try
            {
                await pipe.WriteAsync(buffer.AsMemory(0, count), stop).ConfigureAwait(false);
            }
            catch (IOException)
            {
                return;
            }
        }
    }

    private static async Task DrainOutputAsync(Process process, ToolCommand command, Redaction redaction, CancellationToken stop)
    {
        if (command.Output is { } output)
        {
            await process.StandardOutput.BaseStream.CopyToAsync(output, CopyBuffer, stop).ConfigureAwait(false);
            await output.FlushAsync(stop).ConfigureAwait(false);
            return;
        }

        await ReadLinesAsync(process.StandardOutput, line => command.OnOutput?.Invoke(redaction.Apply(line))).ConfigureAwait(false);
    }

    private static async Task ReadLinesAsync(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            onLine(line);
        }
    }

    private static async Task StopOnError(Task pump, CancellationTokenSource stop)
    {
        try
        {
            await pump.ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task EndAsync(Process process, Task[] pumps, TimeSpan grace)
    {
        if (!process.HasExited)
        {
            Terminate(process.Id);
        }

        using var patience = new CancellationTokenSource(OperatingSystem.IsWindows() ? TimeSpan.Zero : grace);
        try
        {
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        // pg_dump's workers end a moment after it; bounded, for a daemon somewhere below may hold the pipe for ever.
        await Task.WhenAny(Task.WhenAll(pumps), Task.Delay(grace, CancellationToken.None)).ConfigureAwait(false);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
