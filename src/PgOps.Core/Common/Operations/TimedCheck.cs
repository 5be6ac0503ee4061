using System.Diagnostics;

namespace PgOps.Core.Common.Operations;

/// <summary>Gives a check its duration.</summary>
internal static class TimedCheck
{
    /// <summary>Makes the check and notes how long it took.</summary>
    internal static async Task<PgCheck> RunAsync(Func<Task<PgCheck>> make)
    {
        var elapsed = Stopwatch.StartNew();
        var check = await OperationSpans.CheckAsync(make).ConfigureAwait(false);
        return check with { Duration = elapsed.Elapsed };
    }
}
