using System.Collections.Concurrent;
using System.Management.Automation;
using Microsoft.Extensions.Logging;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Queues what an operation says, for the pipeline thread to write.</summary>
internal sealed class PipelineSink : IOperationSink
{
    private readonly BlockingCollection<Action<PgCmdlet>> _queue;
    private readonly ConcurrentDictionary<int, string> _shown = new();

    internal PipelineSink(BlockingCollection<Action<PgCmdlet>> queue, string command, JsonLinesLog? file)
    {
        _queue = queue;
        Log = new PipelineLogger(this, command, file);
    }

    /// <inheritdoc/>
    public ILogger Log { get; }

    /// <inheritdoc/>
    public void Output(object result) => Post(cmdlet => cmdlet.WriteObject(result));

    /// <inheritdoc/>
    public void Failure(PgOpsException error) => Post(cmdlet => cmdlet.WriteFailure(error));

    /// <inheritdoc/>
    public void Progress(OperationProgress progress) => Post(cmdlet => Write(cmdlet, progress));

    /// <inheritdoc/>
    public async Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken)
    {
        var asked = new Question(question, caption);
        if (!Post(asked.Ask))
        {
            return false;
        }

        return await asked.Answer.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    internal bool Post(Action<PgCmdlet> item)
    {
        try
        {
            _queue.Add(item);
            return true;
        }
        catch (InvalidOperationException)
        {
            // The operation has ended; a late line of a child or a keep-alive has nowhere to go.
            return false;
        }
    }

    /// <summary>Has something done on the pipeline thread.</summary>
    /// <typeparam name="T">Its result.</typeparam>
    /// <param name="work">The work; what it throws comes back, but a stopped pipeline stops.</param>
    internal Task<T> CallAsync<T>(Func<T> work)
    {
        var call = new Call<T>(work);
        if (!Post(call.Make))
        {
            call.Decline();
        }

        return call.Result;
    }

    /// <summary>Answers no to a question that will not be asked any more, and gives up a call that will not be made.</summary>
    internal static void Decline(Action<PgCmdlet> item) => (item.Target as IWaitedFor)?.Decline();

    /// <summary>Ends every progress bar that the operation left open.</summary>
    internal void CompleteProgress(PgCmdlet cmdlet)
    {
        foreach (var (id, activity) in _shown)
        {
            try
            {
                cmdlet.WriteProgress(new ProgressRecord(id, activity, "done") { RecordType = ProgressRecordType.Completed });
            }
            catch (PipelineStoppedException)
            {
                return;
            }
        }
    }

    private void Write(PgCmdlet cmdlet, OperationProgress progress)
    {
        var record = new ProgressRecord(progress.Id, progress.Activity, progress.Status.Length == 0 ? " " : progress.Status)
        {
            ParentActivityId = progress.ParentId ?? -1,
            PercentComplete = progress.Percent,
            SecondsRemaining = progress.Remaining is { } remaining ? (int)Math.Ceiling(remaining.TotalSeconds) : -1,
            RecordType = progress.Completed ? ProgressRecordType.Completed : ProgressRecordType.Processing,
        };
        if (progress.Completed)
        {
            _shown.TryRemove(progress.Id, out _);
        }
        else
        {
            _shown[progress.Id] = progress.Activity;
        }

        cmdlet.WriteProgress(record);
    }

    private interface IWaitedFor
    {
        void Decline();
    }

    private sealed class Call<T>(Func<T> work) : IWaitedFor
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<T> Result => _result.Task;

        internal void Make(PgCmdlet cmdlet)
        {
            try
            {
                _result.TrySetResult(work());
            }
            catch (PipelineStoppedException)
            {
                Decline();
                throw;
            }
#pragma warning disable CA1031 // whatever it is, it belongs to the one who waits
            catch (Exception error)
#pragma warning restore CA1031
            {
                _result.TrySetException(error);
            }
        }

        public void Decline() => _result.TrySetCanceled();
    }

    private sealed class Question : IWaitedFor
    {
        private readonly string _question;
        private readonly string _caption;
        private readonly TaskCompletionSource<bool> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Question(string question, string caption)
        {
            _question = question;
            _caption = caption;
        }

        internal Task<bool> Answer => _answer.Task;

        internal void Ask(PgCmdlet cmdlet)
        {
            try
            {
                _answer.TrySetResult(!Confirmation.IsDeaf(cmdlet.Host) && cmdlet.ShouldContinue(_question, _caption));
            }
            catch (Exception nobody) when (Confirmation.SaysDeaf(nobody))
            {
                // A session without anybody to ask has not said yes; the operation's own refusal says what to do.
                _answer.TrySetResult(false);
            }
        }

        public void Decline() => _answer.TrySetResult(false);
    }
}
