using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Backups;

/// <summary>Chooses how pg_dump compresses. Levels are measured, see docs/backup-format.md.</summary>
internal static class DumpCompression
{
    /// <summary>gzip's level 1: a quarter of the default level's time for some per cent more size.</summary>
    private const string Gzip = "1";

    private static readonly string[] Better = ["zstd:1", "lz4:1"];

    /// <summary>The best that a pg_dump offers.</summary>
    /// <param name="dump">The program.</param>
    /// <param name="format">A script is always compressed by gzip, which every system unpacks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A value for <c>--compress</c>.</returns>
    internal static async Task<string> BestAsync(PostgresTool dump, PgBackupFormat format, CancellationToken cancellationToken)
    {
        foreach (var method in dump.Major >= 16 && format != PgBackupFormat.Plain ? Better : [])
        {
            // It looks at the method before it connects, and only it knows what it was built with.
            var result = await ToolProcess.RunAsync(
                new ToolCommand(
                    dump.Path, "--compress=" + method, "--format=custom", "--no-password", "--dbname=host=/nonexistent connect_timeout=1"),
                cancellationToken).ConfigureAwait(false);
            if (!result.Errors.Any(UncodedMessages.IsAboutCompression))
            {
                return method;
            }
        }

        return Gzip;
    }

    /// <summary>Refuses a compression that does not fit the format.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static void Check(BackupDatabaseRequest request)
    {
        if (request is { Format: PgBackupFormat.Plain, Compression: { } asked }
            && (IsNone(asked) || asked.StartsWith("zstd", StringComparison.Ordinal) || asked.StartsWith("lz4", StringComparison.Ordinal)))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"A backup in the Plain format is compressed by gzip; '{asked}' is something else.",
                "Nothing was written.",
                "Give a level from 1 to 9, or take the Directory or Custom format.");
        }
    }

    /// <summary>Whether a value means that nothing is compressed.</summary>
    internal static bool IsNone(string compression)
        => compression is "0" or "none" || compression.StartsWith("none:", StringComparison.Ordinal);
}
