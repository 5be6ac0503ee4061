namespace PgOps.Core.Repository;

/// <summary>The drill that proved a backup.</summary>
/// <param name="At">When it began, in UTC.</param>
/// <param name="ServerVersion">The server it restored to.</param>
/// <param name="RecoveryTime">How long the restore took, verified and analysed.</param>
internal sealed record DrillProof(DateTime At, string ServerVersion, TimeSpan RecoveryTime)
{
    /// <inheritdoc/>
    public override string ToString()
        => $"restored to PostgreSQL {ServerVersion} in {PgSize.Format(RecoveryTime)}, every table's content compared";
}
