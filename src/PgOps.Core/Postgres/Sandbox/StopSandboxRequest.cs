namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Which sandbox to stop.</summary>
public sealed record StopSandboxRequest
{
    /// <summary>The sandbox; wins over <see cref="Id"/>.</summary>
    public PgSandbox? Sandbox { get; init; }

    /// <summary>The sandbox's name.</summary>
    public string? Id { get; init; }

    /// <summary>The folder that holds sandboxes; null takes the one in PgOps' cache folder.</summary>
    public string? Path { get; init; }
}
