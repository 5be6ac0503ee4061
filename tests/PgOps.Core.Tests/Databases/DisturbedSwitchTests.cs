using System.Diagnostics;
using Npgsql;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Migrations;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Databases;

/// <summary>
/// Switches that are disturbed at random moments, with clients at work, and run again: at every time the name is a whole database, the
/// original is never lost, nothing stays closed, and the second run ends the work. PGOPS_FAULT_ROUNDS says how many moments each way gets
/// (2 when it is not set, 34 for a hundred in all).
/// </summary>
[Trait("Category", "Slow")]
public sealed class DisturbedSwitchTests : IAsyncLifetime
{
    private readonly ITestOutputHelper _output;
    private readonly CollectingSink _sink = new();
    private PgSandbox? _sandbox;

    public DisturbedSwitchTests(ITestOutputHelper output)
    {
        _output = output;
    }

    public enum Way
    {
        KillSwitcher,
        CutConnection,
        CrashServer,
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            // Committed means committed: a crash must not take back what the switch was told.
            var settings = new Dictionary<string, string> { ["synchronous_commit"] = "on", ["restart_after_crash"] = "on" };
            _sandbox = await new StartSandbox().RunAsync(new() { Settings = settings }, _sink, CancellationToken.None);
        }
    }

    public async Task DisposeAsync()
    {
        if (_sandbox is not null)
        {
            await new StopSandbox().RunAsync(new() { Sandbox = _sandbox }, _sink, CancellationToken.None);
        }
    }

    [PostgresTheory]
    [InlineData(Way.KillSwitcher)]
    [InlineData(Way.CutConnection)]
    [InlineData(Way.CrashServer)]
    public async Task Is_wholly_before_or_wholly_after(Way way)
    {
        var clock = Stopwatch.StartNew();
        await RoundAsync(way, "warm_up", null);
        await RoundAsync(way, "measured", null);
        var duration = (await RoundAsync(way, "measured_too", null)).Duration;
        var (before, after) = (0, 0);
        for (var round = 0; round < DisturbedMigrationTests.Rounds; round++)
        {
            var moment = duration * 1.1 * ((round + Random.Shared.NextDouble()) / DisturbedMigrationTests.Rounds);
            var (switched, _) = await RoundAsync(way, FormattableString.Invariant($"shop_{round}"), moment);
            (before, after) = switched ? (before, after + 1) : (before + 1, after);
        }

        _output.WriteLine(FormattableString.Invariant(
            $"{way}: {before} of {before + after} rounds left the old one in place, {after} the new one; ")
            + FormattableString.Invariant($"a switch takes {duration.TotalMilliseconds:0} ms; {clock.Elapsed.TotalSeconds:0} s in all"));
    }

    private async Task<(bool Switched, TimeSpan Duration)> RoundAsync(Way way, string name, TimeSpan? moment)
    {
        var live = _sandbox!.Target.WithDatabase(name);
        var prepared = name + "_restored";
        await CreateAsync(name, "old");
        await CreateAsync(prepared, "new");
        await using var proxy = new CuttingProxy(live);
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 3).Select(_ => ClientAsync(live, stop.Token)).ToArray();
        using var switcher = await MigratorProcess.StartAsync(proxy.Target, MigratorProcess.SwitchOver, prepared);
        var clock = Stopwatch.StartNew();
        switcher.Go();
        if (moment is { } at)
        {
            await Task.Delay(at);
            await DisturbAsync(way, switcher, proxy);
        }

        var said = way == Way.KillSwitcher && moment is not null ? "" : await switcher.EndAsync();
        var duration = clock.Elapsed;
        Assert.True(said.Length > 0 || way == Way.KillSwitcher, "The switcher ended without a word.");
        await UpAsync();

        // What a killed one has sent may go on for the five seconds that a rename waits.
        await Eventually.HoldsAsync(
            async () => await ScalarAsync(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE%' AND state = 'active'") is 0L,
            "the server is at rest");
        var found = await SandboxServer.ExecuteAsync(live, "SELECT who FROM whoami");
        Assert.Equal("old new", await ContentsAsync(name));
        Assert.True(said != "switched" || found is "new", said);

        await new SwitchDatabase().RunAsync(
            new() { Target = live, With = prepared, GracePeriod = TimeSpan.FromMilliseconds(200) }, _sink, CancellationToken.None);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live, "UPDATE whoami SET who = who RETURNING who"));
        Assert.Equal("old new", await ContentsAsync(name));
        await DropAsync(name);
        return (found is "new", duration);
    }

    private async Task DisturbAsync(Way way, MigratorProcess switcher, CuttingProxy proxy)
    {
        switch (way)
        {
            case Way.KillSwitcher:
                await switcher.KillAsync();
                break;
            case Way.CutConnection:
                proxy.Cut(Random.Shared.Next(2));
                break;
            default:
                // kill -9 of a server process: the server drops everything in memory and recovers from its log.
                const string Checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
                var pid = (int)(await ScalarAsync(Checkpointer))!;
                using (var process = Process.GetProcessById(pid))
                {
                    process.Kill();
                }

                await UpAsync(Checkpointer, found => found is int other && other != pid);
                break;
        }
    }

    private async Task CreateAsync(string name, string who)
    {
        await ScalarAsync($"CREATE DATABASE {Quote.Identifier(name)}");
        await SandboxServer.ExecuteAsync(_sandbox!.Target.WithDatabase(name), $"CREATE TABLE whoami AS SELECT '{who}' AS who");
    }

    /// <summary>What the databases of a round hold; none of them may be closed.</summary>
    private async Task<string> ContentsAsync(string name)
    {
        var contents = new List<string>();
        foreach (var database in await NamesAsync(name))
        {
            contents.Add((string)(await SandboxServer.ExecuteAsync(_sandbox!.Target.WithDatabase(database), "SELECT who FROM whoami"))!);
        }

        return string.Join(' ', contents.Order(StringComparer.Ordinal).Reverse());
    }

    private async Task<string[]> NamesAsync(string name) => (string[])(await ScalarAsync(
        $"SELECT array_agg(datname::text) FROM pg_database WHERE datname = '{name}' OR datname LIKE "
            + $"'{name.Replace("_", "\\_", StringComparison.Ordinal)}\\_re%'"))!;

    private async Task DropAsync(string name)
    {
        foreach (var database in await NamesAsync(name))
        {
            await ScalarAsync($"DROP DATABASE {Quote.Identifier(database)} WITH (FORCE)");
        }
    }

    private Task<object?> ScalarAsync(string sql) => SandboxServer.ExecuteAsync(_sandbox!.Target, sql);

    private Task UpAsync(string query = "SELECT 1", Func<object?, bool>? isIt = null) => Eventually.HoldsAsync(
        async () =>
        {
            try
            {
                var found = await ScalarAsync(query);
                return isIt?.Invoke(found) ?? true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        },
        "the server is back");

    private static async Task ClientAsync(PgTarget target, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var session = await SandboxServer.OpenAsync(target);
                await using var command = new NpgsqlCommand("SELECT who FROM whoami", session);
                while (!stop.IsCancellationRequested)
                {
                    await command.ExecuteScalarAsync(CancellationToken.None);
                    await Task.Delay(10, CancellationToken.None);
                }
            }
            catch (NpgsqlException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
