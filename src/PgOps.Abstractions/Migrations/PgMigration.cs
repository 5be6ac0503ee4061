namespace PgOps;

/// <summary>One migration: its file, its record in the database, and how the two stand to each other.</summary>
public sealed record PgMigration
{
    /// <summary>The version: the digits that open the file or folder name, as written; of a repeatable <c>R__</c> and its name.</summary>
    public required string Version { get; init; }

    /// <summary>The rest of the name.</summary>
    public required string Name { get; init; }

    /// <summary>How it stands.</summary>
    public required PgMigrationState State { get; init; }

    /// <summary>The script's path; null when the file is gone.</summary>
    public string? Path { get; init; }

    /// <summary>SHA-256 of the file's normalised text (no BOM, line ends LF) in lower-case hex; null when the file is gone.</summary>
    public string? Checksum { get; init; }

    /// <summary>The same of the script that was applied; null when none was.</summary>
    public string? AppliedChecksum { get; init; }

    /// <summary>The script that was applied, as the history holds it; null when none was.</summary>
    public string? AppliedScript { get; init; }

    /// <summary>
    /// From the recorded script to the file of today, as a unified diff; null when they are the same, when the file is gone, and
    /// without <c>-Detailed</c>.
    /// </summary>
    public string? Difference { get; init; }

    /// <summary>When it was applied, in UTC.</summary>
    public DateTime? AppliedAt { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The role that applied it.</summary>
    public string? AppliedBy { get; init; }

    /// <summary>Id of the proven backup that stood behind it; null when there was none.</summary>
    public string? BackupId { get; init; }

    /// <summary>What needs to be known or done, for every state but Applied and Pending.</summary>
    public string? Remark { get; init; }

    /// <summary>The other tool, with its table, by whose word it stands so; null when that is PgOps' own history.</summary>
    public string? RecordedBy { get; init; }

    /// <summary>The database asked.</summary>
    public PgTarget? Target { get; init; }

    /// <summary>The schema that the target names; null when there is none.</summary>
    public string? Schema => Target?.Schema;

    /// <inheritdoc/>
    public override string ToString() => char.IsAsciiLetter(Version.FirstOrDefault()) ? Version : $"{Version}_{Name}";
}
