using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Backups;

/// <summary>What to back up, and where to.</summary>
public sealed record BackupDatabaseRequest
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The folder of backups; the backup becomes a folder in it.</summary>
    public required string Path { get; init; }

    /// <summary>Shape of the payload.</summary>
    public PgBackupFormat Format { get; init; } = PgBackupFormat.Directory;

    /// <summary>Parallel workers; null takes one per core, at most 4. The custom format has one in any case.</summary>
    public int? Jobs { get; init; }

    /// <summary>How deep the fingerprint goes.</summary>
    public PgFingerprintDepth Fingerprint { get; init; } = PgFingerprintDepth.Archive;

    /// <summary>
    /// pg_dump's <c>--compress</c>: 0 to 9, from 16 on also for example <c>zstd:3</c>; null takes the fastest that pg_dump offers
    /// (<see cref="DumpCompression"/>).
    /// </summary>
    public string? Compression { get; init; }

    /// <summary>How long to wait for a lock that others hold; null for as long as it takes.</summary>
    public TimeSpan? LockTimeout { get; init; }

    /// <summary>The part to dump; everything unless it says otherwise.</summary>
    public DumpSelection Selection { get; init; } = new();

    /// <summary>
    /// Delivers the payload alone, as one file with its hash beside it: <c>name.sql.gz</c> and <c>name.sql.gz.sha256</c>. Without a
    /// manifest it is a foreign dump from then on.
    /// </summary>
    public bool SingleFile { get; init; }

    /// <summary>
    /// The single file's name without its ending; <c>{utc}</c>, <c>{database}</c> and <c>{label}</c> in it stand for the snapshot's time,
    /// the database and the label. Null takes <c>{database}_{utc}</c>.
    /// </summary>
    public string? FileName { get; init; }

    /// <summary>Begins although the disk seems to have too little room; a single file takes the place of one that is there.</summary>
    public bool Force { get; init; }

    /// <summary>Leaves out globals.sql, the cluster's roles and tablespaces.</summary>
    public bool NoGlobals { get; init; }

    /// <summary>Whom to encrypt for; empty does not encrypt. See <see cref="Encryptor.FindAsync"/> for their forms.</summary>
    public IReadOnlyList<string> Recipients { get; init => field = value.ToArray(); } = [];

    /// <summary>Signs the backup; null does not. Not disposed here.</summary>
    public BackupKey? SigningKey { get; init; }

    /// <summary>A short plain name that marks the backup: no rule of retention removes it by itself. Null for none.</summary>
    public string? Label { get; init; }

    /// <summary>Until when no rule of retention removes the backup, in UTC; null does not hold it.</summary>
    public DateTime? KeepUntil { get; init; }

    /// <summary>Takes PostgreSQL's programs from this folder alone.</summary>
    public string? BinPath { get; init; }
}
