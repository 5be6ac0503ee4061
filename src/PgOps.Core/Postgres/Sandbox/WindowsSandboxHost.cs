using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>
/// Sandboxes on Windows: loopback with a free port, started by pg_ctl (which drops administrator rights), ended by a hidden
/// PowerShell that waits for the end of its standard input.
/// </summary>
internal sealed class WindowsSandboxHost : SandboxHost
{
    // Arguments cannot follow -EncodedCommand, so folder and pg_ctl come as the first two lines of standard input.
    private const string Watchdog = """
        $folder = [Console]::In.ReadLine(); $pgctl = [Console]::In.ReadLine()
        while ($null -ne [Console]::In.ReadLine()) { }
        & $pgctl stop -D (Join-Path $folder 'data') -m immediate -w *> $null
        foreach ($try in 1..50) {
            Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction SilentlyContinue
            if (-not (Test-Path -LiteralPath $folder)) { break }
            Start-Sleep -Milliseconds 100
        }
        """;

    internal override string Account => Environment.UserName;

    internal override string CacheFolder =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "pgops");

    // Below the user's own profile the inherited access list is private already.
    internal override Task MakeRootAsync(string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(path);
        return Task.CompletedTask;
    }

    internal override (string Host, int Port) AddressOf(string folder)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
    }

    internal override IReadOnlyDictionary<string, string> ListenSettings(string host, int port) => new Dictionary<string, string>
    {
        ["listen_addresses"] = host,
        ["port"] = port.ToString(CultureInfo.InvariantCulture),
        ["unix_socket_directories"] = "",
    };

    internal override async Task MakeTemplateAsync(
        string folder, PostgresInstallation installation, string password, CancellationToken cancellationToken)
    {
        var partial = $"{folder}.partial";
        DeleteFolder(partial);
        DeleteFolder(folder);
        try
        {
            Directory.CreateDirectory(partial);
            var passwordFile = Path.Combine(partial, "password");
            await File.WriteAllTextAsync(passwordFile, password + "\n", cancellationToken).ConfigureAwait(false);
            string[] options = installation.Major >= 18 ? ["--no-data-checksums"] : [];
            var command = new ToolCommand(
                installation.PathOf("initdb"),
                [
                    "-D", Path.Combine(partial, "data"), "-U", SandboxTarget.Superuser, "--encoding=UTF8", "--locale=C",
                    "--auth=scram-sha-256", $"--pwfile={passwordFile}", "--no-sync", .. options,
                ]);
            var result = await ToolProcess.RunAsync(command, cancellationToken).ConfigureAwait(false);
            result.EnsureSuccess("nothing was left behind");
            Directory.Move(partial, folder);
        }
        catch
        {
            DeleteFolder(partial);
            throw;
        }
    }

    internal override async Task<(SandboxSupervisor Supervisor, SandboxRecord Record)> StartAsync(
        SandboxPlan plan, CancellationToken cancellationToken)
    {
        var data = Path.Combine(plan.Folder, "data");
        Directory.CreateDirectory(plan.Folder);
        var watchdog = SandboxSupervisor.Start(new ToolCommand(
            "powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-WindowStyle", "Hidden",
            "-EncodedCommand", Convert.ToBase64String(Encoding.Unicode.GetBytes(Watchdog))));
        try
        {
            await watchdog.SendAsync(plan.Folder, plan.Installation.PathOf("pg_ctl")).ConfigureAwait(false);
            var record = plan.Record with { SupervisorProcessId = watchdog.ProcessId, SupervisorStamp = watchdog.Stamp };
            await AnnounceAsync(watchdog, plan.Folder, record).ConfigureAwait(false);
            await File.WriteAllTextAsync(
                Path.Combine(plan.Folder, SandboxRecord.PasswordFileName), plan.Password + "\n", cancellationToken).ConfigureAwait(false);
            CopyFolder(Path.Combine(plan.Template.Folder, "data"), data, cancellationToken);
            await File.AppendAllLinesAsync(Path.Combine(data, "postgresql.conf"), plan.Settings, cancellationToken).ConfigureAwait(false);
            await StartServerAsync(plan, data, cancellationToken).ConfigureAwait(false);
            return (watchdog, record with { ServerProcessId = ReadyPostmaster(data) ?? 0 });
        }
        catch
        {
            using (watchdog)
            {
                await watchdog.EndAsync(plan.Folder).ConfigureAwait(false);
            }

            throw;
        }
    }

    internal override async Task AnnounceAsync(SandboxSupervisor supervisor, string folder, SandboxRecord record)
    {
        var path = Path.Combine(folder, SandboxRecord.FileName);
        await File.WriteAllTextAsync(path + ".new", record.ToLine(), CancellationToken.None).ConfigureAwait(false);
        File.Move(path + ".new", path, overwrite: true);
    }

    // There is no signal to send: this does the watchdog's work, and the watchdog finds nothing left to do when its owner ends.
    internal override Task AskToStopAsync(string folder, SandboxRecord record, CancellationToken cancellationToken)
    {
        using (var watchdog = Process.GetProcessById(record.SupervisorProcessId))
        {
            watchdog.Kill();
        }

        return RemoveAsync(folder, cancellationToken);
    }

    internal override async Task RemoveAsync(string folder, CancellationToken cancellationToken)
    {
        var data = Path.Combine(folder, "data");
        if (File.Exists(Path.Combine(data, "postmaster.pid")))
        {
            var stop = new ToolCommand(PostgresBinaries.Server().PathOf("pg_ctl"), "stop", "-D", data, "-m", "immediate", "-w");
            await ToolProcess.RunAsync(stop, cancellationToken).ConfigureAwait(false);
        }

        DeleteFolder(folder);
    }

    // pg_ctl hands its own output to the server it starts, and a pipe would stay open for as long as that runs; so the output goes
    // to a file, and readiness is read from postmaster.pid as pg_ctl itself does.
    private async Task StartServerAsync(SandboxPlan plan, string data, CancellationToken cancellationToken)
    {
        var log = Path.Combine(plan.Folder, "server.log");
        var start = new ProcessStartInfo(plan.Installation.PathOf("pg_ctl"))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (var argument in (string[])["start", "-w", "-s", "-D", data, "-l", log, "-t", Seconds(plan.Timeout)])
        {
            start.ArgumentList.Add(argument);
        }

        ToolEnvironment.Prepare(start, target: null);
        using var starter = Process.Start(start)!;
        await starter.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (starter.ExitCode != 0)
        {
            throw NotStarted(File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(40)) : "pg_ctl wrote no log.");
        }
    }

    private static string Seconds(TimeSpan time) => ((int)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private static void CopyFolder(string source, string destination, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(destination);
        foreach (var folder in Directory.EnumerateDirectories(source, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(destination, Path.GetRelativePath(source, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            File.Copy(file, Path.Combine(destination, Path.GetRelativePath(source, file)));
        }
    }

    private static void DeleteFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
