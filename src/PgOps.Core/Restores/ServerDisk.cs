using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores;

/// <summary>The disk of the server that a backup is restored to.</summary>
internal static class ServerDisk
{
    /// <summary>Refuses to go on where it is full, which says nothing of the backup.</summary>
    /// <param name="said">What the program quoted of the server.</param>
    /// <param name="target">The server.</param>
    /// <exception cref="PgOpsException">DiskFull.</exception>
    internal static void RefuseFull(IEnumerable<string> said, PgTarget target)
    {
        if (said.FirstOrDefault(UncodedMessages.IsDiskFull) is { } line)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull,
                $"The disk of {target}'s server is full: {line}",
                "Nothing was put in place. This says nothing of the backup, which stays as it was.",
                "Make room on that disk, or let a drill's sandbox lie on another one (Test-PgRestore -SandboxPath), then try again.")
            { Subject = target };
        }
    }
}
