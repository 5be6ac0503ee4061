using PgOps.Core.ClientTools;

namespace PgOps.Core.Backups;

/// <summary>Chooses how pg_dump compresses. Levels are measured, see docs/backup-format.md.</summary>
internal static class DumpCompression
{
    /// <summary>gzip's level 1: a quarter of the default level's time for some per cent more size.</summary>
    private const string Gzip = "1";

    private static readonly string[] Better = ["zstd:1", "lz4:1"];

    /// <summary>The best that a pg_dump offers.</summary>
    /// <param name="dump">The program.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A value for <c>--compress</c>.</returns>
    internal static async Task<string> BestAsync(PostgresTool dump, CancellationToken cancellationToken)
    {
        foreach (var method in dump.Major >= 16 ? Better : [])
        {
            // It looks at the method before it connects, and only it knows what it was built with.
            var result = await ToolProcess.RunAsync(
                new ToolCommand(dump.Path, "--compress=" + method, "--format=custom", "--no-password", "--dbname=host=/nonexistent connect_timeout=1"),
                cancellationToken).ConfigureAwait(false);
            if (!result.Errors.Any(line => line.Contains("compression", StringComparison.Ordinal)))
            {
                return method;
            }
        }

        return Gzip;
    }

    /// <summary>Whether a value means that nothing is compressed.</summary>
    internal static bool IsNone(string compression) => compression is "0" or "none" || compression.StartsWith("none:", StringComparison.Ordinal);
}
