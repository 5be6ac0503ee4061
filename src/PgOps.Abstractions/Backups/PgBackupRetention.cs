namespace PgOps;

/// <summary>What retention does with a backup.</summary>
public enum PgRetentionAction
{
    /// <summary>It stays.</summary>
    Keep,

    /// <summary>It goes.</summary>
    Remove,
}

/// <summary>What <c>Remove-PgBackup</c> decided about one backup, and why.</summary>
public sealed record PgBackupRetention
{
    /// <summary>The backup.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The database it is of.</summary>
    public string Database => Backup.Database;

    /// <summary>When its snapshot was taken, in UTC.</summary>
    public DateTime SnapshotAt => Backup.SnapshotAt;

    /// <summary>Its size.</summary>
    public long Bytes => Backup.Bytes;

    /// <summary>Where it is.</summary>
    public string Path => Backup.Path;

    /// <summary>What is to happen, or happened.</summary>
    public required PgRetentionAction Action { get; init; }

    /// <summary>Why, in words: the rules that keep it, or why none does.</summary>
    public required string Reason { get; init; }

    /// <summary>Whether only a label or a hold keeps it.</summary>
    public bool Held { get; init; }

    /// <summary>
    /// Whether it is gone by now. False under -WhatIf, when the question was answered with no, and when an error kept it.
    /// </summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{(Action == PgRetentionAction.Keep ? "keep" : "remove")} {Backup.Path}: {Reason}";
}
