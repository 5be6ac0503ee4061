using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Repository;

/// <summary>Which backups to test.</summary>
public sealed record TestBackupsRequest
{
    /// <summary>The backups.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Unpacks the payloads as well.</summary>
    public bool Deep { get; init; }

    /// <summary>How many at a time.</summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>Takes PostgreSQL's programs from this folder alone.</summary>
    public string? BinPath { get; init; }

    /// <summary>The key that must have signed them; null demands no signature. Not disposed here.</summary>
    public BackupKey? Key { get; init; }

    /// <summary>age's identity file, to read encrypted ones.</summary>
    public string? Identity { get; init; }
}
