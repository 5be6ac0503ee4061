namespace PgOps;

/// <summary>What <c>Test-PgTarget</c> found out about a target; what it could not find out is null.</summary>
public sealed record PgTargetTest : PgCheckedResult
{
    /// <summary>The target that was tried.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The server's version, for example 15.18; empty when it was not reached.</summary>
    public string ServerVersion { get; init; } = "";

    /// <summary>The role the session runs as.</summary>
    public string CurrentUser { get; init; } = "";

    /// <summary>Whether that role is a superuser.</summary>
    public bool? IsSuperuser { get; init; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool? Encrypted { get; init; }

    /// <summary>Whether the server is a standby in recovery.</summary>
    public bool? InRecovery { get; init; }

    /// <summary>Whether a pooler that hands out another session for each transaction stands in between.</summary>
    public bool? TransactionPooler { get; init; }

    /// <summary>The database's size in bytes.</summary>
    public long? DatabaseBytes { get; init; }

    /// <summary>Time for one round trip on the open connection.</summary>
    public TimeSpan? RoundTrip { get; init; }
}
