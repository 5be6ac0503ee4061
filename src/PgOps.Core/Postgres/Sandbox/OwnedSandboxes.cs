using System.Collections.Concurrent;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>
/// The sandboxes of this process. Static, for a collected <see cref="SandboxSupervisor"/> would close its pipe and so end the
/// sandbox.
/// </summary>
internal static class OwnedSandboxes
{
    private static readonly ConcurrentDictionary<string, (PgSandbox Sandbox, SandboxSupervisor Supervisor)> ByFolder = new();

    internal static void Add(PgSandbox sandbox, SandboxSupervisor supervisor) => ByFolder[sandbox.Path] = (sandbox, supervisor);

    internal static PgSandbox? Find(string folder) => ByFolder.TryGetValue(folder, out var owned) ? owned.Sandbox : null;

    internal static SandboxSupervisor? Take(string folder) =>
        ByFolder.TryRemove(folder, out var owned) ? owned.Supervisor : null;

}
