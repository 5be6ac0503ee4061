using PgOps.Core.Backups;
using PgOps.Core.Checks;
using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Drills;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// The main job on every release that the machine and the registries have: the installed one, apt's newest minor release of it, npm's 13 to
/// 18, and the newest of Debian's later releases.
/// </summary>
[Trait("Category", "Slow")]
public sealed class EveryServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public static IEnumerable<object[]> Releases() => PeerServers.All.Select(server => new object[] { server.Version });

    public void Dispose() => _folder.Dispose();

    [ServersTheory]
    [MemberData(nameof(Releases), DisableDiscoveryEnumeration = true)]
    public async Task The_main_job_is_done(string version)
    {
        var server = PeerServers.All.Single(found => found.Version == version);
        var tools = PeerServers.Clients.First(client => client.Major >= server.Major).BinPath;
        var sandbox =
            await new StartSandbox().RunAsync(new StartSandboxRequest { BinPath = server.BinPath }, _sink, CancellationToken.None);
        try
        {
            Assert.Equal(version, sandbox.ServerVersion);
            await SandboxServer.ExecuteAsync(sandbox.Target, "CREATE DATABASE shop");
            var shop = sandbox.Target.WithDatabase("shop");
            await MigrateAsync(shop);
            await SandboxServer.ExecuteAsync(shop, BackupTestDatabase.Types);
            await BackUpAndComeBackAsync(shop, tools);
        }
        finally
        {
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
        }
    }

    private async Task MigrateAsync(PgTarget shop)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "migrations")).FullName;
        foreach (var (name, text) in new[]
        {
            ("1_customers.up.sql", "CREATE TABLE customers AS SELECT i AS id, 'c' || i AS name FROM generate_series(1, 500) i;"),
            ("1_customers.down.sql", "DROP TABLE customers;"),
            ("2_index.up.sql", "-- pgops: no-transaction\nCREATE INDEX CONCURRENTLY customers_name ON customers (name);"),
            ("2_index.down.sql", "DROP INDEX customers_name;"),
        })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, name), text);
        }

        var request = new MigrationRequest { Target = shop, Path = folder, AllowNotEmpty = true };
        var run = await new InvokeMigrations().RunAsync(request, _sink, CancellationToken.None);
        Assert.Equal(2, run.Applied.Count);
        var undone = await new UndoMigrations().RunAsync(request, _sink, CancellationToken.None);
        Assert.Equal("2_index", Assert.Single(undone.Reverted).ToString());
        Assert.Single((await new InvokeMigrations().RunAsync(request, _sink, CancellationToken.None)).Applied);
        Assert.Empty((await new InvokeMigrations().RunAsync(request, _sink, CancellationToken.None)).Applied);
        Assert.Equal(500L, await SandboxServer.ExecuteAsync(shop, "SELECT count(*) FROM customers"));
    }

    private async Task BackUpAndComeBackAsync(PgTarget shop, string tools)
    {
        foreach (var format in Enum.GetValues<PgBackupFormat>())
        {
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = shop, Path = _folder.Path, Format = format, BinPath = tools }, _sink,
                CancellationToken.None);
            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Backup = backup, Server = shop, BinPath = tools }, _sink, CancellationToken.None);
            Assert.True(drill.Proven, $"{format}\n{string.Join('\n', drill.Checks)}");
            var copy = await new RestoreDatabase().RunAsync(
                new RestoreDatabaseRequest { Backup = backup, Target = shop, Database = $"copy_{format}", BinPath = tools },
                _sink,
                CancellationToken.None);
            var comparison = await new CompareDatabase().RunAsync(
                new CompareDatabaseRequest { ReferenceTarget = shop, Difference = copy.Target }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed, $"{format}\n{string.Join('\n', comparison.Checks)}");
        }

        Assert.NotEmpty(
            (await new TestDatabase().RunAsync(new TestDatabaseRequest { Target = shop }, _sink, CancellationToken.None)).Checks);
        await new SwitchDatabase().RunAsync(
            new SwitchDatabaseRequest { Target = shop, With = $"copy_{PgBackupFormat.Custom}" }, _sink, CancellationToken.None);
        Assert.Equal(500L, await SandboxServer.ExecuteAsync(shop, "SELECT count(*) FROM customers"));
    }
}
