using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Repository;

/// <summary>Which backup to test.</summary>
internal sealed record TestBackupRequest
{
    /// <summary>The backup's folder, its URI in a store, or a foreign dump's file or folder.</summary>
    public required string Path { get; init; }

    /// <summary>Unpacks the whole payload as well.</summary>
    public bool Deep { get; init; }

    /// <summary>Takes PostgreSQL's programs from this folder alone.</summary>
    public string? BinPath { get; init; }

    /// <summary>The key that must have signed the backup; null demands no signature. Not disposed here.</summary>
    public BackupKey? Key { get; init; }

    /// <summary>What progress calls the backup; null takes the path's last part.</summary>
    internal string? Title { get; init; }

    /// <summary>The packed foreign dump that the one at <see cref="Path"/> was unpacked from; null for any other.</summary>
    internal PgBackup? Packed { get; init; }

    /// <summary>age's identity file, to read the table of contents of an encrypted backup; null leaves that check out.</summary>
    public string? Identity { get; init; }
}
