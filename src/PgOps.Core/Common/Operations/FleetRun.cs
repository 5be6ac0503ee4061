namespace PgOps.Core.Common.Operations;

/// <summary>
/// Works on many targets side by side. A failing one is reported and stops the others only when that was asked for; a cancelled run
/// ends after every target's work has cleaned up.
/// </summary>
public sealed class FleetRun
{
    private readonly object _gate = new();
    private readonly List<FleetTask> _succeeded = [];
    private readonly List<FleetTask> _failed = [];
    private readonly List<FleetTask> _notBegun = [];

    /// <summary>What is being done, for the bar over all targets.</summary>
    public string Activity { get; init; } = "Working";

    /// <summary>What the targets are called.</summary>
    public string Noun { get; init; } = "targets";

    /// <summary>How many targets are worked on at a time.</summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>How many of the first targets run alone; the rest begin when all of these have succeeded. Zero: no such trial.</summary>
    public int Canary { get; init; }

    /// <summary>After a failure nothing more is begun; what runs already goes on to its end.</summary>
    public bool StopOnError { get; init; }

    /// <summary>Whether log lines and errors name the target; by default they do when there is more than one.</summary>
    public bool? Named { get; init; }

    /// <summary>Runs the tasks, in their order as far as the throttle allows.</summary>
    /// <param name="tasks">One for each target.</param>
    /// <param name="sink">Receives each result and each failure as soon as it is known, and one failure that lists what was not
    /// begun.</param>
    /// <param name="cancellationToken">Cancels what runs, and begins nothing more.</param>
    /// <returns>How each target ended.</returns>
    /// <exception cref="OperationCanceledException">The run was cancelled; every target's work has ended.</exception>
    public Task<FleetOutcome> RunAsync(IReadOnlyList<FleetTask> tasks, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(tasks, sink, cancellationToken));

    private async Task<FleetOutcome> WorkAsync(IReadOnlyList<FleetTask> tasks, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        ArgumentNullException.ThrowIfNull(sink);
        using var progress = new ProgressActivity(sink, Activity);
        var bar = tasks.Count > 1 ? progress : null;
        var canaries = Math.Clamp(Canary, 0, tasks.Count);
        await RunAllAsync([.. tasks.Take(canaries)], tasks.Count, sink, bar, cancellationToken).ConfigureAwait(false);
        var rest = tasks.Skip(canaries).ToList();
        if (canaries > 0 && _failed.Count > 0)
        {
            _notBegun.AddRange(rest);
        }
        else
        {
            await RunAllAsync(rest, tasks.Count, sink, bar, cancellationToken).ConfigureAwait(false);
        }

        if (_notBegun.Count > 0)
        {
            sink.Failure(Left(canaries));
        }

        return new FleetOutcome(_succeeded, _failed, _notBegun);
    }

    private async Task RunAllAsync(
        List<FleetTask> tasks, int total, IOperationSink sink, ProgressActivity? bar, CancellationToken cancellationToken)
    {
        var next = 0;
        var named = Named ?? total > 1;
        var workers = Enumerable.Range(0, Math.Min(Math.Max(ThrottleLimit, 1), tasks.Count)).Select(_ => Task.Run(WorkAsync)).ToArray();

        // WhenAll waits for every worker, also when one has thrown.
        await Task.WhenAll(workers).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        async Task WorkAsync()
        {
            while (!cancellationToken.IsCancellationRequested && Take() is { } task)
            {
                Report(bar, total);
                var own = named ? new FleetSink(sink, task.Name, bar?.Id) : sink;
                await RunOneAsync(task, named, own, sink, cancellationToken).ConfigureAwait(false);
                Report(bar, total);
            }
        }

        FleetTask? Take()
        {
            lock (_gate)
            {
                if (StopOnError && _failed.Count > 0)
                {
                    _notBegun.AddRange(tasks.Skip(next));
                    next = tasks.Count;
                }

                return next < tasks.Count ? tasks[next++] : null;
            }
        }
    }

    private async Task RunOneAsync(
        FleetTask task, bool named, IOperationSink own, IOperationSink sink, CancellationToken cancellationToken)
    {
        try
        {
            var result = await task.RunAsync(own, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                _succeeded.Add(task);
            }

            if (result is not null)
            {
                sink.Output(result);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The run as a whole says so, once every target has cleaned up.
        }
#pragma warning disable CA1031 // what one target's work throws, whatever it is, must not keep the others from their end
        catch (Exception error)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                _failed.Add(task);
            }

            sink.Failure(About(task, named, error));
        }
    }

    private void Report(ProgressActivity? bar, int total)
    {
        if (bar is not null)
        {
            lock (_gate)
            {
                var ended = _succeeded.Count + _failed.Count;
                bar.Report($"{ended} of {total} {Noun}{(_failed.Count > 0 ? $", {_failed.Count} failed" : "")}", ended, total);
            }
        }
    }

    /// <summary>The same error with the target as its subject, and its name in front where the text does not say it.</summary>
    private static PgOpsException About(FleetTask task, bool named, Exception error)
    {
        var known = error as PgOpsException ?? new PgOpsException(PgErrorCode.Unknown, error.Message, innerException: error);
        return known.InState(
            known.State,
            named && !known.Problem.Contains(task.Name, StringComparison.Ordinal) ? $"{task.Name}: {known.Problem}" : null,
            subject: task.Subject);
    }

    private PgOpsException Left(int canaries)
    {
        var names = string.Join("\n  ", _notBegun.Select(task => task.Name));
        var canaryFailed = canaries > 0 && _succeeded.Count + _failed.Count <= canaries;
        var why = canaryFailed
            ? $"not all of the {canaries} that run first (-Canary) succeeded"
            : "another one failed (-StopOnError)";
        return new PgOpsException(
            PgErrorCode.TargetsNotBegun,
            $"{PgAmount.Of(_notBegun.Count, "target")} {(_notBegun.Count == 1 ? "was" : "were")} not begun, because {why}:\n  {names}",
            $"These targets are untouched. {_succeeded.Count} succeeded, {_failed.Count} failed: "
                + $"{string.Join(", ", _failed.Select(task => task.Name))}.",
            "Deal with the failure, then run the command again: a target that is done already has nothing pending.")
        { Subject = _notBegun.Select(task => task.Subject).ToArray() };
    }
}
