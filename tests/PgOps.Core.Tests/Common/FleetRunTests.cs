using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Operations;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Common;

/// <summary>Many targets side by side: who runs when, what a failure does to the others, what is told.</summary>
public sealed class FleetRunTests
{
    private readonly CollectingSink _sink = new();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(50, 8)]
    public async Task As_many_run_at_a_time_as_the_throttle_allows(int throttle, int expected)
    {
        var running = 0;
        var most = 0;
        var gate = new object();
        var tasks = Targets(8, async (_, token) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++running);
            }

            await Task.Delay(100, token);
            lock (gate)
            {
                running--;
            }
        });

        var outcome = await new FleetRun { ThrottleLimit = throttle }.RunAsync(tasks, _sink, CancellationToken.None);

        Assert.Equal(expected, most);
        Assert.Equal(8, outcome.Succeeded.Count);
        Assert.Equal(8, _sink.Outputs.Count);
    }

    [Fact]
    public async Task One_after_the_other_they_keep_their_order()
    {
        await new FleetRun().RunAsync(Targets(5), _sink, CancellationToken.None);

        Assert.Equal(["t0", "t1", "t2", "t3", "t4"], _sink.Outputs.Cast<string>());
    }

    [Fact]
    public async Task A_result_is_handed_out_before_the_others_have_ended()
    {
        using var release = new SemaphoreSlim(0);
        var run = new FleetRun { ThrottleLimit = 2 }.RunAsync(
            Targets(2, (name, token) => name == "t0" ? Task.CompletedTask : release.WaitAsync(token)), _sink, CancellationToken.None);

        await Eventually.HoldsAsync(() => !_sink.Outputs.IsEmpty, "the first result");
        Assert.False(run.IsCompleted);
        release.Release();
        Assert.Equal(2, (await run).Succeeded.Count);
    }

    [Fact]
    public async Task A_failing_target_stops_no_other_and_is_the_subject_of_its_error()
    {
        var outcome = await new FleetRun { ThrottleLimit = 2 }.RunAsync(Targets(6, FailAt("t2", "t4")), _sink, CancellationToken.None);

        Assert.Equal(4, outcome.Succeeded.Count);
        Assert.Empty(outcome.NotBegun);
        Assert.Equal(["subject of t2", "subject of t4"], _sink.Failures.Select(error => (string)error.Subject!).Order());
        Assert.All(_sink.Failures, error => Assert.Equal(PgErrorCode.StatementFailed, error.Code));
        Assert.All(
            _sink.Failures, error => Assert.StartsWith(((string)error.Subject!)[^2..] + ": ", error.Problem, StringComparison.Ordinal));
        Assert.All(_sink.Failures, error => Assert.Equal("what to do", error.NextStep));
    }

    [Fact]
    public async Task An_error_that_nobody_foresaw_is_a_failure_of_its_target_alone()
    {
        var outcome = await new FleetRun().RunAsync(
            Targets(3, (name, _) => name == "t1" ? throw new InvalidOperationException("a bug") : Task.CompletedTask),
            _sink,
            CancellationToken.None);

        Assert.Equal(2, outcome.Succeeded.Count);
        var error = Assert.Single(_sink.Failures);
        Assert.Equal(PgErrorCode.Unknown, error.Code);
        Assert.IsType<InvalidOperationException>(error.InnerException);
    }

    [Fact]
    public async Task Stop_on_error_lets_those_running_finish_and_lists_those_not_begun()
    {
        using var begun = new SemaphoreSlim(0);
        using var failed = new SemaphoreSlim(0);
        var outcome = await new FleetRun { ThrottleLimit = 2, StopOnError = true }.RunAsync(
            Targets(6, async (name, token) =>
            {
                if (name == "t0")
                {
                    await begun.WaitAsync(token);
                    failed.Release();
                    throw Failure();
                }

                begun.Release();
                await failed.WaitAsync(token);
                await Task.Delay(200, token);
            }),
            _sink,
            CancellationToken.None);

        Assert.Equal(["t1"], outcome.Succeeded.Select(task => task.Name));
        Assert.Equal(["t2", "t3", "t4", "t5"], outcome.NotBegun.Select(task => task.Name));
        var error = _sink.Failures.Last();
        Assert.Equal(PgErrorCode.TargetsNotBegun, error.Code);
        Assert.Equal(4, ((object[])error.Subject!).Length);
        Assert.Contains("t5", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-StopOnError", error.Problem, StringComparison.Ordinal);
        Assert.Equal(2, _sink.Failures.Count);
    }

    [Fact]
    public async Task Canaries_run_alone_and_the_rest_follow_when_all_succeeded()
    {
        var ended = 0;
        var endedBefore = new Dictionary<string, int>();
        var outcome = await new FleetRun { ThrottleLimit = 8, Canary = 2 }.RunAsync(
            Targets(6, async (name, token) =>
            {
                lock (endedBefore)
                {
                    endedBefore[name] = ended;
                }

                await Task.Delay(50, token);
                Interlocked.Increment(ref ended);
            }),
            _sink,
            CancellationToken.None);

        Assert.Equal(6, outcome.Succeeded.Count);
        Assert.All(endedBefore.Where(pair => string.CompareOrdinal(pair.Key, "t2") >= 0), pair => Assert.True(pair.Value >= 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_dead_canary_keeps_the_rest_from_beginning(bool stopOnError)
    {
        var outcome = await new FleetRun { ThrottleLimit = 8, Canary = 2, StopOnError = stopOnError }.RunAsync(
            Targets(6, FailAt("t1")), _sink, CancellationToken.None);

        Assert.Equal(["t0"], outcome.Succeeded.Select(task => task.Name));
        Assert.Equal(["t2", "t3", "t4", "t5"], outcome.NotBegun.Select(task => task.Name));
        Assert.Contains("-Canary", _sink.Failures.Last().Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_canaries_than_targets_are_all_of_them()
        => Assert.Equal(2, (await new FleetRun { Canary = 5 }.RunAsync(Targets(2), _sink, CancellationToken.None)).Succeeded.Count);

    [Fact]
    public async Task A_cancelled_run_ends_after_every_target_has_cleaned_up()
    {
        using var stop = new CancellationTokenSource();
        var cleaned = 0;
        var begun = 0;
        var run = new FleetRun { ThrottleLimit = 3 }.RunAsync(
            Targets(6, async (_, token) =>
            {
                Interlocked.Increment(ref begun);
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                finally
                {
                    await Task.Delay(200, CancellationToken.None);
                    Interlocked.Increment(ref cleaned);
                }
            }),
            _sink,
            stop.Token);
        await Eventually.HoldsAsync(() => Volatile.Read(ref begun) == 3, "three targets begun");

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(3, cleaned);
        Assert.Equal(3, begun);
        Assert.Empty(_sink.Failures);
    }

    [Fact]
    public async Task Log_lines_and_progress_say_which_target_speaks()
    {
        var tasks = Enumerable.Range(0, 2).Select(i => new FleetTask($"t{i}", i, (sink, _) =>
        {
            sink.Log.LogInformation("hello {Who}", "there");
            using var part = new ProgressActivity(sink, "part");
            part.Report("half");
            return Task.FromResult<object?>(null);
        })).ToList();

        await new FleetRun { Activity = "all" }.RunAsync(tasks, _sink, CancellationToken.None);

        Assert.Equal(["t0: hello there", "t1: hello there"], _sink.Lines.Select(line => line.Text));
        var bar = _sink.Reports.First(report => report.Activity == "all");
        Assert.All(_sink.Reports.Where(report => report.Activity == "part"), report => Assert.Equal(bar.Id, report.ParentId));
        Assert.True(_sink.Reports.Last(report => report.Activity == "all").Completed);
        Assert.Empty(_sink.Outputs);
    }

    [Fact]
    public async Task A_single_target_speaks_for_itself()
    {
        await new FleetRun().RunAsync(
            [new FleetTask("t", 1, (sink, _) =>
            {
                sink.Log.LogInformation("hello");
                return Task.FromResult<object?>("done");
            })],
            _sink,
            CancellationToken.None);

        Assert.Equal("hello", Assert.Single(_sink.Lines).Text);
        Assert.Empty(_sink.Reports);
    }

    private static List<FleetTask> Targets(int count, Func<string, CancellationToken, Task>? work = null)
        => [.. Enumerable.Range(0, count).Select(i => new FleetTask($"t{i}", $"subject of t{i}", async (_, token) =>
        {
            await (work?.Invoke($"t{i}", token) ?? Task.CompletedTask);
            return $"t{i}";
        }))];

    private static Func<string, CancellationToken, Task> FailAt(params string[] names)
        => (name, _) => names.Contains(name) ? throw Failure() : Task.CompletedTask;

    private static PgOpsException Failure() => new(PgErrorCode.StatementFailed, "it broke", "as it was", "what to do");
}
