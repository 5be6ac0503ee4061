using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// The database of everything from every server, 13 to 18, to the same and to newer ones. The newest client tools take every server,
/// older ones those that no newer tools take as their own; PGOPS_TORTURE=all makes every pair with every set of tools.
/// </summary>
[Trait("Category", "Slow")]
public sealed class TortureVersionTests : IDisposable
{
    private static readonly bool Everything = Environment.GetEnvironmentVariable("PGOPS_TORTURE") == "all";
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly ITestOutputHelper _output;

    public TortureVersionTests(ITestOutputHelper output)
    {
        _output = output;
    }

    public static IEnumerable<object[]> Pairs()
        => from tools in PeerServers.Clients
           from server in PeerServers.Newest
           where server.Major <= tools.Major && (Everything || tools == PeerServers.Clients[^1] || server.Major == tools.Major)
           select (object[])[tools.Major, server.Major];

    public void Dispose() => _folder.Dispose();

    [ServersTheory]
    [MemberData(nameof(Pairs), DisableDiscoveryEnumeration = true)]
    public async Task Everything_comes_back_on_every_newer_server(int toolsMajor, int source)
    {
        var tools = PeerServers.Clients.Single(client => client.Major == toolsMajor).BinPath;
        var sandboxes = new List<PgSandbox>();
        try
        {
            var server = await StartAsync(sandboxes, source);
            var target = await TortureDatabase.CreateAsync(server, "torture");
            var format = (PgBackupFormat)(source % 3);
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = target, Path = _folder.Path, Format = format, BinPath = tools, NoGlobals = true },
                _sink, CancellationToken.None);
            var failed = new List<string>();
            foreach (var major in Targets(source))
            {
                var drill = await new TestRestore().RunAsync(
                    new TestRestoreRequest { Backup = backup, Server = await StartAsync(sandboxes, major), BinPath = tools }, _sink,
                    CancellationToken.None);
                var line = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{source} -> {major} with {backup.Manifest!.Payload.Tool}, {format}: {(drill.Proven ? "proven" : "failed")}");
                _output.WriteLine(line);

                // A minor release between the tools and the servers: the refusal says so, and what to do (InternalOptions).
                var tooOld = major != source && drill.Failure?.Contains("keep for themselves", StringComparison.Ordinal) == true;
                if (!drill.Proven && !tooOld)
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

    // The same, the next and the newest: what lies between them shows in the other rows.
    private static IEnumerable<int> Targets(int source)
    {
        var newer = PeerServers.Newest.Select(server => server.Major).Where(major => major >= source).ToList();
        return Everything ? newer : newer.Take(2).Append(newer[^1]).Distinct();
    }

    private async Task<PgTarget> StartAsync(List<PgSandbox> sandboxes, int major)
    {
        var settings = new Dictionary<string, string> { ["wal_level"] = "logical" };
        var bin = PeerServers.Newest.Single(server => server.Major == major).BinPath;
        var sandbox = await new StartSandbox().RunAsync(
            new StartSandboxRequest { BinPath = bin, Settings = settings }, _sink, CancellationToken.None);
        sandboxes.Add(sandbox);
        return sandbox.Target;
    }
}
