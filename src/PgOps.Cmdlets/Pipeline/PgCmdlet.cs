using System.Collections.Concurrent;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Base of every cmdlet: runs an operation on a worker and carries its output, progress, log lines, errors and questions to the
/// pipeline thread. Ctrl+C, and a downstream command that has seen enough, cancel the operation and wait until it has cleaned up.
/// </summary>
public abstract class PgCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private JsonLinesLog? _logFile;
    private volatile PipelineSink? _sink;

    /// <summary>A file that every log line is appended to as one JSON object a line; the folder must exist.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    /// <summary>Opens the log file; the operation itself begins with the first input.</summary>
    protected override void BeginProcessing()
    {
        try
        {
            _logFile = LogPath is null ? null : JsonLinesLog.Open(FullPath(LogPath));
        }
        catch (PgOpsException error)
        {
            ThrowTerminatingError(ErrorRecords.From(error));
        }
    }

    /// <summary>Ctrl+C: cancels the operation. The pipeline thread goes on pumping until it has ended.</summary>
    protected sealed override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The work had ended already.
        }
    }

    /// <summary>Runs an operation to its end, pumping what it says.</summary>
    /// <param name="operation">The work; it must not touch the cmdlet.</param>
    /// <returns>Whether it ended without an error of its own.</returns>
    protected bool Run(Func<IOperationSink, CancellationToken, Task> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        using var queue = new BlockingCollection<Action<PgCmdlet>>();
        var sink = new PipelineSink(queue, MyInvocation.MyCommand.Name, _logFile);
        _sink = sink;
        var work = Task.Run(async () =>
        {
            try
            {
                await operation(sink, _stop.Token).ConfigureAwait(false);
            }
            finally
            {
                queue.CompleteAdding();
            }
        });

        var interruption = Pump(queue);
        sink.CompleteProgress(this);
        return Conclude(work, interruption);
    }

    /// <summary>Makes sense of the parameters. What is wrong with them is an error about this item; the pipeline goes on.</summary>
    /// <param name="read">Reads them, on the pipeline thread.</param>
    /// <returns>Whether nothing is wrong with them.</returns>
    private protected bool Understand(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (PgOpsException error)
        {
            WriteFailure(error);
            return false;
        }
    }

    /// <summary>Runs an operation that ends with one result, and writes that.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="operation">The work.</param>
    /// <returns>The result, or null when the operation failed with a non-terminating error.</returns>
    protected T? RunAndWrite<T>(Func<IOperationSink, CancellationToken, Task<T>> operation)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(operation);
        T? result = null;
        Run(async (sink, token) =>
        {
            result = await operation(sink, token).ConfigureAwait(false);
            sink.Output(result);
        });
        return result;
    }

    /// <summary>Lets the running operation have something done on the pipeline thread, the only one that scripts may run on.</summary>
    /// <typeparam name="T">Its result.</typeparam>
    /// <param name="work">The work.</param>
    private protected Task<T> OnPipelineAsync<T>(Func<T> work) => _sink!.CallAsync(work);

    /// <summary>Whether -WhatIf is on, by parameter or by preference.</summary>
    protected bool WhatIfRequested => MyInvocation.BoundParameters.TryGetValue("WhatIf", out var value)
        ? (SwitchParameter)value
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference", false));

    /// <summary>
    /// Asks, as -WhatIf, -Confirm and $ConfirmPreference say. Where it should and cannot, the script ends with an error that says what to
    /// do.
    /// </summary>
    /// <param name="target">What it is done to.</param>
    /// <param name="action">What is done.</param>
    /// <returns>Whether to do it.</returns>
    protected new bool ShouldProcess(string target, string action)
    {
        if (WhatIfRequested || !Confirmation.IsAsked(this) || !Confirmation.IsDeaf(Host))
        {
            try
            {
                return base.ShouldProcess(target, action);
            }
            catch (Exception error) when (Confirmation.SaysDeaf(error))
            {
                // -NonInteractive, or a runspace without a user interface.
            }
        }

        ThrowFailure(Confirmation.Missing(target, action));
        return false;
    }

    /// <summary>Under -WhatIf: works the real plan out, which touches nothing, and prints it line by line.</summary>
    /// <param name="plan">Gives the plan, or throws the refusal that the real run would meet.</param>
    protected void Preview(Func<IOperationSink, CancellationToken, Task<IReadOnlyList<string>>> plan)
    {
        IReadOnlyList<string> lines = [];
        Run(async (sink, token) => lines = await plan(sink, token).ConfigureAwait(false));
        foreach (var line in lines)
        {
            ShouldProcess(line, "", "");
        }
    }

    /// <summary>Reports an error about one item; the pipeline goes on.</summary>
    /// <param name="error">The error.</param>
    protected internal void WriteFailure(PgOpsException error) => WriteError(ErrorRecords.From(error));

    /// <summary>
    /// Ends the script with an error, as a throw statement does: pwsh -File then exits with 1, which it does not after a cmdlet's own
    /// terminating error (https://github.com/PowerShell/PowerShell/issues/11712). Whoever gave -ErrorAction has what it says.
    /// </summary>
    /// <param name="error">The error.</param>
    private protected void ThrowFailure(PgOpsException error)
    {
        if (MyInvocation.BoundParameters.ContainsKey("ErrorAction"))
        {
            WriteFailure(error);
            return;
        }

        // The record would know the throw statement as its place; the view shows this one.
        var record = ErrorRecords.From(error);
        PSObject.AsPSObject(record).Properties.Add(new PSNoteProperty("Invocation", MyInvocation));
        ScriptBlock.Create("throw $args[0]").Invoke(record);
    }

    /// <summary>A file system path as .NET needs it.</summary>
    /// <param name="path">A path as typed, relative to PowerShell's own location.</param>
    /// <returns>The full path.</returns>
    protected string FullPath(string path)
    {
        var full = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        return provider.Name == "FileSystem"
            ? full
            : throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"'{path}' is not a file system path but one of the provider {provider.Name}.");
    }

    /// <summary>A folder's path as .NET needs it, or a store's URI as it is.</summary>
    /// <param name="place">A path as typed, or a URI.</param>
    /// <returns>The full path or the URI.</returns>
    protected string FullPlace(string place) => StoredBackups.IsUri(place) ? StoredBackups.Place(place) : FullPath(place);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the token and the log file.</summary>
    /// <param name="disposing">Whether called from <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
            _logFile?.Dispose();
        }
    }

    /// <summary>
    /// Writes what the operation says until it has ended. A pipeline that stops (PipelineStoppedException, or Select-Object -First)
    /// throws out of a Write call: the operation is cancelled, the rest is drained unwritten, and the exception is kept for the end.
    /// </summary>
    private ExceptionDispatchInfo? Pump(BlockingCollection<Action<PgCmdlet>> queue)
    {
        ExceptionDispatchInfo? interruption = null;
        foreach (var item in queue.GetConsumingEnumerable())
        {
            if (interruption is not null)
            {
                PipelineSink.Decline(item);
                continue;
            }

            try
            {
                item(this);
            }
#pragma warning disable CA1031 // whatever stops the pipeline must first let the operation clean up
            catch (Exception stopped)
#pragma warning restore CA1031
            {
                interruption = ExceptionDispatchInfo.Capture(stopped);
                StopProcessing();
                PipelineSink.Decline(item);
            }
        }

        return interruption;
    }

    private bool Conclude(Task work, ExceptionDispatchInfo? interruption)
    {
        try
        {
            work.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            interruption?.Throw();
            throw new PipelineStoppedException();
        }
        catch (PgOpsException error)
        {
            interruption?.Throw();
            WriteFailure(error);
            return false;
        }

        interruption?.Throw();
        return true;
    }
}
