using PgOps.Core.Checks.User;
using PgOps.Core.Comparison;

namespace PgOps.Core.Drills;

/// <summary>
/// The checks of a drill in their order. One that cannot be made is shown as skipped, never left out. Before them comes the check of the
/// signature, where there is one or one is asked for.
/// </summary>
internal static class DrillSteps
{
    /// <summary>Those of every drill.</summary>
    internal static readonly string[] Always =
    [
        PgCheckName.Hashes, PgCheckName.Sandbox, PgCheckName.Roles, PgCheckName.Collation, PgCheckName.Settings,
        PgCheckName.Restore, PgCheckName.Tables, PgCheckName.RowCounts, PgCheckName.Content, PgCheckName.GeneratedColumns,
        PgCheckName.MaterializedViews, PgCheckName.Sequences, PgCheckName.MigrationState,
        .. ObjectComparison.Groups, PgCheckName.Statistics, IndexCheck.Name,
    ];

    /// <summary>The checks in the order of the steps, with those that were not reached.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="made">The checks that were made.</param>
    internal static IReadOnlyList<PgCheck> Complete(TestRestoreRequest request, IReadOnlyList<PgCheck> made)
    {
        var steps = Of(request);
        var reason = made.FirstOrDefault(check => check.Status == PgCheckStatus.Failed) is { } failed
            ? $"not reached, because {failed.Name} failed"
            : made.FirstOrDefault(check => check is { Name: PgCheckName.Restore, Status: PgCheckStatus.Skipped }) is not null
            ? $"not reached, because {PgCheckName.Restore} was not made"
            : "not reached";
        var missing = steps.Where(step => made.All(check => check.Name != step)).Select(step => PgCheck.Skip(step, reason));
        return [.. made.Concat(missing).OrderBy(check => Array.IndexOf(steps, check.Name))];
    }

    private static string[] Of(TestRestoreRequest request)
    {
        return
        [
            .. Always,
            .. request.Checks.Select(check => UserChecks.Prefix + check.Name),
            .. request.SkipExtension.Count > 0 ? [PgCheckName.Extensions] : Array.Empty<string>(),
            .. Asked(request.Rehearse, Rehearsal.Name),
            .. Asked(request.MaxRecoveryTime, DrillLimits.Recovery),
            .. Asked(request.MaxDataLoss, DrillLimits.Age),
        ];

        static string[] Asked(object? wish, string step) => wish is null ? [] : [step];
    }
}
