using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Core.Tests.Support;

/// <summary>A server on a socket of its own that nothing watches over: it can be killed and started again over what it left.</summary>
internal sealed class PrivateServer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgops-server-").FullName;
    private readonly SandboxAccount _account = SandboxAccount.Current();
    private readonly int? _port;
    private Process? _process;

    /// <param name="port">The port on 127.0.0.1; null listens on the socket alone.</param>
    internal PrivateServer(int? port = null)
    {
        _port = port;
    }

    private string Port => (_port ?? 5432).ToString(CultureInfo.InvariantCulture);

    /// <summary>The data directory.</summary>
    internal string Data => Path.Combine(_folder, "data");

    /// <summary>Makes an empty cluster and starts it.</summary>
    /// <param name="like">Whose user it gets.</param>
    /// <param name="port">The port on 127.0.0.1; null listens on the socket alone.</param>
    /// <param name="configure">Changes the files in the data directory before the first start.</param>
    internal static async Task<PrivateServer> CreateAsync(PgTarget like, int? port = null, Action<string>? configure = null)
    {
        var server = new PrivateServer(port);
        try
        {
            await server.GiveAwayAsync();
            await server.Run("initdb", "-D", server.Data, "-U", like.Username!, "--auth=trust", "--no-sync", "-E", "UTF8")
                .WaitForExitAsync();
            configure?.Invoke(server.Data);
            await server.StartAsync(like);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Starts the server and waits until it answers.</summary>
    internal async Task<PgTarget> StartAsync(PgTarget like)
    {
        await GiveAwayAsync();
        var target = like with { Host = _folder, Port = _port ?? 5432, Name = "" };
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (_process is not { HasExited: false })
            {
                // The children of one that was killed keep its shared memory for a moment.
                _process?.Dispose();
                _process = Run(
                    "postgres", "-D", Data, "-k", _folder, "-p", Port, "-c", $"listen_addresses={(_port is null ? "" : "127.0.0.1")}");
            }

            var test = await new TestTarget().RunAsync(target, new CollectingSink(), CancellationToken.None);
            if (test.Checks.Any(check => check.Name == "version"))
            {
                return target;
            }

            Assert.True(clock.Elapsed.TotalSeconds < 30, $"The server did not start: {test.Checks[^1].Detail}");
            await Task.Delay(50);
        }
    }

    /// <summary>kill -9 of the postmaster: what it holds in memory is lost, as when the machine falls.</summary>
    internal void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        _process?.Kill(entireProcessTree: true);
        _process?.WaitForExit();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Process Run(string program, params string[] arguments)
    {
        string[] command =
        [
            .. _account.IsOther ? new[] { "setpriv", $"--reuid={_account.Name}", "--regid=nogroup", "--clear-groups" } : [],
            PostgresBinaries.Server().PathOf(program), .. arguments,
        ];
        var process =
            Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    private async Task GiveAwayAsync()
    {
        if (_account.IsOther)
        {
            using var chown = Process.Start("chown", ["-R", _account.Name, _folder]);
            await chown.WaitForExitAsync();
        }
    }
}
