using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Operations;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Common;

public sealed class OperationSpanTests
{
    private const string Secret = "hunter2-geheim";
    private static readonly PgTarget Target = new PgTarget { Host = "db1", Database = "shop" }.WithPassword(new PgSecret(Secret));

    [Fact]
    public async Task An_operation_and_its_phases_and_checks_are_spans_with_tags()
    {
        using var heard = new Heard();
        var checkedResult = new PgTargetTest { Target = Target, Checks = [PgCheck.Pass("one", "fine")] };

        await OperationSpans.OperationAsync(this, () => Target, async () =>
        {
            await OperationSpans.PhaseAsync("prepare", () => Task.CompletedTask);
            await TimedCheck.RunAsync(() => Task.FromResult(PgCheck.Fail("indexes", "one is invalid")));
            new PhaseTimings().Add("archive", TimeSpan.FromSeconds(3));
            return checkedResult;
        });

        var spans = heard.Of(nameof(OperationSpanTests));
        var operation = spans[^1];
        Assert.Equal(["prepare", "indexes", "archive", nameof(OperationSpanTests)], spans.Select(span => span.DisplayName));
        Assert.All(spans.SkipLast(1), span => Assert.Equal(operation.SpanId, span.ParentSpanId));
        Assert.Equal("shop", operation.GetTagItem(SpanTags.Database));
        Assert.Equal("passed", operation.GetTagItem(SpanTags.Outcome));
        Assert.Equal("failed", spans[1].GetTagItem(SpanTags.Outcome));
        Assert.InRange(spans[2].Duration, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4));
        Assert.All(spans, span => Assert.Equal(ActivityStatusCode.Unset, span.Status));
    }

    [Fact]
    public async Task An_error_gives_the_span_its_code_and_none_of_its_text()
    {
        using var heard = new Heard();
        await Assert.ThrowsAsync<PgOpsException>(() => OperationSpans.OperationAsync(this, () => Target, () => Task.FromException(
            new PgOpsException(PgErrorCode.ConnectionFailed, $"ALTER ROLE x PASSWORD '{Secret}'"))));

        var span = Assert.Single(heard.Of(nameof(OperationSpanTests)));
        Assert.Equal((ActivityStatusCode.Error, "ConnectionFailed"), (span.Status, span.StatusDescription));
        Assert.Equal("ConnectionFailed", span.GetTagItem(SpanTags.Error));
        Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains(Secret, StringComparison.Ordinal));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task A_fleet_of_which_one_failed_has_failed()
    {
        using var heard = new Heard();
        FleetTask[] tasks =
            [new("good", 1, (_, _) => Task.FromResult<object?>(null)), new("bad", 2, (_, _) => throw new InvalidOperationException("no"))];
        await OperationSpans.OperationAsync(
            this, () => null, () => new FleetRun().RunAsync(tasks, new CollectingSink(), CancellationToken.None));
        Assert.Equal(["failed", "failed"], heard.Of(nameof(OperationSpanTests)).Select(span => span.GetTagItem(SpanTags.Outcome)));
    }

    [Fact]
    public async Task A_cancelled_operation_is_no_error()
    {
        using var heard = new Heard();
        await Assert.ThrowsAsync<TaskCanceledException>(() => OperationSpans.OperationAsync(
            this, () => null, () => Task.FromCanceled<PgBackup>(new CancellationToken(canceled: true))));
        var span = Assert.Single(heard.Of(nameof(OperationSpanTests)));
        Assert.Equal((ActivityStatusCode.Unset, "cancelled"), (span.Status, span.GetTagItem(SpanTags.Outcome)));
    }

    [Fact]
    public async Task The_environments_TRACEPARENT_is_the_parent()
    {
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        using var heard = new Heard();
        Environment.SetEnvironmentVariable("TRACEPARENT", $"00-{trace}-b7ad6b7169203331-01");
        Environment.SetEnvironmentVariable("TRACESTATE", "ours=1");
        try
        {
            await OperationSpans.OperationAsync(this, () => Target, () => Task.CompletedTask);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TRACEPARENT", null);
            Environment.SetEnvironmentVariable("TRACESTATE", null);
        }

        var span = Assert.Single(heard.Of(nameof(OperationSpanTests)), span => span.OperationName == nameof(OperationSpanTests));
        Assert.Equal(
            (trace, "b7ad6b7169203331", "ours=1"), (span.TraceId.ToHexString(), span.ParentSpanId.ToHexString(), span.TraceStateString));
        Assert.True(span.HasRemoteParent);
    }

    [Fact]
    public async Task Without_a_listener_the_work_itself_is_handed_out()
    {
        var work = Task.FromResult(1);
        Assert.Same(work, OperationSpans.OperationAsync(this, () => throw new InvalidOperationException(), () => work));
        await work;
    }

    [Fact]
    public void Every_operation_has_a_span()
    {
        var source = Path.Combine(SourceFolder(), "..", "..", "..", "src", "PgOps.Core");
        var without = typeof(IOperationSink).Assembly.GetExportedTypes()
            .Where(type => type.GetMethods().Any(method => method.Name == "RunAsync"
                && method.DeclaringType == type && method.GetParameters()
                    .Any(parameter => parameter.ParameterType == typeof(IOperationSink))))
            .Where(type => type != typeof(FleetTask))
            .Where(type => !Regex.IsMatch(
                File.ReadAllText(Directory.GetFiles(source, type.Name + ".cs", SearchOption.AllDirectories).Single()),
                @"OperationSpans\.OperationAsync\(\s*this,"))
            .Select(type => type.Name);
        Assert.Empty(without);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    /// <summary>Hears the spans of this test alone: other tests run beside it.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _spans = new();
        private readonly ActivityListener _listener;

        internal Heard()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == OperationSpans.SourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _spans.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public void Dispose() => _listener.Dispose();

        /// <summary>The spans of the traces that hold a span of this name, in the order in which they ended.</summary>
        internal IReadOnlyList<Activity> Of(string operation)
        {
            var traces = _spans.Where(span => span.OperationName == operation).Select(span => span.TraceId).ToHashSet();
            return [.. _spans.Where(span => traces.Contains(span.TraceId))];
        }
    }
}
