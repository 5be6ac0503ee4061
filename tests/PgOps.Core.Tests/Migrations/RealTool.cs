using System.Diagnostics;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Tests.Peers;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Runs another migration tool.</summary>
internal static class RealTool
{
    /// <summary>The tool's program; null when it is not here.</summary>
    /// <param name="tool">The name behind PGOPS_ of the variable that names another program of it.</param>
    internal static string? Program(string tool) => tool switch
    {
        "DBMATE" => Peer.Npm(tool, "@dbmate/linux-x64/bin/dbmate"),
        "NODE_PG_MIGRATE" => Peer.Npm(tool, "node-pg-migrate/bin/node-pg-migrate.js"),
        _ => Peer.Named(tool) ?? ProgramSearch.OnPath(tool.ToLowerInvariant()),
    };

    /// <summary>The database as dbmate takes it.</summary>
    internal static string DbmateUrl(PgTarget target)
        => $"postgres://{target.Username}:{target.Password?.Reveal()}@:{target.Port}/{target.Database}?socket={target.Host}";

    /// <summary>Runs it on a database, and gives what it printed.</summary>
    internal static async Task<string> RunAsync(string tool, PgTarget target, string folder, params string[] arguments)
    {
        var program = Program(tool)!;
        var start = new ProcessStartInfo(program.EndsWith(".js", StringComparison.Ordinal) ? Peer.Node! : program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (start.FileName != program)
        {
            start.ArgumentList.Insert(0, program);
        }

        start.Environment.Remove("DATABASE_URL");
        foreach (var (name, value) in new[]
        {
            ("PGHOST", target.Host), ("PGPORT", $"{target.Port}"), ("PGUSER", target.Username), ("PGDATABASE", target.Database),
            ("PGPASSWORD", target.Password?.Reveal()),
        })
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{await output}\n{await errors}");
        return await output;
    }
}
