using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// Public sample databases, northwind/northwind.sql and chinook/chinook.sql in ../shared/data or the folder that PGOPS_SAMPLE_DATA names:
/// loaded by psql into the newest release of every major version, 13 to 18, backed up, then drilled, restored and compared on the same
/// and on the newest one. The newest version has every format, the others one in turn; PGOPS_TORTURE=all gives each of them every format.
/// </summary>
[Trait("Category", "Slow")]
public sealed class SampleDataTests : IDisposable
{
    private static readonly bool Everything = Environment.GetEnvironmentVariable("PGOPS_TORTURE") == "all";
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly Dictionary<int, PgSandbox> _servers = [];
    private readonly ITestOutputHelper _output;

    public SampleDataTests(ITestOutputHelper output)
    {
        _output = output;
    }

    private static string Tools => PeerServers.Clients[^1].BinPath;

    public void Dispose() => _folder.Dispose();

    [SampleTheory]
    [InlineData("northwind", 14, 3362)]
    [InlineData("chinook", 11, 15607)]
    public async Task A_sample_database_comes_back_in_every_format_on_the_same_and_on_a_newer_server(string name, int tables, int rows)
    {
        try
        {
            foreach (var server in PeerServers.Newest)
            {
                var newest = PeerServers.Newest[^1];
                var formats =
                    Everything || server == newest ? Enum.GetValues<PgBackupFormat>() : new[] { (PgBackupFormat)(server.Major % 3) };
                await RoundAsync(name, tables, rows, formats, await StartAsync(server), await StartAsync(newest));
            }
        }
        finally
        {
            foreach (var sandbox in _servers.Values)
            {
                await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
            }
        }
    }

    private async Task RoundAsync(string name, int tables, int rows, PgBackupFormat[] formats, PgTarget server, PgTarget newest)
    {
        var source = await LoadAsync(server, name);
        foreach (var format in formats)
        {
            // The samples have no roles of their own.
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, BinPath = Tools, NoGlobals = true },
                _sink, CancellationToken.None);
            Assert.Equal((tables, rows), (backup.Manifest!.Tables.Count, backup.Manifest.Tables.Sum(table => table.Rows)));
            foreach (var place in new[] { server, newest }.Distinct())
            {
                var drill = await new TestRestore().RunAsync(
                    new TestRestoreRequest { Backup = backup, Server = place, BinPath = Tools }, _sink, CancellationToken.None);
                var line =
                    $"{name}, {format}: {backup.Manifest.Server.Version} -> {drill.ServerVersion} with {backup.Manifest.Payload.Tool}";
                if (place != server && drill.Failure?.Contains("keep for themselves", StringComparison.Ordinal) == true)
                {
                    // A minor release between the tools and the servers: the refusal says so, and what to do (InternalOptions).
                    _output.WriteLine($"{line}: refused, because pg_dump is older than the server");
                    continue;
                }

                Assert.True(drill.Proven, $"{line}\n{string.Join('\n', drill.Checks)}");
                var copy = await new RestoreDatabase().RunAsync(
                    new RestoreDatabaseRequest { Backup = backup, Target = place, Database = $"{name} {backup.Id}", BinPath = Tools },
                    _sink,
                    CancellationToken.None);
                var comparison = await new CompareDatabase().RunAsync(
                    new CompareDatabaseRequest { ReferenceTarget = source, Difference = copy.Target }, _sink, CancellationToken.None);
                Assert.True(comparison.Passed, $"{line}\n{string.Join('\n', comparison.Checks)}");
                _output.WriteLine($"{line}: proven, restored, compared");
            }
        }
    }

    /// <summary>Loads the script the way its readers do: psql, which follows chinook's own CREATE DATABASE and \c.</summary>
    private async Task<PgTarget> LoadAsync(PgTarget server, string name)
    {
        if (name == "northwind")
        {
            await SandboxServer.ExecuteAsync(server, "CREATE DATABASE northwind");
        }

        var script = Path.Combine(Peer.SampleData!, name, name + ".sql");
        var result = await ToolProcess.RunAsync(
            new ToolCommand(PostgresBinaries.Client("psql").Path, "-X", "-q", "-f", script)
            {
                Target = name == "northwind" ? server.WithDatabase(name) : server,
            },
            CancellationToken.None);
        result.EnsureSuccess();
        return server.WithDatabase(name);
    }

    // One server of each version for a test.
    private async Task<PgTarget> StartAsync(PostgresInstallation server)
    {
        if (!_servers.TryGetValue(server.Major, out var sandbox))
        {
            _servers[server.Major] = sandbox = await new StartSandbox().RunAsync(
                new StartSandboxRequest { BinPath = server.BinPath }, _sink, CancellationToken.None);
        }

        return sandbox.Target;
    }

    private sealed class SampleTheoryAttribute() : PeerTheoryAttribute(
        PostgresAvailability.Missing ?? PeerServers.Missing(),
        Peer.SampleData is null
            ? "PGOPS_SAMPLE_DATA names no folder with northwind/northwind.sql and chinook/chinook.sql, nor is there ../shared/data"
            : null);
}
