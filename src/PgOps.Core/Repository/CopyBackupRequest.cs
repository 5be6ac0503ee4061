namespace PgOps.Core.Repository;

/// <summary>Which backup to copy, and where to.</summary>
public sealed record CopyBackupRequest
{
    /// <summary>The backup, in a folder or a store.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The folder or store that will hold it under the same name: a path or a URI.</summary>
    public required string Destination { get; init; }

    /// <summary>Most bytes a second; null for no limit.</summary>
    public long? BandwidthLimit { get; init; }
}
