namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Which sandboxes to list.</summary>
public sealed record FindSandboxesRequest
{
    /// <summary>The name of one; null lists all.</summary>
    public string? Id { get; init; }

    /// <summary>The folder that holds sandboxes; null takes the one in PgOps' cache folder.</summary>
    public string? Path { get; init; }
}
