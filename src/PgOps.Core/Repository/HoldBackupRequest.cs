namespace PgOps.Core.Repository;

/// <summary>Which backup to hold.</summary>
public sealed record HoldBackupRequest
{
    /// <summary>The backup, in a folder or a store.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>Until when.</summary>
    public required DateTime Until { get; init; }

    /// <summary>Why, in words for people.</summary>
    public string Reason { get; init; } = "";
}
