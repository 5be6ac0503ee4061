using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Migrations that run statement by statement: CREATE INDEX CONCURRENTLY and its kin, and where a run goes on.</summary>
[Collection(MigrationTests.Name)]
public sealed class NonTransactionalMigrationTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public NonTransactionalMigrationTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
            _workspace.Write("1_a.sql", "CREATE TABLE a (b int, c int); INSERT INTO a VALUES (1, 1), (1, 2);");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task Two_concurrent_indexes_a_vacuum_and_plain_statements_in_one_file()
    {
        _workspace.Write("2_b.sql", "CREATE INDEX CONCURRENTLY a_b ON a (b);\nINSERT INTO a VALUES (2, 3);\nCREATE INDEX CONCURRENTLY a_c "
            + "ON a (c);\nVACUUM ANALYZE a;\nCOPY a FROM stdin;\n7\t8\n\\.\nALTER TABLE a ADD d int;");

        await _workspace.RunAsync();

        Assert.Equal(2, await ValidAsync("a_b") + await ValidAsync("a_c"));
        Assert.Equal(4, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.Equal("applied 6/6", await _workspace.ScalarAsync<string>(
            "SELECT format('%s %s/%s', state, statements_done, statements_total) FROM pgops.migration_history WHERE version = '2'"));
        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData("IF NOT EXISTS ")]
    public async Task An_INVALID_index_of_a_failed_build_is_rebuilt_once_the_data_are_right(string condition)
    {
        _workspace.Write(
            "2_b.sql",
            $"INSERT INTO a VALUES (5, 5);\nCREATE UNIQUE INDEX CONCURRENTLY {condition}a_b ON a (b);\nINSERT INTO a VALUES (6, 6);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        var again = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal(("23505", 2), (error.Statement!.SqlState, error.Statement.Line));
        Assert.Contains("1 of 3 statements is done and stays done", error.State, StringComparison.Ordinal);
        Assert.Contains("If the INVALID index a_b is left", error.State, StringComparison.Ordinal);
        Assert.Contains("DETAIL: Key (b)=(1) is duplicated.", again.Problem, StringComparison.Ordinal);
        Assert.Equal(0, await ValidAsync("a_b"));
        Assert.Equal(PgMigrationState.Failed, (await _workspace.StatusAsync())[1].State);

        await _workspace.ExecuteAsync("UPDATE a SET b = 2 WHERE c = 2");
        await _workspace.RunAsync();

        Assert.Equal(1, await ValidAsync("a_b"));
        Assert.Equal("1,2,5,6", await _workspace.ScalarAsync<string>("SELECT string_agg(b::text, ',' ORDER BY b) FROM a"));
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("INVALID index a_b", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task An_index_without_a_name_that_fails_is_said_to_be_left()
    {
        _workspace.Write("2_b.sql", "CREATE UNIQUE INDEX CONCURRENTLY ON a (b);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("may have left an INVALID index on a,", error.State, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_failed_build_that_is_given_another_name_leaves_nothing_of_the_old_one()
    {
        _workspace.Write("2_b.sql", "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("2_b.sql", "CREATE INDEX CONCURRENTLY a_b_not_unique ON a (b);");

        await _workspace.RunAsync();

        Assert.Equal("a_b_not_unique", await _workspace.ScalarAsync<string>(
            "SELECT string_agg(indexrelid::regclass::text, ',') FROM pg_index WHERE indrelid = 'a'::regclass"));
    }

    [PostgresFact]
    public async Task An_empty_migration_and_one_of_comments_are_recorded()
    {
        _workspace.Write("2_b.sql", "");
        _workspace.Write("3_c.sql", "-- pgops: no-transaction\n-- nothing yet\n");

        Assert.Equal(3, (await _workspace.RunAsync()).Applied.Count);
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_script_that_resets_its_own_session_does_not_end_the_protection_of_the_run()
    {
        _workspace.Write(
            "2_b.sql",
            "RESET ALL;\nCREATE INDEX CONCURRENTLY a_b ON a (b);\nDISCARD ALL;\nSELECT pg_sleep(1);\nINSERT INTO a VALUES (9, 9);");
        var run = _workspace.RunAsync();
        while (!await _workspace.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')"))
        {
            Assert.False(run.IsFaulted);
            await Task.Delay(20);
        }

        var locks = await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE "
                + "datname = current_database())");
        await run;

        Assert.Equal(2, locks);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresFact]
    public async Task An_INVALID_index_that_another_tool_left_does_not_pass_for_a_built_one()
    {
        await _workspace.RunAsync();
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => _workspace.ExecuteAsync("CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b)"));
        await _workspace.ExecuteAsync("UPDATE a SET b = c");
        _workspace.Write("2_b.sql", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_b ON a (b);");

        await _workspace.RunAsync();

        Assert.Equal(1, await ValidAsync("a_b"));
    }

    [PostgresFact]
    public async Task What_the_script_sets_holds_for_its_later_statements_also_when_it_is_resumed()
    {
        await _workspace.ExecuteAsync("CREATE SCHEMA app; CREATE TABLE app.t (x int); INSERT INTO app.t VALUES (1), (1)");
        _workspace.Write("2_b.sql", "SET search_path = app;\nSET maintenance_work_mem = '77MB';\nCREATE UNIQUE INDEX CONCURRENTLY t_x ON t "
            + "(x);\nINSERT INTO t SELECT 2 WHERE current_setting('maintenance_work_mem') = '77MB';");

        await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { AllowNotEmpty = true });
        await _workspace.ExecuteAsync("DELETE FROM app.t WHERE ctid = '(0,1)'");
        await _workspace.RunAsync();

        Assert.Equal(1, await ValidAsync("app.t_x"));
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM app.t"));
    }

    [PostgresFact]
    public async Task An_unqualified_index_in_the_schema_of_a_Prisma_address_is_found_again()
    {
        await _workspace.ExecuteAsync("CREATE SCHEMA app; CREATE TABLE app.t (x int); INSERT INTO app.t VALUES (1), (1)");
        _workspace.Write("2_b.sql", "CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x);");
        PgTarget Target(PgTarget target) => target with { Schema = "app" };

        await _workspace.FailAsync(
            PgErrorCode.MigrationFailed, request => request with { AllowNotEmpty = true, Target = Target(request.Target) });
        await _workspace.ExecuteAsync("DELETE FROM app.t WHERE ctid = '(0,1)'");
        await _workspace.RunAsync(request => request with { Target = Target(request.Target) });

        Assert.Equal(1, await ValidAsync("app.t_x"));
    }

    [PostgresFact]
    public async Task A_statement_after_the_failure_may_be_corrected_and_the_corrected_file_is_what_was_applied()
    {
        _workspace.Write(
            "2_b.sql",
            "-- pgops: no-transaction\nINSERT INTO a VALUES (5, 5);\nINSERT INTO nowhere VALUES (6);\nINSERT INTO a VALUES (7, 7);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("2_b.sql", "-- pgops: no-transaction\nINSERT INTO a VALUES (5, 5);\nINSERT INTO a VALUES (6, 6);");

        var run = await _workspace.RunAsync();
        var again = await _workspace.RunAsync();

        Assert.Single(run.Applied);
        Assert.Empty(again.Applied);
        Assert.Equal("1,1,5,6", await _workspace.ScalarAsync<string>("SELECT string_agg(b::text, ',' ORDER BY b) FROM a"));
    }

    [PostgresFact]
    public async Task A_statement_that_had_run_must_not_be_changed()
    {
        _workspace.Write("2_b.sql", "-- pgops: no-transaction\nCOPY a FROM stdin;\n5\t5\n\\.\nINSERT INTO nowhere VALUES (6);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("2_b.sql", "-- pgops: no-transaction\nCOPY a FROM stdin;\n5\t6\n\\.\nINSERT INTO a VALUES (6);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationChanged);

        Assert.Contains("statement 1, which had run, was changed", error.Problem, StringComparison.Ordinal);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresFact]
    public async Task An_older_migration_let_in_before_the_resumed_one_does_not_lose_its_progress()
    {
        _workspace.Write(
            "3_c.sql",
            "-- pgops: no-transaction\nINSERT INTO a VALUES (5, 5);\nINSERT INTO a VALUES (1 / (SELECT count(*) - 3 FROM a), 6);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("2_b.sql", "INSERT INTO a VALUES (4, 4);");

        await _workspace.RunAsync(request => request with { AllowOutOfOrder = true });
        var again = await _workspace.RunAsync();

        Assert.Empty(again.Applied);
        Assert.Equal(5, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
    }

    [PostgresFact]
    public async Task A_concurrent_index_does_not_wait_for_waiting_migrators()
    {
        // flyway #1654, golang-migrate #960: waiters that block in pg_advisory_lock deadlock the index build.
        _workspace.Write("2_b.sql", "SELECT pg_sleep(0.3);\nCREATE INDEX CONCURRENTLY a_b ON a (b);");

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => _workspace.RunAsync())))
            .WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(2, runs.Sum(run => run.Applied.Count));
        Assert.Equal(1, await ValidAsync("a_b"));
    }

    [PostgresFact]
    public async Task A_statement_whose_fate_nobody_can_tell_is_left_to_a_person()
    {
        _workspace.Write("2_b.sql", "-- pgops: no-transaction\nINSERT INTO a VALUES (5, 5);\nCALL p();\nINSERT INTO a VALUES (6, 6);");
        await _workspace.ExecuteAsync("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; PERFORM pg_sleep(30); END'");
        using var cancel = new CancellationTokenSource();
        var run = _workspace.RunAsync(request => request with { AllowNotEmpty = true }, cancel.Token);
        while (!await _workspace.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')"))
        {
            await Task.Delay(20);
        }

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);

        Assert.Equal(PgMigrationState.Interrupted, (await _workspace.StatusAsync())[1].State);
        var error = await _workspace.FailAsync(PgErrorCode.MigrationInterrupted);
        Assert.Contains("statement 2 of 3", error.Problem, StringComparison.Ordinal);
        Assert.Contains("CALL p()", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-MarkStatementDone", error.NextStep, StringComparison.Ordinal);

        await _workspace.RepairAsync("2", MigrationRepair.MarkStatementDone);
        await _workspace.RunAsync();

        Assert.Equal("1,1,5,6", await _workspace.ScalarAsync<string>("SELECT string_agg(b::text, ',' ORDER BY b) FROM a"));
        Assert.Equal(
            "because of the test", await _workspace.ScalarAsync<string>("SELECT string_agg(reason, ',') FROM pgops.migration_history"));
    }

    private async Task<long> ValidAsync(string index)
        => await _workspace.ScalarAsync<long>($"SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('{index}') AND indisvalid");
}
