using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository;

namespace PgOps.Core.Drills;

/// <summary>The limits that a drill is held against. A breach fails the drill, and says nothing against the backup.</summary>
internal static class DrillLimits
{
    /// <summary>The name of the check of the time to recover.</summary>
    internal const string Recovery = PgCheckName.RecoveryTime;

    /// <summary>The name of the check of the data's age.</summary>
    internal const string Age = PgCheckName.DataAge;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    // How far apart the clocks of two machines may be.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>Refuses a limit that is none.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static void Require(TestRestoreRequest request)
    {
        foreach (var (limit, name) in new[] { (request.MaxRecoveryTime, "MaxRecoveryTime"), (request.MaxDataLoss, "MaxDataLoss") })
        {
            if (limit < Shortest)
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    string.Create(CultureInfo.InvariantCulture, $"-{name} is {limit.Value.TotalSeconds:0.#######} s."),
                    "Nothing was drilled.",
                    "A bare number counts ticks of 0.0000001 s. "
                        + $"Write -{name} '00:30:00' for half an hour, or (New-TimeSpan -Minutes 30).");
            }
        }
    }

    /// <summary>Holds the time to recover against its limit.</summary>
    internal static PgCheck RecoveryTime(TimeSpan taken, TimeSpan limit) => taken <= limit
        ? PgCheck.Pass(Recovery, $"recovered in {SpanText.Limited(taken)}; {SpanText.Limited(limit)} are allowed")
        : PgCheck.Fail(
            Recovery,
            $"recovery took {SpanText.Limited(taken)}, longer than the {SpanText.Limited(limit)} allowed; "
                + "the steps' durations show where the time went");

    /// <summary>Holds the data's age when the drill began against its limit.</summary>
    internal static PgCheck DataAge(PgBackup backup, TimeSpan age, TimeSpan limit) => age switch
    {
        _ when backup is { Foreign: true, Manifest: { } manifest } && DumpFormat.IsScript(manifest.Payload.Format)
            => PgCheck.Skip(Age, "a script does not say when it was dumped"),
        _ when age < -ClockSkew => PgCheck.Fail(
            Age, $"the snapshot lies {SpanText.Limited(-age)} in the future: "
                + "the clock of this machine or of the source is wrong, so the age is not known"),
        _ when age <= limit => PgCheck.Pass(Age, $"the data were {SpanText.Limited(age)} old; {SpanText.Limited(limit)} are allowed"),
        _ => PgCheck.Fail(
            Age,
            $"the data were {SpanText.Limited(age)} old, older than the {SpanText.Limited(limit)} allowed: "
                + "that much work would be lost; back up more often"),
    };
}
