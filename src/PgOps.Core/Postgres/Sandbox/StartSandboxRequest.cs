namespace PgOps.Core.Postgres.Sandbox;

/// <summary>What kind of sandbox to start.</summary>
public sealed record StartSandboxRequest
{
    /// <summary>PostgreSQL's major version; null takes the newest installed.</summary>
    public int? Version { get; init; }

    /// <summary>The folder of the server programs; null looks for them.</summary>
    public string? BinPath { get; init; }

    /// <summary>The database to hand out; created unless it is <c>postgres</c>.</summary>
    public string Database { get; init; } = "postgres";

    /// <summary>The folder that holds sandboxes; null takes one in PgOps' cache folder.</summary>
    public string? Path { get; init; }

    /// <summary>A name of the caller's own, unique among running sandboxes: letters, digits, - and _; null makes one up.</summary>
    public string? Name { get; init; }

    /// <summary>Further lines for postgresql.conf; they win over the sandbox's own.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>How long the server may take to get ready.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
