using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// Migrators that are disturbed and run again: in the end schema, data and history are those of an undisturbed run. Three ways
/// (kill -9 of the migrator, pg_terminate_backend of one of its sessions, a relay that cuts one of its connections), at random moments
/// and at every statement's end, for a set of transactions and for a set that runs statement by statement.
/// <para>
/// PGOPS_FAULT_ROUNDS says how many moments each way gets for each set (2 when it is not set, 300 for the full proof); as many
/// boundaries between statements are taken, all of them when it is at least their number. PGOPS_FAULT_PARALLEL says how many rounds run
/// side by side (2).
/// </para>
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class DisturbedMigrationTests
{
    private const int FewestForACount = 20;

    internal static readonly int Rounds = Number("PGOPS_FAULT_ROUNDS", 2);

    private static readonly int Parallel = Number("PGOPS_FAULT_PARALLEL", 2);

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;

    public DisturbedMigrationTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    public enum Way
    {
        Kill,
        Terminate,
        Cut,
    }

    public static TheoryData<Way, bool> WaysAndSets
    {
        get
        {
            var data = new TheoryData<Way, bool>();
            foreach (var way in Enum.GetValues<Way>())
            {
                data.Add(way, true);
                data.Add(way, false);
            }

            return data;
        }
    }

    [PostgresTheory]
    [MemberData(nameof(WaysAndSets))]
    public async Task At_any_moment(Way way, bool transactional)
    {
        var (expected, duration, _) = await UndisturbedAsync(transactional);
        var disturbed = 0;

        // Side by side they take longer.
        duration *= Parallel;
        await ForEachAsync(Enumerable.Range(0, Rounds).ToList(), async round =>
        {
            using var workspace = await MigrationWorkspace.CreateAsync(_server);
            DisturbedSets.Write(workspace, transactional);
            await using var proxy = new CuttingProxy(workspace.Target);
            await using var migrator = await Disturbed.StartAsync(way, workspace, proxy);
            migrator.Go();
            await Task.Delay((duration + migrator.StartUp) * ((round + Random.Shared.NextDouble()) / Rounds));
            await migrator.DisturbAsync(round % 2);
            if (await migrator.EndAsync())
            {
                Interlocked.Increment(ref disturbed);
            }

            await AssertRerunAsync(workspace, expected, $"round {round}");
        });
        _output.WriteLine(
            $"{way}, {(transactional ? "transactions" : "statement by statement")}: {Rounds} rounds, {disturbed} disturbed before the end");

        // A lost session is often noticed only when all is done; a few rounds may all end before.
        Assert.True(disturbed > 0 || Rounds < FewestForACount, "Every migrator ended before it was disturbed.");
    }

    [PostgresTheory]
    [MemberData(nameof(WaysAndSets))]
    public async Task At_every_statement_boundary(Way way, bool transactional)
    {
        var (expected, _, boundaries) = await UndisturbedAsync(transactional);
        var chosen = Enumerable.Range(1, boundaries).ToArray();
        if (boundaries > Rounds)
        {
            Random.Shared.Shuffle(chosen);
            chosen = chosen[..Rounds];
        }

        await ForEachAsync(chosen, async boundary =>
        {
            using var workspace = await MigrationWorkspace.CreateAsync(_server);
            DisturbedSets.Write(workspace, transactional);
            Disturbed? migrator = null;
            await using var proxy = new CuttingProxy(workspace.Target)
            {
                AtBoundary = passed => passed == boundary
                    ? migrator!.DisturbAsync(boundary % 4 == 0 ? CuttingProxy.Lock : CuttingProxy.Worker)
                    : Task.CompletedTask,
            };
            migrator = await Disturbed.StartAsync(way, workspace, proxy);
            await using (migrator)
            {
                migrator.Go();
                await migrator.EndAsync();
                Assert.True(migrator.WasDisturbed, $"boundary {boundary} of {boundaries} was not reached");
                await AssertRerunAsync(workspace, expected, $"boundary {boundary} of {boundaries}");
            }
        });
        _output.WriteLine(
            $"{way}, {(transactional ? "transactions" : "statement by statement")}: {chosen.Length} of {boundaries} boundaries");
    }

    private async Task AssertRerunAsync(MigrationWorkspace workspace, string expected, string when)
    {
        try
        {
            await RerunAsync(workspace);
        }
        catch (PgOpsException error)
        {
            throw new InvalidOperationException($"{when}: {error}", error);
        }

        var picture = await PictureAsync(workspace);
        Assert.True(
            expected == picture,
            $"{when}:\n" + string.Join('\n', expected.Split('\n').Except(picture.Split('\n')).Select(line => "- " + line)
                .Concat(picture.Split('\n').Except(expected.Split('\n')).Select(line => "+ " + line))));
        Assert.All(await workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
        await MigrationFaultTests.AssertNothingIsHeldAsync(workspace);
    }

    /// <summary>
    /// Runs again, and is refused when the dead migrator's session outlives it by a minute; of a procedure that commits PgOps cannot
    /// know how far it came, and the test is the person who looks.
    /// </summary>
    private static async Task RerunAsync(MigrationWorkspace workspace)
    {
        try
        {
            await workspace.RunAsync(Patient);
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.MigrationInterrupted)
        {
            Assert.Contains("CALL fill()", error.Problem, StringComparison.Ordinal);
            var filled = await workspace.ScalarAsync<long>("SELECT count(*) FROM effect WHERE note LIKE 'filled%'");
            await workspace.ExecuteAsync(filled < 3 ? "DELETE FROM effect WHERE note LIKE 'filled%'" : "SELECT 1");
            await workspace.RepairAsync("6", filled < 3 ? MigrationRepair.MarkStatementNotDone : MigrationRepair.MarkStatementDone);
            await workspace.RunAsync(Patient);
        }
    }

    private static MigrationRequest Patient(MigrationRequest request) => request with { WaitTimeout = TimeSpan.FromMinutes(1) };

    private async Task<(string Picture, TimeSpan Duration, int Boundaries)> UndisturbedAsync(bool transactional)
    {
        // The second run is not slowed by the compiler.
        for (var warm = false; ; warm = true)
        {
            using var workspace = await MigrationWorkspace.CreateAsync(_server);
            DisturbedSets.Write(workspace, transactional);
            await using var proxy = new CuttingProxy(workspace.Target);
            var clock = Stopwatch.StartNew();
            await workspace.RunAsync(request => request with { Target = proxy.Target });
            if (warm)
            {
                return (await PictureAsync(workspace), clock.Elapsed, proxy.Passed);
            }
        }
    }

    /// <summary>The catalogs' picture, and pg_dump's where there is one for this server.</summary>
    private static async Task<string> PictureAsync(MigrationWorkspace workspace)
        => $"{await DisturbedSets.PictureAsync(workspace)}\n{await SchemaDump.OfAsync(workspace.Target, "pgops")}";

    private static async Task ForEachAsync(IReadOnlyList<int> rounds, Func<int, Task> round)
        => await System.Threading.Tasks.Parallel.ForEachAsync(
            rounds, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (number, _) => await round(number));

    internal static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : otherwise;
}
