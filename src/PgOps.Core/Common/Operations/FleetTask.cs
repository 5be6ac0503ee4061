namespace PgOps.Core.Common.Operations;

/// <summary>One target's share of a <see cref="FleetRun"/>.</summary>
/// <param name="Name">What log lines and errors call the target.</param>
/// <param name="Subject">The target itself; it becomes the subject of the target's errors.</param>
/// <param name="RunAsync">The work. Its result is handed out as soon as it is known; null when there is none.</param>
public sealed record FleetTask(string Name, object Subject, Func<IOperationSink, CancellationToken, Task<object?>> RunAsync);
