using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// Races, kills and lost connections. In the tools of today seven of eight racing migrators fail or a migration runs five times, and
/// the statement of a killed one goes on alone and commits unrecorded.
/// <see cref="DisturbedMigrationTests"/> has the disturbances at every moment. PGOPS_FAULT_ROUNDS=300 makes the sixteen race 50 times.
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class MigrationFaultTests
{
    private const string Effect = "INSERT INTO effect (note) VALUES";

    private readonly SandboxServer _server;

    public MigrationFaultTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresTheory]
    [InlineData(8, 1)]
    [InlineData(16, 6)]
    public async Task Racing_migrators_all_end_well_and_run_each_migration_once(int count, int oneIn)
    {
        for (var round = 0; round < Math.Max(1, oneIn == 1 ? 1 : DisturbedMigrationTests.Rounds / oneIn); round++)
        {
            await RaceAsync(count);
        }
    }

    private async Task RaceAsync(int count)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        WriteMixedSet(workspace);
        var processes = await Task.WhenAll(Enumerable.Range(0, count / 2).Select(_ => MigratorProcess.StartAsync(workspace)));
        var tasks = Enumerable.Range(0, count - processes.Length).Select(_ => Task.Run(() => workspace.RunAsync())).ToList();
        foreach (var process in processes)
        {
            process.Go();
        }

        var said = await Task.WhenAll(processes.Select(process => process.EndAsync()));
        var runs = await Task.WhenAll(tasks);
        Array.ForEach(processes, process => process.Dispose());

        Assert.All(said, words => Assert.StartsWith("applied ", words, StringComparison.Ordinal));
        Assert.Equal(7, runs.Sum(run => run.Applied.Count) + said.Sum(words => int.Parse(words[8..], CultureInfo.InvariantCulture)));
        Assert.Equal(7, await workspace.ScalarAsync<long>("SELECT count(*) FROM effect"));
        Assert.Equal(7, await workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history"));
        await AssertNothingIsHeldAsync(workspace);
    }

    [PostgresFact]
    public async Task A_killed_migrators_long_statement_is_dropped_and_a_rerun_at_once_succeeds()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_first.sql", $"CREATE TABLE effect (note text); {Effect} ('1');");
        workspace.Write("2_long.sql", $"{Effect} ('2'); SELECT pg_sleep(0.1) FROM generate_series(1, 6000); {Effect} ('2, second');");
        using var migrator = await MigratorProcess.StartAsync(workspace);
        migrator.Go();
        await SleepingAsync(workspace);
        await migrator.KillAsync();
        workspace.Write("2_long.sql", $"{Effect} ('2'); {Effect} ('2, second');");

        var clock = Stopwatch.StartNew();
        var run = await workspace.RunAsync();

        // The dead one's statement takes ten minutes.
        Assert.True(clock.Elapsed.TotalSeconds < 300, $"{clock.Elapsed}");
        Assert.Equal(["2_long"], run.Applied.Select(migration => migration.ToString()));
        Assert.True(run.LockWait > TimeSpan.Zero);
        Assert.Equal("1|2|2, second", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|' ORDER BY note) FROM effect"));
        await AssertNothingIsHeldAsync(workspace);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_index_build_killed_while_it_waits_for_an_old_transaction_is_done_anew(bool byLostLock)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_first.sql", $"CREATE TABLE effect (note text); {Effect} ('1');");
        await workspace.RunAsync();
        workspace.Write(
            "2_index.sql", $"{Effect} ('2');\nCREATE INDEX CONCURRENTLY IF NOT EXISTS effect_note ON effect (note);\n{Effect} ('3');");
        await using var old = await SandboxServer.OpenAsync(workspace.Target);
        await using var transaction = await old.BeginTransactionAsync();
        await using var insert = new Npgsql.NpgsqlCommand($"{Effect} ('old')", old);
        await insert.ExecuteNonQueryAsync();
        if (byLostLock)
        {
            var lost = workspace.RunAsync();
            await WaitingAsync(workspace, "wait_event_type = 'Lock'");
            await TerminateLockSessionAsync(workspace);
            Assert.Equal(PgErrorCode.ConnectionLost, (await Assert.ThrowsAsync<PgOpsException>(() => lost)).Code);
        }
        else
        {
            using var migrator = await MigratorProcess.StartAsync(workspace);
            migrator.Go();
            await WaitingAsync(workspace, "wait_event_type = 'Lock'");
            await migrator.KillAsync();
        }

        Assert.True(await workspace.ScalarAsync<bool>("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'effect_note'::regclass"));
        var run = workspace.RunAsync();

        // Longer than lock_timeout, which must not strike here.
        await Task.Delay(4500);
        Assert.False(run.IsCompleted);
        await transaction.CommitAsync();
        await run;

        Assert.True(await workspace.ScalarAsync<bool>("SELECT indisvalid FROM pg_index WHERE indexrelid = 'effect_note'::regclass"));
        Assert.Equal("1|2|3|old", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|' ORDER BY note) FROM effect"));
        await AssertNothingIsHeldAsync(workspace);
    }

    [PostgresTheory]
    [InlineData("SELECT pg_sleep(60)")]
    [InlineData("-- pgops: no-transaction\nSELECT pg_sleep(60)")]
    public async Task A_terminated_working_session_is_a_lost_connection_and_the_rerun_succeeds(string statement)
    {
        using var workspace = await WithLongSecondAsync(statement);
        var run = workspace.RunAsync();
        await SleepingAsync(workspace);
        await workspace.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query "
            + "LIKE '%pg\\_sleep%' AND pid <> pg_backend_pid()");

        await AssertLostAsync(workspace, run, statement);
    }

    [PostgresTheory]
    [InlineData("SELECT pg_sleep(60)")]
    [InlineData("-- pgops: no-transaction\nSELECT pg_sleep(60)")]
    public async Task A_terminated_lock_session_stops_the_work_and_the_rerun_succeeds(string statement)
    {
        using var workspace = await WithLongSecondAsync(statement);
        var run = workspace.RunAsync();
        await SleepingAsync(workspace);
        await TerminateLockSessionAsync(workspace);

        await AssertLostAsync(workspace, run, statement);
    }

    [PostgresTheory]
    [InlineData("SELECT pg_sleep(60)")]
    [InlineData("-- pgops: no-transaction\nSELECT pg_sleep(60)")]
    public async Task Cancelled_in_mid_statement_it_is_rolled_back_and_its_sessions_are_gone(string statement)
    {
        using var workspace = await WithLongSecondAsync(statement);
        using var cancel = new CancellationTokenSource();
        var run = workspace.RunAsync(null, cancel.Token);
        await SleepingAsync(workspace);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal("1", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|') FROM effect"));
        await AssertNothingIsHeldAsync(workspace);
        await AssertRerunAsync(workspace, statement);
    }

    [PostgresFact]
    public async Task Cancelled_while_it_waits_for_the_lock_it_gives_up_at_once()
    {
        using var workspace = await WithLongSecondAsync("SELECT pg_sleep(60)");
        using var cancel = new CancellationTokenSource();
        var run = workspace.RunAsync(null, cancel.Token);
        await SleepingAsync(workspace);
        using var give = new CancellationTokenSource();
        var waiter = workspace.RunAsync(null, give.Token);
        await Task.Delay(200);

        await give.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        Assert.False(run.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static async Task AssertLostAsync(MigrationWorkspace workspace, Task<PgMigrationRun> run, string statement)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.True(error.Code == PgErrorCode.ConnectionLost, error.ToString());
        Assert.False(string.IsNullOrEmpty(error.State));
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        Assert.Equal("1", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|') FROM effect"));
        await AssertRerunAsync(workspace, statement);
    }

    private static async Task AssertRerunAsync(MigrationWorkspace workspace, string statement)
    {
        workspace.Write("2_long.sql", $"{statement.Replace("(60)", "(0)", StringComparison.Ordinal)};\n{Effect} ('2');");

        var run = await workspace.RunAsync();

        Assert.Equal(["2"], run.Applied.Select(migration => migration.Version));
        Assert.Equal("1|2", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|' ORDER BY note) FROM effect"));
        Assert.All(await workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
        await AssertNothingIsHeldAsync(workspace);
    }

    private async Task<MigrationWorkspace> WithLongSecondAsync(string statement)
    {
        var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_first.sql", $"CREATE TABLE effect (note text); {Effect} ('1');");
        workspace.Write("2_long.sql", $"{statement};\n{Effect} ('2');");
        return workspace;
    }

    private static Task TerminateLockSessionAsync(MigrationWorkspace workspace) => workspace.ExecuteAsync(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' "
        + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");

    internal static Task SleepingAsync(MigrationWorkspace workspace) => WaitingAsync(workspace, "wait_event = 'PgSleep'");

    internal static async Task WaitingAsync(MigrationWorkspace workspace, string condition)
    {
        var clock = Stopwatch.StartNew();
        while (!await workspace.ScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND {condition})"))
        {
            Assert.True(clock.Elapsed.TotalSeconds < 20, "The long statement did not begin.");
            await Task.Delay(20);
        }
    }

    internal static async Task AssertNothingIsHeldAsync(MigrationWorkspace workspace)
    {
        // A session that was ended takes a moment to leave.
        var clock = Stopwatch.StartNew();
        while (await workspace.ScalarAsync<string>(
            "SELECT string_agg(query, '; ') FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'PgOps'")
            is { } sessions)
        {
            Assert.True(clock.Elapsed.TotalSeconds < 3, sessions);
            await Task.Delay(20);
        }

        Assert.Equal(0, await workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));
    }

    private static void WriteMixedSet(MigrationWorkspace workspace)
    {
        workspace.Write("01_first.sql", $"CREATE TABLE effect (id int GENERATED ALWAYS AS IDENTITY, note text); {Effect} ('1');");
        for (var version = 2; version <= 6; version++)
        {
            workspace.Write($"0{version}_more.sql", $"SELECT pg_sleep(0.02); {Effect} ('{version}'); CREATE TABLE t{version} (a int);");
        }

        workspace.Write("07_index.sql", $"{Effect} ('7');\nCREATE INDEX CONCURRENTLY effect_note ON effect (note);");
    }
}
