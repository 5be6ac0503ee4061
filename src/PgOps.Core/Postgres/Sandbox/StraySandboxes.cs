using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Sandboxes that nobody looks after: their owner has ended, and their supervisor was killed before it could clean up.</summary>
internal static class StraySandboxes
{
    private static readonly TimeSpan EmptyFolderAge = TimeSpan.FromMinutes(10);

    /// <summary>The folders of sandboxes, whatever their state.</summary>
    /// <param name="root">The folder that holds them.</param>
    internal static IReadOnlyList<string> Folders(string root)
    {
        try
        {
            return Directory.Exists(root) ? Directory.GetDirectories(root, SandboxHost.FolderPrefix + "*") : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Removes them. A stray that resists is reported in the log and does not stop the caller.</summary>
    internal static async Task SweepAsync(SandboxHost host, string root, ILogger log, CancellationToken cancellationToken)
    {
        foreach (var folder in Folders(root))
        {
            try
            {
                if (IsStray(host, folder))
                {
                    log.StraySandboxFound(folder);
                    await host.RemoveAsync(folder, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is PgOpsException or IOException or UnauthorizedAccessException)
            {
                log.StraySandboxKept(folder, error.Message);
            }
        }
    }

    private static bool IsStray(SandboxHost host, string folder)
    {
        if (SandboxRecord.Read(folder) is { } record)
        {
            return record.Scope == ProcessStamp.Scope && record.Account == host.Account && !record.OwnerRuns && !record.SupervisorRuns;
        }

        // Killed between making the folder and writing the record.
        return DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > EmptyFolderAge
            && !Directory.EnumerateFileSystemEntries(folder).Any();
    }
}
