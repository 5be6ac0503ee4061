using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Core.Tests.Support;

/// <summary>
/// Another process that owns a sandbox: this assembly run as a program (<c>dotnet exec … --sandbox-owner</c>), so that a test can
/// kill it. It also starts an idle child of its own, which must not keep the sandbox alive.
/// </summary>
public sealed class SandboxOwner : IDisposable
{
    private const string Switch = "--sandbox-owner";
    private readonly Process _process;

    private SandboxOwner(Process process, string[] words)
    {
        _process = process;
        Folder = words[0];
        Supervisor = int.Parse(words[1], CultureInfo.InvariantCulture);
        Server = int.Parse(words[2], CultureInfo.InvariantCulture);
        ServerUser = words[3];
        Child = int.Parse(words[4], CultureInfo.InvariantCulture);
    }

    public string Folder { get; }

    public int Supervisor { get; }

    public int Server { get; }

    public string ServerUser { get; }

    public int Child { get; }

    public static async Task<int> Main(string[] args)
    {
        if (args is [MigratorProcess.Switch, var work, var folder])
        {
            return await MigratorProcess.MainAsync(work, folder);
        }

        if (args is [TargetPrinter.Switch, .. var texts])
        {
            return TargetPrinter.Print(texts);
        }

        if (args is not [Switch, var root])
        {
            return 2;
        }

        var request = new StartSandboxRequest { Path = root.Length == 0 ? null : root };
        var sandbox = await new StartSandbox().RunAsync(request, new CollectingSink(), CancellationToken.None);
        await SandboxServer.ExecuteAsync(sandbox.Target, "SELECT 1");
        using var child = Process.Start(new ProcessStartInfo("sleep", "300") { UseShellExecute = false })!;
        var record = SandboxRecord.Read(sandbox.Path)!;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ready\t{sandbox.Path}\t{record.SupervisorProcessId}\t{sandbox.ServerProcessId}\t{record.Account}\t{child.Id}"));
        await Console.In.ReadToEndAsync();
        child.Kill();
        return 0;
    }

    /// <summary>Starts one and waits until its sandbox is ready.</summary>
    /// <param name="root">Where its sandbox goes; null for the default.</param>
    /// <param name="prefix">What to put before the command, for another user.</param>
    /// <param name="environment">Variables for it.</param>
    public static async Task<SandboxOwner> StartAsync(
        string? root = null, string[]? prefix = null, Dictionary<string, string>? environment = null)
    {
        string[] words = [.. prefix ?? [], Environment.ProcessPath!, "exec", typeof(SandboxOwner).Assembly.Location, Switch, root ?? ""];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync() ?? "";
        return line.StartsWith("ready\t", StringComparison.Ordinal)
            ? new SandboxOwner(process, line.Split('\t')[1..])
            : throw new InvalidOperationException(line + await process.StandardError.ReadToEndAsync());
    }

    /// <summary>kill -9, as the kernel does when memory runs out.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Lets it end as a program does.</summary>
    public async Task EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        try
        {
            using var child = Process.GetProcessById(Child);
            child.Kill();
        }
        catch (ArgumentException)
        {
            // Gone.
        }
    }
}
