using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks.User;

/// <summary>Runs the user's own checks, one after the other (docs/checks.md).</summary>
public static class UserChecks
{
    /// <summary>Time allowed for a check where nothing else is said.</summary>
    public static TimeSpan DefaultTimeout { get; } = TimeSpan.FromMinutes(1);

    // The longest span that timers take.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(24);

    /// <summary>What the name of a user's check begins with.</summary>
    internal const string Prefix = "check: ";

    /// <summary>Runs them all, whether one failed or not.</summary>
    /// <param name="checks">The checks.</param>
    /// <param name="target">The database that they are given.</param>
    /// <param name="timeout">Time allowed for each.</param>
    /// <param name="sink">Receives progress and a log line for each.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>One check for each, passed or failed; secrets of the target are masked in what it says.</returns>
    internal static async Task<IReadOnlyList<PgCheck>> RunAsync(
        IReadOnlyList<UserCheck> checks, PgTarget target, TimeSpan timeout, IOperationSink sink, CancellationToken cancellationToken)
    {
        var results = new List<PgCheck>();
        timeout = timeout < Longest ? timeout : Longest;
        using var progress = new ProgressActivity(sink, $"Checks of {target}");
        foreach (var check in checks)
        {
            progress.Report(check.Name, results.Count, checks.Count);
            var elapsed = Stopwatch.StartNew();
            var answer = await RunAsync(check, target, timeout, cancellationToken).ConfigureAwait(false);
            var detail = new Redaction(target).Apply(answer.Detail);
            results.Add((answer.Passed
                ? PgCheck.Pass(Prefix + check.Name, detail)
                : PgCheck.Fail(Prefix + check.Name, detail)) with
            { Duration = elapsed.Elapsed });
        }

        return results;
    }

    private static async Task<UserCheckAnswer> RunAsync(
        UserCheck check, PgTarget target, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await check.RunAsync(target, timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new UserCheckAnswer(false, string.Create(
                CultureInfo.InvariantCulture, $"did not end within {timeout.TotalSeconds:0.###} s (-CheckTimeout)"));
        }
#pragma warning disable CA1031 // the check is the user's: whatever it throws is its verdict
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new UserCheckAnswer(
                false, error is PgOpsException known ? known.InSentences() : error.Message);
        }
    }
}
