namespace PgOps;

/// <summary>A throwaway PostgreSQL server.</summary>
public sealed record PgSandbox
{
    /// <summary>Its name: short, unique on this machine.</summary>
    public required string Id { get; init; }

    /// <summary>The database to use, with superuser credentials.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The server's version, for example 15.18.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The sandbox's folder; it is removed with the sandbox.</summary>
    public required string Path { get; init; }

    /// <summary>Process id of the server's postmaster.</summary>
    public int ServerProcessId { get; init; }

    /// <summary>Process id of the program the sandbox belongs to; the sandbox ends with it.</summary>
    public int OwnerProcessId { get; init; }

    /// <summary>When it became ready, in UTC.</summary>
    public DateTime StartedAt { get; init; }

    /// <summary>How long it took from the call to the first accepted connection.</summary>
    public TimeSpan StartupTime { get; init; }
}
