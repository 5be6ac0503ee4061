using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// Public sample databases, northwind/northwind.sql and chinook/chinook.sql in the folder that PGOPS_SAMPLE_DATA names: loaded by psql
/// into every server that is installed (PGOPS_PG_BIN names them), backed up, then drilled, restored and compared on the same and on the
/// newest one that the tools can fill. PGOPS_TORTURE_TOOLS names folders of client tools, of which the last is taken.
/// </summary>
public sealed class SampleDataTests : IDisposable
{
    private const string Variable = "PGOPS_SAMPLE_DATA";
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly Dictionary<int, PgSandbox> _servers = [];
    private readonly ITestOutputHelper _output;

    public SampleDataTests(ITestOutputHelper output)
    {
        _output = output;
    }

    private static string? Tools => Environment.GetEnvironmentVariable("PGOPS_TORTURE_TOOLS")?.Split(Path.PathSeparator)[^1];

    public void Dispose() => _folder.Dispose();

    [SampleTheory]
    [InlineData("northwind", 14, 3362)]
    [InlineData("chinook", 11, 15607)]
    public async Task A_sample_database_comes_back_in_every_format_on_the_same_and_on_a_newer_server(string name, int tables, int rows)
    {
        try
        {
            var majors = PostgresBinaries.List().Where(found => found.HasServer && found.Major >= 13).Select(found => found.Major).Distinct().Order().ToList();
            var tools = PostgresBinaries.Client("pg_dump", 0, Tools).Major;
            foreach (var major in majors.Where(major => major <= tools))
            {
                await RoundAsync(name, tables, rows, await StartAsync(major), await StartAsync(majors[^1]));
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

    private async Task RoundAsync(string name, int tables, int rows, PgTarget server, PgTarget newest)
    {
        var source = await LoadAsync(server, name);
        foreach (var format in Enum.GetValues<PgBackupFormat>())
        {
            // The samples have no roles of their own.
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, BinPath = Tools, NoGlobals = true }, _sink, CancellationToken.None);
            Assert.Equal((tables, rows), (backup.Manifest!.Tables.Count, backup.Manifest.Tables.Sum(table => table.Rows)));
            foreach (var place in new[] { server, newest }.Distinct())
            {
                var drill = await new TestRestore().RunAsync(
                    new TestRestoreRequest { Backup = backup, Server = place, BinPath = Tools }, _sink, CancellationToken.None);
                var line = $"{name}, {format}: {backup.Manifest.Server.Version} -> {drill.ServerVersion} with {backup.Manifest.Payload.Tool}";
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

        var script = Path.Combine(Environment.GetEnvironmentVariable(Variable)!, name, name + ".sql");
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
    private async Task<PgTarget> StartAsync(int major)
    {
        if (!_servers.TryGetValue(major, out var sandbox))
        {
            _servers[major] = sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Version = major }, _sink, CancellationToken.None);
        }

        return sandbox.Target;
    }

    private sealed class SampleTheoryAttribute : TheoryAttribute
    {
        public SampleTheoryAttribute()
        {
            Skip = PostgresAvailability.SkipReason
                ?? (Directory.Exists(Environment.GetEnvironmentVariable(Variable)) ? null : $"{Variable} names no folder with northwind/northwind.sql and chinook/chinook.sql");
        }
    }
}
