using System.Diagnostics;
using PgOps.Core.ClientTools;
using PgOps.Core.Connections;
using PgOps.Core.Sandbox;
using PgOps.Core.Tests.Sandbox;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A streaming standby of the test server, on a socket of its own.</summary>
internal sealed class Standby : IDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private Standby(Process process, string folder, PgTarget target)
    {
        _process = process;
        _folder = folder;
        Target = target;
    }

    internal PgTarget Target { get; }

    internal static async Task<Standby> StartAsync(SandboxServer server)
    {
        var folder = Directory.CreateTempSubdirectory("pgops-standby-").FullName;
        var data = Path.Combine(folder, "data");
        var result = await ToolProcess.RunAsync(
            new ToolCommand(PostgresBinaries.Client("pg_basebackup").Path, "-D", data, "-R", "-X", "fetch", "-c", "fast", "--no-sync") { Target = server.Target },
            CancellationToken.None);
        result.EnsureSuccess();
        var account = SandboxAccount.Current();
        string[] command =
        [
            .. account.IsOther ? new[] { "setpriv", $"--reuid={account.Name}", "--regid=nogroup", "--clear-groups" } : [],
            PostgresBinaries.Server().PathOf("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "port=5432",
        ];
        if (account.IsOther)
        {
            using var chown = Process.Start("chown", ["-R", account.Name, folder]);
            await chown.WaitForExitAsync();
        }

        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        process.BeginErrorReadLine();
        var target = server.Target with { Host = folder, Port = 5432, Name = "" };
        var clock = Stopwatch.StartNew();
        while (!(await new TestTarget().RunAsync(target, new CollectingSink(), CancellationToken.None)).InRecovery)
        {
            Assert.True(clock.Elapsed.TotalSeconds < 20 && !process.HasExited, "The standby did not start.");
            await Task.Delay(50);
        }

        return new Standby(process, folder, target);
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
