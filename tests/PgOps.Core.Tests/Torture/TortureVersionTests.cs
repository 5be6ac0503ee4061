using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// The database of everything from every server that is installed to every newer one (PGOPS_PG_BIN names them), with each set of client
/// tools in the folders of PGOPS_TORTURE_TOOLS that is new enough.
/// </summary>
public sealed class TortureVersionTests : IDisposable
{
    private const string Variable = "PGOPS_TORTURE_TOOLS";
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly ITestOutputHelper _output;

    public TortureVersionTests(ITestOutputHelper output)
    {
        _output = output;
    }

    public static IEnumerable<object[]> Pairs()
        => from folder in (Environment.GetEnvironmentVariable(Variable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
           let tools = PostgresBinaries.Client("pg_dump", 0, folder).Major
           from source in Servers().Where(major => major <= tools)
           select (object[])[folder, source];

    public void Dispose() => _folder.Dispose();

    [ToolsTheory]
    [MemberData(nameof(Pairs), DisableDiscoveryEnumeration = true)]
    public async Task Everything_comes_back_on_every_newer_server(string tools, int source)
    {
        var sandboxes = new List<PgSandbox>();
        try
        {
            var server = await StartAsync(sandboxes, source);
            var target = await TortureDatabase.CreateAsync(server, "torture");
            var format = (PgBackupFormat)(source % 3);
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = target, Path = _folder.Path, Format = format, BinPath = tools, NoGlobals = true }, _sink, CancellationToken.None);
            var failed = new List<string>();
            foreach (var major in Servers().Where(major => major >= source))
            {
                var drill = await new TestRestore().RunAsync(
                    new TestRestoreRequest { Backup = backup, Server = await StartAsync(sandboxes, major), BinPath = tools }, _sink, CancellationToken.None);
                var line = string.Create(CultureInfo.InvariantCulture, $"{source} -> {major} with {backup.Manifest!.Payload.Tool}, {format}: {(drill.Proven ? "proven" : "failed")}");
                _output.WriteLine(line);
                if (!drill.Proven)
                {
                    failed.Add(line + "\n" + string.Join('\n', drill.Checks.Where(check => check.Status == PgCheckStatus.Failed)));
                }
            }

            Assert.True(failed.Count == 0, string.Join('\n', failed));
        }
        finally
        {
            foreach (var sandbox in sandboxes)
            {
                await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
            }
        }
    }

    private static IEnumerable<int> Servers()
        => PostgresBinaries.List().Where(installation => installation.HasServer && installation.Major >= 13)
            .Select(installation => installation.Major).Distinct().Order();

    private async Task<PgTarget> StartAsync(List<PgSandbox> sandboxes, int major)
    {
        var settings = new Dictionary<string, string> { ["wal_level"] = "logical" };
        var sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Version = major, Settings = settings }, _sink, CancellationToken.None);
        sandboxes.Add(sandbox);
        return sandbox.Target;
    }

    private sealed class ToolsTheoryAttribute : TheoryAttribute
    {
        public ToolsTheoryAttribute()
        {
            Skip = string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)) ? $"{Variable} names no folder of client tools" : null;
        }
    }
}
