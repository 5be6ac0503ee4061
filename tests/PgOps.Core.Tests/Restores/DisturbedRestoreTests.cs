using System.Diagnostics;
using Npgsql;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Migrations;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Restores;

/// <summary>
/// Restores over an existing database that are disturbed at random moments and run again: at every time the name is a whole database, the
/// original is never lost, and the second run succeeds and sweeps what the first one left. PGOPS_FAULT_ROUNDS says how many moments each
/// way gets (2 when it is not set, 34 for a hundred in all).
/// </summary>
[Trait("Category", "Slow")]
public sealed class DisturbedRestoreTests : IAsyncLifetime, IDisposable
{
    private const int MostConnections = 16;

    private readonly ITestOutputHelper _output;
    private readonly CollectingSink _sink = new();
    private readonly TemporaryFolder _folder = new();
    private PgSandbox? _sandbox;
    private PgBackup _backup = null!;

    public DisturbedRestoreTests(ITestOutputHelper output)
    {
        _output = output;
    }

    public enum Way
    {
        KillRestorer,
        CutConnection,
        CrashServer,
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is not null)
        {
            return;
        }

        // Committed means committed: a crash must not take back what the restore was told.
        var settings = new Dictionary<string, string> { ["synchronous_commit"] = "on", ["restart_after_crash"] = "on" };
        _sandbox = await new StartSandbox().RunAsync(new() { Settings = settings }, _sink, CancellationToken.None);
        await ScalarAsync("CREATE DATABASE source");
        var source = _sandbox.Target.WithDatabase("source");
        await SandboxServer.ExecuteAsync(source, """
            CREATE TABLE whoami AS SELECT 'new' AS who;
            CREATE TABLE rows AS SELECT g AS id, repeat('x', 50) AS filling FROM generate_series(1, 20000) g;
            ALTER TABLE rows ADD PRIMARY KEY (id); CREATE INDEX ON rows (filling);
            CREATE TABLE more AS SELECT * FROM rows;
            """);
        _backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Directory);
    }

    public async Task DisposeAsync()
    {
        if (_sandbox is not null)
        {
            await new StopSandbox().RunAsync(new() { Sandbox = _sandbox }, _sink, CancellationToken.None);
        }
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(Way.KillRestorer)]
    [InlineData(Way.CutConnection)]
    [InlineData(Way.CrashServer)]
    public async Task Is_wholly_before_or_wholly_after(Way way)
    {
        var clock = Stopwatch.StartNew();
        await RoundAsync(way, "warm_up", null);
        var duration = (await RoundAsync(way, "measured", null)).Duration;
        var (before, after) = (0, 0);
        for (var round = 0; round < DisturbedMigrationTests.Rounds; round++)
        {
            var moment = duration * 1.05 * ((round + Random.Shared.NextDouble()) / DisturbedMigrationTests.Rounds);
            var (restored, _) = await RoundAsync(way, FormattableString.Invariant($"shop_{round}"), moment);
            (before, after) = restored ? (before, after + 1) : (before + 1, after);
        }

        _output.WriteLine(FormattableString.Invariant(
            $"{way}: {before} of {before + after} rounds left the old one in place, {after} the new one; ")
            + FormattableString.Invariant($"a restore takes {duration.TotalMilliseconds:0} ms; {clock.Elapsed.TotalSeconds:0} s in all"));
    }

    private async Task<(bool Restored, TimeSpan Duration)> RoundAsync(Way way, string name, TimeSpan? moment)
    {
        var live = _sandbox!.Target.WithDatabase(name);
        await ScalarAsync($"CREATE DATABASE {Quote.Identifier(name)}");
        await SandboxServer.ExecuteAsync(live, "CREATE TABLE whoami AS SELECT 'old' AS who");
        await using var proxy = new CuttingProxy(live);
        using var restorer = await MigratorProcess.StartAsync(proxy.Target, MigratorProcess.Restore, _backup.Path);
        var clock = Stopwatch.StartNew();
        restorer.Go();
        if (moment is { } at)
        {
            await Task.Delay(at);
            await DisturbAsync(way, restorer, proxy);
        }

        var said = way == Way.KillRestorer && moment is not null ? "" : await restorer.EndAsync();
        var duration = clock.Elapsed;
        Assert.True(said.Length > 0 || way == Way.KillRestorer, "The restorer ended without a word.");
        Assert.True(moment is not null || said == "restored", said);
        await UpAsync();

        // CREATE DATABASE goes on when its client is dead, and until its session has ended a sweep takes the run for a living one.
        await Eventually.HoldsAsync(
            async () => await ScalarAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") is 0L,
            "the dead run's session has ended");
        var found = await WhoAsync(live);
        Assert.True(said != "restored" || found == "new", said);
        Assert.Equal(found == "new" ? "new old" : "old", await ContentsAsync(name));

        await new RestoreDatabase().RunAsync(
            new() { Backup = _backup, Target = live, Database = name, Force = true, Jobs = 2 }, _sink, CancellationToken.None);
        Assert.Equal("new", await WhoAsync(live));
        Assert.Equal(found == "new" ? "new new old" : "new old", await ContentsAsync(name));
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM pg_database WHERE datname ~ '_pgops_[0-9a-f]{8}$'"));
        foreach (var database in await NamesAsync(name))
        {
            await ScalarAsync($"DROP DATABASE {Quote.Identifier(database)} WITH (FORCE)");
        }

        return (found == "new", duration);
    }

    private async Task DisturbAsync(Way way, MigratorProcess restorer, CuttingProxy proxy)
    {
        switch (way)
        {
            case Way.KillRestorer:
                await restorer.KillAsync();
                break;
            case Way.CutConnection:
                // Of those that are open by now; a closed one cannot be cut.
                foreach (var _ in Enumerable.Range(0, 3))
                {
                    proxy.Cut(Random.Shared.Next(MostConnections));
                }

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

    private static async Task<string> WhoAsync(PgTarget target)
        => (string)(await SandboxServer.ExecuteAsync(target, "SELECT who FROM whoami"))!;

    /// <summary>What the databases under the name and its dated names hold: each is a whole one.</summary>
    private async Task<string> ContentsAsync(string name)
    {
        var contents = new List<string>();
        foreach (var database in await NamesAsync(name))
        {
            var target = _sandbox!.Target.WithDatabase(database);
            var who = await WhoAsync(target);
            contents.Add(who);
            if (who == "new")
            {
                Assert.Equal(
                    40000L, await SandboxServer.ExecuteAsync(target, "SELECT (SELECT count(*) FROM rows) + (SELECT count(*) FROM more)"));
                Assert.Equal(
                    2L, await SandboxServer.ExecuteAsync(target, "SELECT count(*) FROM pg_index WHERE indrelid = 'rows'::regclass"));
            }
        }

        return string.Join(' ', contents.Order(StringComparer.Ordinal));
    }

    private async Task<string[]> NamesAsync(string name) => (string[])(await ScalarAsync(
        $"SELECT array_agg(datname::text) FROM pg_database WHERE datname = '{name}' OR datname LIKE "
            + $"'{name.Replace("_", "\\_", StringComparison.Ordinal)}\\_replaced\\_%'"))!;

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
}
