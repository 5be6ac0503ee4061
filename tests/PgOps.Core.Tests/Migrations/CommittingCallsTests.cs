using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>CALL and DO statements that commit on their own, and others that only the catalogs know to refuse a transaction.</summary>
[Collection(MigrationTests.Name)]
public sealed class CommittingCallsTests(SandboxServer server) : IAsyncLifetime, IDisposable
{
    private const string Fill = """
        CREATE PROCEDURE fill(fail boolean) LANGUAGE plpgsql AS $$ BEGIN
            FOR i IN 1..3 LOOP INSERT INTO a VALUES (i); COMMIT; END LOOP;
            IF fail THEN RAISE 'no more'; END IF;
        END $$;
        """;

    private MigrationWorkspace _workspace = null!;

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(server);
            _workspace.Write("1_first.sql", "CREATE TABLE a (b int);");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresTheory]
    [InlineData("DO $$ BEGIN INSERT INTO a VALUES (1), (2), (3); COMMIT; END $$;")]
    [InlineData(
        "DO LANGUAGE plpgsql 'BEGIN INSERT INTO a VALUES (1), (2), (3); ROLLBACK AND CHAIN; INSERT INTO a VALUES (1), (2), (3); END';")]
    [InlineData(Fill + "CALL fill(false);")]
    [InlineData(Fill + "CREATE PROCEDURE outer_fill() LANGUAGE plpgsql AS 'BEGIN CALL fill(false); END'; CALL outer_fill();")]
    [InlineData(Fill + "DO 'BEGIN CALL public.fill(false); END';")]
    public async Task Code_that_commits_runs_statement_by_statement_unasked(string script)
    {
        _workspace.Write("2_b.sql", script);

        await _workspace.RunAsync();

        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT transactional FROM pgops.migration_history WHERE version = '2'"));
    }

    [PostgresFact]
    public async Task A_procedure_that_only_the_run_itself_brings_is_known_when_it_is_called()
    {
        _workspace.Write("2_b.sql", "DO $$ BEGIN EXECUTE 'CREATE PROCEDURE later() LANGUAGE plpgsql AS "
            + "''BEGIN INSERT INTO a VALUES (1); COMMIT; INSERT INTO a VALUES (2); COMMIT; END'''; END $$;");
        _workspace.Write("3_c.sql", "CALL later();");
        _workspace.Write("4_d.sql", "INSERT INTO a VALUES (3);");

        Assert.Equal(4, (await _workspace.RunAsync()).Applied.Count);

        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresTheory]
    [InlineData("DO $$ BEGIN /* COMMIT; */ INSERT INTO a VALUES (1); RAISE NOTICE 'COMMIT;'; END $$;")]
    [InlineData("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO a VALUES (1); END'; CALL p();")]
    [InlineData("CREATE PROCEDURE p() LANGUAGE sql AS 'INSERT INTO a VALUES (1)'; CALL p();")]
    public async Task Code_that_does_not_commit_stays_in_its_transaction(string script)
    {
        _workspace.Write("2_b.sql", script + "SELECT 1 / 0;");

        await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal(0, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresFact]
    public async Task A_call_that_failed_after_it_had_committed_is_not_run_again_without_a_person()
    {
        _workspace.Write("2_b.sql", $"{Fill}\nCALL fill(true);");
        var failed = await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        Assert.Contains("had committed by itself stays", failed.State, StringComparison.Ordinal);
        Assert.Contains("-MarkStatementNotDone", failed.NextStep, StringComparison.Ordinal);

        var asked = await _workspace.FailAsync(PgErrorCode.MigrationInterrupted);
        Assert.Contains("failed while statement 2 of 2 ran", asked.Problem, StringComparison.Ordinal);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));

        await _workspace.ExecuteAsync("DELETE FROM a");
        _workspace.Write("2_b.sql", $"{Fill}\nCALL fill(false);");
        await _workspace.RepairAsync("2", MigrationRepair.MarkStatementNotDone);
        await _workspace.RunAsync();
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresTheory]
    [InlineData("CALL nothing_of_this_name();")]
    [InlineData("DO $$ BEGIN INSERT INTO a VALUES (7); RAISE 'no'; END $$;")]
    public async Task Code_that_has_left_nothing_is_run_again_without_asking(string statement)
    {
        _workspace.Write("2_b.sql", $"-- pgops: no-transaction\n{Fill}\n{statement}");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        _workspace.Write("2_b.sql", $"-- pgops: no-transaction\n{Fill}\nCALL fill(false);");
        await _workspace.RunAsync();

        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresTheory]
    [InlineData("REINDEX TABLE parted;")]
    [InlineData("REINDEX INDEX parted_b;")]
    public async Task What_refuses_a_transaction_for_its_partitions_runs_outside(string statement)
    {
        _workspace.Write(
            "2_b.sql",
            "CREATE TABLE parted (b int) PARTITION BY RANGE (b); CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (9); CREATE "
                + "INDEX parted_b ON parted (b);");
        _workspace.Write("3_c.sql", $"-- pgops: no-transaction\nINSERT INTO a VALUES (1);\n{statement}\nINSERT INTO a VALUES (2);");
        await _workspace.RunAsync();
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));

        _workspace.Write("4_d.sql", statement);
        Assert.Contains("no-transaction", (await _workspace.FailAsync(PgErrorCode.MigrationFailed)).NextStep, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task What_would_stand_in_the_way_of_others_waits_no_longer_than_it_may_and_is_tried_again()
    {
        await _workspace.RunAsync();
        await using var reader = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await reader.BeginTransactionAsync();
        await using var select = new Npgsql.NpgsqlCommand("SELECT count(*) FROM a", reader);
        await select.ExecuteScalarAsync();
        _workspace.Write("2_b.sql", "INSERT INTO a VALUES (1);\nVACUUM FULL a;\nINSERT INTO a VALUES (2);");

        var run = _workspace.RunAsync(request => request with { LockTimeout = TimeSpan.FromMilliseconds(100) });
        while (!_workspace.Sink.Lines.Any(line => line.Text.Contains("Attempt 2", StringComparison.Ordinal)))
        {
            Assert.False(run.IsFaulted, run.Exception?.ToString());
            await Task.Delay(20);
        }

        await transaction.RollbackAsync();
        await run;
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }
}
