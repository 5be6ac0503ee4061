using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>The history: what it notices, what it refuses, and what a person's word can do.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationHistoryTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public MigrationHistoryTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
            _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
            _workspace.Write("2_b.sql", "CREATE TABLE b (c int);");
            _workspace.Write("4_d.sql", "CREATE TABLE d (e int);");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task A_changed_file_is_refused_and_shown_with_the_applied_text()
    {
        await _workspace.RunAsync();
        _workspace.Write("2_b.sql", "CREATE TABLE b (c bigint);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationChanged);

        Assert.Contains("2_b", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-AcceptChange", error.NextStep, StringComparison.Ordinal);
        var changed = (await _workspace.StatusAsync(withScripts: true))[1];
        Assert.Equal((PgMigrationState.Changed, "CREATE TABLE b (c int);"), (changed.State, changed.AppliedScript));
    }

    [PostgresFact]
    public async Task A_missing_file_is_refused()
    {
        await _workspace.RunAsync();
        _workspace.Delete("2_b.sql");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationMissing);

        Assert.Contains("2_b", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-MarkNotApplied", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(PgMigrationState.Missing, (await _workspace.StatusAsync())[1].State);
    }

    [PostgresFact]
    public async Task A_newcomer_of_a_lower_version_is_refused_unless_it_is_let_in()
    {
        await _workspace.RunAsync();
        _workspace.Write("3_c.sql", "CREATE TABLE c (d int);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationOutOfOrder);
        Assert.Contains("Two branches met", error.NextStep, StringComparison.Ordinal);
        Assert.Contains("UTC) had been applied here", error.NextStep, StringComparison.Ordinal);
        Assert.Contains("-AllowOutOfOrder", error.NextStep, StringComparison.Ordinal);
        Assert.Contains("3_c", error.Problem, StringComparison.Ordinal);
        Assert.Equal(PgMigrationState.OutOfOrder, (await _workspace.StatusAsync())[2].State);

        var run = await _workspace.RunAsync(request => request with { AllowOutOfOrder = true });
        Assert.Equal(["3_c"], run.Applied.Select(migration => migration.ToString()));
        Assert.Equal("4", run.ToVersion);
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_renamed_version_with_leading_zeros_is_the_same_version()
    {
        await _workspace.RunAsync();
        _workspace.Delete("2_b.sql");
        _workspace.Write("002_b.sql", "CREATE TABLE b (c int);");

        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresTheory]
    [InlineData("version", "'22'")]
    [InlineData("name", "'x'")]
    [InlineData("kind", "'baseline'")]
    [InlineData("checksum", "'x'")]
    [InlineData("script", "'x'")]
    [InlineData("state", "'resolved'")]
    [InlineData("transactional", "false")]
    [InlineData("statements_total", "9")]
    [InlineData("statements_done", "9")]
    [InlineData("statement_running", "0")]
    [InlineData("started_at", "started_at - interval '1 microsecond'")]
    [InlineData("finished_at", "NULL")]
    [InlineData("duration_ms", "NULL")]
    [InlineData("applied_by", "'x'")]
    [InlineData("host", "'x'")]
    [InlineData("tool_version", "'x'")]
    [InlineData("error", "''")]
    [InlineData("reason", "'x'")]
    [InlineData("backup_id", "'x'")]
    [InlineData("previous_hash", "'x'")]
    [InlineData("row_hash", "'x'")]
    [InlineData("id", "7")]
    public async Task A_column_edited_by_hand_is_noticed_until_the_history_is_sealed_anew(string column, string value)
    {
        _workspace.Delete("4_d.sql");
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync($"UPDATE pgops.migration_history SET {column} = {value} WHERE version = '2'");

        await _workspace.FailAsync(PgErrorCode.HistoryTampered);
        await Assert.ThrowsAsync<PgOpsException>(() => _workspace.StatusAsync());

        await _workspace.ExecuteAsync("UPDATE pgops.migration_history SET version = '2', kind = 'versioned', state = 'applied', "
            + "transactional = true WHERE name = 'b' OR name = 'x'");
        await _workspace.RepairAsync(null, MigrationRepair.Reseal);
        Assert.Equal(2, (await _workspace.StatusAsync()).Count);
        Assert.Equal(
            "because of the test", await _workspace.ScalarAsync<string>("SELECT reason FROM pgops.migration_history WHERE kind = 'seal'"));
    }

    [PostgresTheory]
    [InlineData("DELETE FROM pgops.migration_history WHERE version = '1'")]
    [InlineData("DELETE FROM pgops.migration_history WHERE version = '2'")]
    [InlineData("DELETE FROM pgops.migration_history WHERE version = '4'")]
    [InlineData("DELETE FROM pgops.migration_history WHERE version IN ('2', '4')")]
    [InlineData("INSERT INTO pgops.migration_history SELECT 4, '3', name, kind, checksum, script, state, transactional, "
        + "statements_total, statements_done, statement_running, started_at, finished_at, duration_ms, applied_by, host, tool_version, "
        + "error, reason, backup_id, session_state, row_hash, row_hash FROM pgops.migration_history WHERE version = '4'")]
    public async Task A_row_taken_out_or_put_in_is_noticed(string edit)
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync(edit);

        var error = await _workspace.FailAsync(PgErrorCode.HistoryTampered);

        Assert.Contains("-Reseal", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_history_whose_end_was_cut_off_can_be_sealed_and_an_emptied_copy_is_no_history()
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync("DELETE FROM pgops.migration_history WHERE version = '4'; DROP TABLE d");
        Assert.Equal(PgErrorCode.HistoryTampered, (await Assert.ThrowsAsync<PgOpsException>(() => _workspace.StatusAsync())).Code);
        Assert.Contains(
            "the rows from 3 on are gone", (await _workspace.FailAsync(PgErrorCode.HistoryTampered)).Message, StringComparison.Ordinal);

        await _workspace.RepairAsync(null, MigrationRepair.Reseal);
        Assert.Equal(["4_d"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
        await _workspace.ExecuteAsync("DELETE FROM pgops.migration_history WHERE version = '4'");
        await _workspace.FailAsync(PgErrorCode.HistoryTampered);

        await _workspace.ExecuteAsync("DELETE FROM pgops.migration_history");
        await _workspace.FailAsync(PgErrorCode.BaselineRequired);
    }

    [PostgresFact]
    public async Task After_a_new_seal_migrations_go_on()
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync("DELETE FROM pgops.migration_history WHERE version = '2'; DROP TABLE b");
        await _workspace.RepairAsync(null, MigrationRepair.Reseal);

        var run = await _workspace.RunAsync(request => request with { AllowOutOfOrder = true });

        Assert.Equal(["2_b"], run.Applied.Select(migration => migration.ToString()));
    }

    [PostgresFact]
    public async Task A_person_can_accept_a_change_and_mark_a_migration_as_applied_or_not()
    {
        await _workspace.RunAsync(request => request with { ToVersion = "2" });
        _workspace.Write("2_b.sql", "CREATE TABLE b (c int); -- harmless");

        Assert.Equal(PgMigrationState.Applied, (await _workspace.RepairAsync("2", MigrationRepair.AcceptChange)).State);
        await _workspace.ExecuteAsync("CREATE TABLE d (e int)");
        Assert.Equal(PgMigrationState.Applied, (await _workspace.RepairAsync("4", MigrationRepair.MarkApplied)).State);
        Assert.Empty((await _workspace.RunAsync()).Applied);
        await _workspace.ExecuteAsync("DROP TABLE d");
        Assert.Equal(PgMigrationState.Pending, (await _workspace.RepairAsync("4", MigrationRepair.MarkNotApplied)).State);
        Assert.Equal(["4"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
        Assert.Equal(6, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history"));
    }

    [PostgresTheory]
    [InlineData("1", MigrationRepair.MarkApplied)]
    [InlineData("1", MigrationRepair.AcceptChange)]
    [InlineData("1", MigrationRepair.MarkStatementDone)]
    [InlineData("1", MigrationRepair.MarkStatementNotDone)]
    [InlineData("9", MigrationRepair.MarkApplied)]
    [InlineData("9", MigrationRepair.MarkNotApplied)]
    public async Task A_word_that_does_not_fit_is_refused(string version, MigrationRepair repair)
    {
        await _workspace.RunAsync();

        var error = await Assert.ThrowsAsync<PgOpsException>(() => _workspace.RepairAsync(version, repair));

        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history"));
    }

    [PostgresFact]
    public async Task A_migration_undone_by_hand_whose_file_is_gone_is_forgotten()
    {
        await _workspace.RunAsync();
        _workspace.Delete("2_b.sql");
        await new RepairMigration().RunAsync(
            _workspace.Request, "2", MigrationRepair.MarkNotApplied, "undone", _workspace.Sink, CancellationToken.None);

        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Equal(2, (await _workspace.StatusAsync()).Count);
    }

    [PostgresTheory]
    [InlineData("CREATE TABLE old (a int)")]
    [InlineData("CREATE VIEW old AS SELECT 1 AS a")]
    [InlineData("CREATE FUNCTION old() RETURNS int LANGUAGE sql AS 'SELECT 1'")]
    [InlineData("CREATE TYPE old AS ENUM ('a')")]
    [InlineData("CREATE SEQUENCE old")]
    public async Task A_database_with_objects_of_its_own_but_no_history_is_refused_unless_forced(string ddl)
    {
        await _workspace.ExecuteAsync(ddl);

        var error = await _workspace.FailAsync(PgErrorCode.BaselineRequired);
        Assert.Contains("-Baseline", error.NextStep, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regnamespace('pgops')::text"));

        Assert.Equal(3, (await _workspace.RunAsync(request => request with { AllowNotEmpty = true })).Applied.Count);
    }

    [PostgresFact]
    public async Task What_an_extension_owns_does_not_count()
    {
        await _workspace.ExecuteAsync("DO $$ BEGIN CREATE EXTENSION pg_stat_statements; EXCEPTION WHEN OTHERS THEN END $$");

        Assert.Equal(3, (await _workspace.RunAsync()).Applied.Count);
    }

    [PostgresFact]
    public async Task A_baseline_records_the_files_and_runs_none()
    {
        await _workspace.ExecuteAsync("CREATE TABLE a (b int)");
        Assert.Equal(2, (await new PreviewMigrations().RunAsync(
            _workspace.Request with { Baseline = true, ToVersion = "2" }, _workspace.Sink, CancellationToken.None)).Count);

        var run = await _workspace.RunAsync(request => request with { Baseline = true, ToVersion = "2" });

        Assert.Equal((2, 1, "2"), (run.Baselined.Count, run.StillPending, run.ToVersion));
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('b')::text"));
        await _workspace.FailAsync(PgErrorCode.InvalidArgument, request => request with { Baseline = true });
        Assert.Equal(["4"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
        _workspace.Write("2_b.sql", "SELECT 'changed';");
        await _workspace.FailAsync(PgErrorCode.MigrationChanged);
    }

    [PostgresFact]
    public async Task A_baseline_of_an_empty_folder_begins_a_history_that_every_version_follows()
    {
        await _workspace.ExecuteAsync("CREATE TABLE old (a int)");
        foreach (var name in new[] { "1_a.sql", "2_b.sql", "4_d.sql" })
        {
            _workspace.Delete(name);
        }

        Assert.Single((await _workspace.RunAsync(request => request with { Baseline = true })).Baselined);
        _workspace.Write("0001_a.sql", "ALTER TABLE old ADD b int;");

        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_baseline_of_an_empty_folder_leaves_room_for_a_version_zero()
    {
        await _workspace.ExecuteAsync("CREATE TABLE old (a int)");
        foreach (var name in new[] { "1_a.sql", "2_b.sql", "4_d.sql" })
        {
            _workspace.Delete(name);
        }

        await _workspace.RunAsync(request => request with { Baseline = true });
        _workspace.Write("000_a.sql", "ALTER TABLE old ADD b int;");

        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task Two_histories_in_one_database_do_not_meet()
    {
        await _workspace.RunAsync();
        using var other = new MigrationWorkspace(_workspace.Target);
        other.Write("1_x.sql", "CREATE TABLE x (y int);");

        var run = await other.RunAsync(request => request with { HistorySchema = "Other \"app\"", AllowNotEmpty = true });

        Assert.Single(run.Applied);
        Assert.Equal(3, (await _workspace.StatusAsync()).Count);
    }
}
