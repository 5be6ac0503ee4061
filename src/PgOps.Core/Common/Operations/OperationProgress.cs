namespace PgOps.Core.Common.Operations;

/// <summary>The state of one activity.</summary>
/// <param name="Id">Identifies the activity among those of its operation.</param>
/// <param name="Activity">What is being done.</param>
/// <param name="Status">Where it is now.</param>
/// <param name="Percent">0 to 100, or -1 when unknown.</param>
/// <param name="Remaining">Estimated time left, or null when unknown.</param>
/// <param name="Completed">Whether this is the activity's last report.</param>
public sealed record OperationProgress(int Id, string Activity, string Status, int Percent, TimeSpan? Remaining, bool Completed)
{
    /// <summary>The activity that this one is a part of; null when it stands for itself.</summary>
    public int? ParentId { get; init; }
}
