using PgOps.Core.Comparison;

namespace PgOps.Core.Restores;

/// <summary>How far the pipeline came, and what it found.</summary>
/// <param name="Backup">The backup as it was read and hashed, or as it was given when it could not be.</param>
/// <param name="Checks">The checks that were made, in the order of the steps.</param>
internal sealed record RestoreOutcome(PgBackup Backup, IReadOnlyList<PgCheck> Checks)
{
    /// <summary>Whether the files are what the backup's hashes say, so that a database was staged.</summary>
    internal bool Staged { get; init; }

    /// <summary>What the copy holds; null when it was not compared.</summary>
    internal ContentComparison? Content { get; init; }

    /// <summary>Columns masked.</summary>
    internal IReadOnlyList<PgMaskedColumn> Masked { get; init; } = [];

    /// <summary>Time from the start until the copy could have served; null when it never could.</summary>
    internal TimeSpan? Ready { get; init; }

    /// <summary>The name that the database which was replaced has now; null when there is none.</summary>
    internal string? Replaced { get; init; }
}
