using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Everything a host needs to bring up one server.</summary>
/// <param name="Record">What is known of it so far.</param>
/// <param name="Folder">Its folder, which does not exist yet.</param>
/// <param name="Template">The data directory to copy.</param>
/// <param name="Installation">The server programs.</param>
/// <param name="Settings">Lines for postgresql.conf.</param>
/// <param name="Password">The superuser's password once the sandbox is handed out.</param>
/// <param name="Timeout">How long the server may take to get ready.</param>
internal sealed record SandboxPlan(
    SandboxRecord Record,
    string Folder,
    SandboxTemplate Template,
    PostgresInstallation Installation,
    IReadOnlyList<string> Settings,
    string Password,
    TimeSpan Timeout);
