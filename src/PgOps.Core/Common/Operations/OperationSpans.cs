using System.Diagnostics;

namespace PgOps.Core.Common.Operations;

/// <summary>
/// Spans around operations and their phases, for whoever listens to the source named <see cref="SourceName"/>; there is no exporter.
/// The first span of a process's work has the environment's TRACEPARENT as its parent (https://www.w3.org/TR/trace-context/). Tags never
/// hold an error's text: it may quote a statement. docs/log-format.md lists them.
/// </summary>
internal static class OperationSpans
{
    /// <summary>What a listener asks for.</summary>
    internal const string SourceName = "PgOps";

    private static readonly ActivitySource Source = new(SourceName, PgOpsVersion.Current);

    /// <summary>Runs an operation in a span of its own.</summary>
    /// <param name="operation">The operation; its type's name is the span's.</param>
    /// <param name="target">The target's database becomes a tag. Asked when the work has begun, so that it has checked its request.</param>
    /// <param name="work">The work.</param>
    internal static Task<T> OperationAsync<T>(object operation, Func<PgTarget?> target, Func<Task<T>> work)
        => Source.HasListeners() ? InSpanAsync(operation.GetType().Name, target, work) : work();

    /// <summary>The same of an operation without a result.</summary>
    internal static Task OperationAsync(object operation, Func<PgTarget?> target, Func<Task> work)
        => Source.HasListeners() ? InSpanAsync(operation.GetType().Name, target, () => WithoutResultAsync(work)) : work();

    /// <summary>Runs a phase of an operation in a span of its own.</summary>
    internal static Task PhaseAsync(string name, Func<Task> work)
        => Source.HasListeners() ? InSpanAsync(name, static () => null, () => WithoutResultAsync(work)) : work();

    /// <summary>Makes a check in a span, which takes the check's name.</summary>
    internal static Task<PgCheck> CheckAsync(Func<Task<PgCheck>> check)
        => Source.HasListeners() ? InSpanAsync("check", static () => null, check) : check();

    /// <summary>A span of what has just ended and was timed by itself.</summary>
    internal static void Ended(string name, TimeSpan time)
    {
        if (Source.HasListeners())
        {
            using var span =
                Source.StartActivity(name, ActivityKind.Internal, default(ActivityContext), startTime: DateTimeOffset.UtcNow - time);
        }
    }

    private static async Task<T> InSpanAsync<T>(string name, Func<PgTarget?> target, Func<Task<T>> work)
    {
        using var span = Source.StartActivity(name, ActivityKind.Internal, Activity.Current is null ? Caller() : default);
        try
        {
            var running = work();
            if (span is not null && !running.IsFaulted && target() is { } found)
            {
                span.SetTag(SpanTags.Database, found.Database);
            }

            var result = await running.ConfigureAwait(false);
            SpanTags.Set(span, result);
            return result;
        }
        catch (Exception error) when (SpanTags.Set(span, error))
        {
            throw;
        }
    }

    private static async Task<object?> WithoutResultAsync(Func<Task> work)
    {
        await work().ConfigureAwait(false);
        return null;
    }

    /// <summary>The span in which the program that started this process works.</summary>
    private static ActivityContext Caller()
        => ActivityContext.TryParse(
            Environment.GetEnvironmentVariable("TRACEPARENT"), Environment.GetEnvironmentVariable("TRACESTATE"), isRemote: true,
            out var caller)
            ? caller
            : default;
}
