using System.Text.Json;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>What a sandbox's folder says about it (<c>sandbox.json</c>). Holds no secret: the password has a file of its own.</summary>
internal sealed record SandboxRecord
{
    internal const string FileName = "sandbox.json";
    internal const string PasswordFileName = "password";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>The sandbox's name.</summary>
    public required string Id { get; init; }

    /// <summary>Where its process ids mean something (<see cref="ProcessStamp.Scope"/>).</summary>
    public required string Scope { get; init; }

    /// <summary>The operating system's user it runs as.</summary>
    public required string Account { get; init; }

    /// <summary>The program it belongs to.</summary>
    public required int OwnerProcessId { get; init; }

    /// <summary>That program's <see cref="ProcessStamp"/>.</summary>
    public required string OwnerStamp { get; init; }

    /// <summary>The process that ends the sandbox with its owner.</summary>
    public int SupervisorProcessId { get; init; }

    /// <summary>That process's <see cref="ProcessStamp"/>.</summary>
    public string SupervisorStamp { get; init; } = "";

    /// <summary>Socket directory or address.</summary>
    public required string Host { get; init; }

    /// <summary>Port.</summary>
    public required int Port { get; init; }

    /// <summary>The database to hand out.</summary>
    public required string Database { get; init; }

    /// <summary>The server's version.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The postmaster's process id; 0 until the sandbox is ready.</summary>
    public int ServerProcessId { get; init; }

    /// <summary>When it became ready, in UTC; null until then.</summary>
    public DateTime? StartedAt { get; init; }

    /// <summary>Seconds from the call to the first accepted connection.</summary>
    public double StartupSeconds { get; init; }

    /// <summary>Whether its owner still runs.</summary>
    internal bool OwnerRuns => ProcessStamp.Runs(OwnerProcessId, OwnerStamp);

    /// <summary>Whether its supervisor still runs.</summary>
    internal bool SupervisorRuns => SupervisorProcessId != 0 && ProcessStamp.Runs(SupervisorProcessId, SupervisorStamp);

    /// <summary>Reads a sandbox folder's record.</summary>
    /// <param name="folder">The sandbox's folder.</param>
    /// <returns>Null when there is none, or it belongs to someone else.</returns>
    internal static SandboxRecord? Read(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize<SandboxRecord>(File.ReadAllText(Path.Combine(folder, FileName)), Json);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The record on one line.</summary>
    internal string ToLine() => JsonSerializer.Serialize(this, Json);

    /// <summary>The public description of the sandbox.</summary>
    /// <param name="folder">The sandbox's folder.</param>
    /// <param name="password">The superuser's password.</param>
    internal PgSandbox Describe(string folder, string password) => new()
    {
        Id = Id,
        Target = SandboxTarget.For(Host, Port, Database, password) with { Name = Id },
        ServerVersion = ServerVersion,
        Path = folder,
        ServerProcessId = ServerProcessId,
        OwnerProcessId = OwnerProcessId,
        StartedAt = StartedAt ?? default,
        StartupTime = TimeSpan.FromSeconds(StartupSeconds),
    };
}
