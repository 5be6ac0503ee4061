using System.Diagnostics;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Migrations;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Drills;

/// <summary>
/// Drills that are killed (kill -9) at random moments. The next drill of the same backup passes, and then nothing of the killed one is
/// left: no sandbox, no scratch database, no role; the ledger's chain holds. PGOPS_FAULT_ROUNDS says how many moments each ground gets
/// (3 when it is not set).
/// </summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class DisturbedDrillTests : IDisposable
{
    private static readonly int Rounds = DisturbedMigrationTests.Number("PGOPS_FAULT_ROUNDS", 3);

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();

    public DisturbedDrillTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Where the drills of a backup put their sandboxes.</summary>
    internal static string SandboxesOf(string backup) => Path.Combine(Path.GetDirectoryName(backup)!, "s");

    [PostgresTheory]
    [InlineData(MigratorProcess.Drill)]
    [InlineData(MigratorProcess.DrillInSandbox)]
    public async Task The_next_drill_leaves_nothing_of_a_killed_one(string work)
    {
        var clock = Stopwatch.StartNew();
        if (!OperatingSystem.IsWindows())
        {
            await ToolProcess.RunAsync(new ToolCommand("chmod", "711", _folder.Path), CancellationToken.None);
        }

        var role = "killed_" + work.Replace('-', '_');
        await SandboxServer.ExecuteAsync(_server.Target, $"CREATE ROLE {role}");
        var source = await OddDatabase.CreateAsync(
            _server,
            $"""
            INSERT INTO public.events SELECT date '2024-05-05', repeat('x', 200) FROM generate_series(1, 20000);
            ALTER TABLE public.events OWNER TO {role}
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Directory);
        await SandboxServer.ExecuteAsync(source, $"REASSIGN OWNED BY {role} TO postgres; DROP ROLE {role}");
        var databases = await DatabasesAsync();

        var duration = (await RoundAsync(null)).Duration;
        duration = (await RoundAsync(null)).Duration;
        var (killed, unfinished, lines) = (0, 0, File.ReadAllLines(Ledger).Length);
        for (var round = 0; round < Rounds; round++)
        {
            var (said, _) = await RoundAsync(duration * ((round + Random.Shared.NextDouble()) / Rounds));
            killed += said.Length == 0 ? 1 : 0;
            unfinished += await DatabasesAsync() != databases ? 1 : 0;

            var next = await new TestRestore().RunAsync(
                new()
                {
                    Path = backup.Path,
                    Server = work == MigratorProcess.Drill ? _server.Target : null,
                    SandboxPath = SandboxesOf(backup.Path),
                },
                new CollectingSink(),
                CancellationToken.None);

            Assert.True(next.Proven, string.Join('\n', next.Checks));
            Assert.Equal(databases, await DatabasesAsync());
            Assert.Equal(0L, await SandboxServer.ExecuteAsync(_server.Target, $"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'"));
            await Eventually.HoldsAsync(
                () => !Directory.Exists(SandboxesOf(backup.Path)) || !Directory.EnumerateFileSystemEntries(SandboxesOf(backup.Path)).Any(),
                "no sandbox is left");

            // One line for this drill, and one for the other if it was killed after it had written it down.
            var (ledger, sound) = DrillLedger.ReadLines(_folder.Path);
            Assert.Equal(ledger.Count, sound);
            Assert.InRange(ledger.Count, lines + 1, lines + 2);
            lines = ledger.Count;
            Assert.Equal(backup.Id, Assert.Single(DrillLedger.ReadProven(_folder.Path)).Key);
        }

        _output.WriteLine(FormattableString.Invariant(
            $"{work}: {killed} of {Rounds} killed before they had ended, {unfinished} left a database for the next to sweep; ")
            + FormattableString.Invariant($"a drill takes {duration.TotalSeconds:0.0} s; {clock.Elapsed.TotalSeconds:0} s in all"));

        async Task<(string Said, TimeSpan Duration)> RoundAsync(TimeSpan? moment)
        {
            using var drill = await MigratorProcess.StartAsync(_server.Target, work, backup.Path);
            var elapsed = Stopwatch.StartNew();
            drill.Go();
            if (moment is { } at)
            {
                await Task.Delay(at);
                await drill.KillAsync();
            }

            var said = await drill.EndAsync();
            Assert.True(said == "proven" || (moment is not null && said.Length == 0), said);
            return (said, elapsed.Elapsed);
        }
    }

    private string Ledger => Path.Combine(_folder.Path, DrillLedger.FileName);

    private async Task<string> DatabasesAsync()
        => (string)(await SandboxServer.ExecuteAsync(
            _server.Target, "SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database"))!;
}
