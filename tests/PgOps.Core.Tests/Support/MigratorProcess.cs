using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Databases;
using PgOps.Core.Drills;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Drills;
using PgOps.Core.Tests.Support.Faults;
using PgOps.Core.Tests.Torture;

namespace PgOps.Core.Tests.Support;

/// <summary>A migrator in a process of its own, which a test can kill: this assembly run as a program.</summary>
internal sealed class MigratorProcess : IDisposable
{
    internal const string Switch = "--migrator";
    internal const string Reset = "reset";
    internal const string SwitchOver = "switch";
    internal const string Drill = "drill";
    internal const string DrillInSandbox = "drill-in-sandbox";
    internal const string Restore = "restore";
    internal const string Backup = "backup";
    internal const string SingleFile = "single-file";
    internal const string Copy = "copy";
    internal const string Remove = "remove";

    private readonly Process _process;

    private MigratorProcess(Process process)
    {
        _process = process;
    }

    /// <summary>
    /// The program: reads the target from DATABASE_URL, waits for a line on its input, does the work, and says how it ended.
    /// </summary>
    internal static async Task<int> MainAsync(string work, string argument)
    {
        FaultyCalls.LetThrough();
        var request = new MigrationRequest { Target = TargetParser.FromEnvironment(), Path = argument };
        Console.WriteLine("ready");
        await Console.In.ReadLineAsync();
        try
        {
            if (work == SwitchOver)
            {
                var with =
                    new SwitchDatabaseRequest { Target = request.Target, With = argument, GracePeriod = TimeSpan.FromMilliseconds(200) };
                await new SwitchDatabase().RunAsync(with, new CollectingSink(), CancellationToken.None);
                Console.WriteLine("switched");
                return 0;
            }

            if (work is Drill or DrillInSandbox)
            {
                // Here the argument is the backup, and beside it the sandboxes go.
                var drill = await new TestRestore().RunAsync(
                    new()
                    {
                        Path = argument,
                        Server = work == Drill ? request.Target : null,
                        SandboxPath = DisturbedDrillTests.SandboxesOf(argument),
                    },
                    new CollectingSink(),
                    CancellationToken.None);
                Console.WriteLine(drill.Proven ? "proven" : drill.Failure);
                return 0;
            }

            if (work == Restore)
            {
                await new RestoreDatabase().RunAsync(
                    new()
                    {
                        Backup = BackupFolder.Read(argument),
                        Target = request.Target,
                        Database = request.Target.Database,
                        Force = true,
                        Jobs = 2,
                    },
                    new CollectingSink(),
                    CancellationToken.None);
                Console.WriteLine("restored");
                return 0;
            }

            if (work.StartsWith(Backup, StringComparison.Ordinal))
            {
                var format = Enum.Parse<PgBackupFormat>(work[Backup.Length..]);
                var made = await new BackupDatabase().RunAsync(
                    new BackupDatabaseRequest { Target = request.Target, Path = argument, Format = format }, new CollectingSink(),
                    CancellationToken.None);
                Console.WriteLine(made.Path);
                return 0;
            }

            if (work == SingleFile)
            {
                var made = await new BackupDatabase().RunAsync(
                    new BackupDatabaseRequest
                    {
                        Target = request.Target,
                        Path = argument,
                        Format = PgBackupFormat.Plain,
                        SingleFile = true,
                        FileName = "daily",
                        Force = true,
                    },
                    new CollectingSink(), CancellationToken.None);
                Console.WriteLine(made.Path);
                return 0;
            }

            if (work == Copy)
            {
                // The argument is the backup, and the copies' folder lies beside that of the backups.
                var copy = await new CopyBackup().RunAsync(
                    new() { Backup = BackupFolder.Read(argument), Destination = FaultyCallTests.CopiesOf(argument) }, new CollectingSink(),
                    CancellationToken.None);
                Console.WriteLine(copy.Path);
                return 0;
            }

            if (work == Remove)
            {
                var sink = new CollectingSink();
                await new RemoveBackups().RunAsync(
                    new() { Backups = [BackupFolder.Read(argument)], Force = true }, sink, CancellationToken.None);
                Console.WriteLine(sink.Failures.TryPeek(out var failure) ? failure.Message.ReplaceLineEndings(" ") : "removed");
                return 0;
            }

            if (work == Reset)
            {
                await new ResetDatabase().RunAsync(new() { Migrations = request }, new CollectingSink(), CancellationToken.None);
                Console.WriteLine("reset");
                return 0;
            }

            var run = await new InvokeMigrations().RunAsync(request, new CollectingSink(), CancellationToken.None);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"applied {run.Applied.Count}"));
            return 0;
        }
        catch (PgOpsException error)
        {
            Console.WriteLine($"{error.Code}: {error.Message}".ReplaceLineEndings(" "));
            return 1;
        }
    }

    internal static Task<MigratorProcess> StartAsync(MigrationWorkspace workspace, PgTarget? target = null, string work = "migrate")
        => StartAsync(target ?? workspace.Target, work, workspace.Folder);

    /// <param name="target">The database.</param>
    /// <param name="work">What to do.</param>
    /// <param name="argument">The folder; of a switch the prepared database, of a drill and a restore the backup.</param>
    /// <param name="prefix">What to put before the command.</param>
    internal static async Task<MigratorProcess> StartAsync(PgTarget target, string work, string argument, params string[] prefix)
    {
        string[] words = [.. prefix, Environment.ProcessPath!, "exec", typeof(MigratorProcess).Assembly.Location, Switch, work, argument];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DATABASE_URL"] = target.GetConnectionUri();
        var process = Process.Start(start)!;
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        return new MigratorProcess(process);
    }

    /// <summary>Lets it begin.</summary>
    internal void Go()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
    }

    /// <summary>What it says at its end; empty when it was killed.</summary>
    internal async Task<string> EndAsync()
    {
        var said = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return said.Trim();
    }

    /// <summary>kill -9.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
