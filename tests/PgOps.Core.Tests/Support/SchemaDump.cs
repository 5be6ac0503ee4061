using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Tests.Support;

/// <summary>What <c>pg_dump -s</c> says of a database.</summary>
internal static class SchemaDump
{
    private static readonly string Packaged = "/usr/lib/postgresql/15/bin";

    /// <summary>Why a server of the tests cannot be dumped; null when it can.</summary>
    internal static string? WhyNot()
        => Tool(PostgresBinaries.Server().Major) is null ? "there is no pg_dump as new as the server" : null;

    /// <summary>The dump without comments and settings; empty where no pg_dump is new enough for the server.</summary>
    /// <param name="target">The database.</param>
    /// <param name="without">A schema left out.</param>
    internal static async Task<string> OfAsync(PgTarget target, string without)
    {
        var major = (int)(await SandboxServer.ExecuteAsync(target, "SELECT current_setting('server_version_num')::int / 10000"))!;
        if (Tool(major) is not { } tool)
        {
            return "";
        }

        var lines = new List<string>();
        var result = await ToolProcess.RunAsync(
            new ToolCommand(tool, "-s", "-N", without) { Target = target, OnOutput = lines.Add }, CancellationToken.None);
        result.EnsureSuccess();
        return string.Join(
            '\n', lines.Where(line => line.Length > 0 && !line.StartsWith("--", StringComparison.Ordinal) && !line.StartsWith('\\')));
    }

    private static string? Tool(int major)
    {
        foreach (var folder in new[] { null, Packaged })
        {
            try
            {
                return PostgresBinaries.Client("pg_dump", major, folder).Path;
            }
            catch (PgOpsException)
            {
                // Not in this folder, or too old.
            }
        }

        return null;
    }
}
