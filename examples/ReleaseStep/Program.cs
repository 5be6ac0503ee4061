using PgOps;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;
using ReleaseStep;

// A release step on the PgOps core, without PowerShell: back up, prove, migrate behind the proof.
//
//   dotnet run --project examples/ReleaseStep                          on a sandbox, with the example shop
//   dotnet run --project examples/ReleaseStep -- MIGRATIONS BACKUPS    on DATABASE_URL or the PG* variables
//
// Exit code 0: released. 1: refused or failed; the message says what state the database is in. 130: cancelled and cleaned up.

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    stop.Cancel();
};

var sink = new ConsoleSink();
PgSandbox? sandbox = null;
string? scratch = null;
try
{
    PgTarget target;
    string migrations, backups;
    if (args is [var folder, var store])
    {
        (target, migrations, backups) = (TargetParser.FromEnvironment(), folder, store);
    }
    else
    {
        sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Database = "shop" }, sink, stop.Token);
        scratch = Directory.CreateTempSubdirectory("pgops-release-").FullName;
        (target, migrations, backups) = (sandbox.Target, ShopMigrations(), scratch);
        Console.WriteLine($"1. Sandbox: PostgreSQL {sandbox.ServerVersion}, ready in {sandbox.StartupTime.TotalSeconds:0.0} s");
        var built = await new InvokeMigrations().RunAsync(
            new MigrationRequest { Target = target, Path = migrations, ToVersion = "20260202130000" }, sink, stop.Token);
        Console.WriteLine($"2. Shop built by {PgAmount.Of(built.Applied.Count, "migration")} in {built.Duration.TotalSeconds:0.0} s");
    }

    var backup = await new BackupDatabase().RunAsync(new BackupDatabaseRequest { Target = target, Path = backups }, sink, stop.Token);
    Console.WriteLine($"3. Backup: {PgSize.Format(backup.Bytes)} in {backup.Duration!.Value.TotalSeconds:0.0} s: {backup.Path}");

    var drill = await new TestRestore().RunAsync(new TestRestoreRequest { Backup = backup }, sink, stop.Token);
    Console.WriteLine($"4. Drill {(drill.Passed ? "passed" : "FAILED")}: {PgAmount.Of(drill.TablesCompared, "table")}, "
        + $"{PgAmount.Of(drill.Rows, "row")} compared, "
        + $"recovery in {drill.RecoveryTime.TotalSeconds:0.0} s");

    // A drill that failed refuses the migration by itself; nothing needs to be checked here.
    var run = await new InvokeMigrations().RunAsync(
        new MigrationRequest { Target = target, Path = migrations, Proof = drill }, sink, stop.Token);
    Console.WriteLine(
        $"5. Released: {run.FromVersion ?? "empty"} -> {run.ToVersion} with {PgAmount.Of(run.Applied.Count, "migration")}, "
            + $"backed by {run.BackupId}");
    return 0;
}
catch (PgOpsException error)
{
    Console.Error.WriteLine($"{error.Code}: {error.Message}");
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Cancelled; what had begun was cleaned up.");
    return 130;
}
finally
{
    if (sandbox is not null)
    {
        await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, sink, CancellationToken.None);
    }

    if (scratch is not null)
    {
        Directory.Delete(scratch, recursive: true);
    }
}

static string ShopMigrations()
{
    for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
    {
        var shop = Path.Combine(folder.FullName, "examples", "shop", "migrations");
        if (Directory.Exists(shop))
        {
            return shop;
        }
    }

    throw new PgOpsException(PgErrorCode.PathNotFound, "The example's migrations are not above the program's folder.");
}
