using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Folders as people have them: marks, orders, orphans and programs of the tools that they were made for.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class ForeignFolderTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public ForeignFolderTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task Goose_s_NO_TRANSACTION_counts_wherever_it_stands()
    {
        _workspace.Write("1_a.sql", "-- +goose Up\nCREATE TABLE a (b int);\n-- +goose Down\nDROP TABLE a;\n");
        _workspace.Write("2_b.sql", "-- +goose Up\n-- +goose StatementBegin\n-- +goose NO TRANSACTION\n"
            + "CREATE INDEX CONCURRENTLY i ON a (b);\n-- +goose StatementEnd\n-- +goose ENVSUB OFF\n"
            + "-- +goose Down\n-- +goose StatementBegin\nDROP INDEX i;\n-- +goose StatementEnd\n");

        Assert.Equal(2, (await _workspace.RunAsync()).Statements);
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT transactional FROM pgops.migration_history WHERE version = '2'"));

        // The mark is the file's; its undo can run in a transaction, and does.
        Assert.Equal(["2", "1"], (await UndoAsync("0")).Reverted.Select(migration => migration.Version));
    }

    [PostgresFact]
    public async Task Goose_s_ENVSUB_is_refused_with_what_stands_for_it()
    {
        _workspace.Write("1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${X}';\n-- +goose ENVSUB OFF\n");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains("environment variables", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-Variable @{ name = '…' }", error.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("goose's words", error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Dbmate_orders_by_the_names_of_files()
    {
        // As dbmate 2.36 runs them: a name's underscore comes behind every digit.
        foreach (var (version, value) in new[] { ("20240102", 3), ("20240101120000", 1), ("9", 4), ("20240102130000", 2) })
        {
            _workspace.Write($"{version}_x.sql", $"-- migrate:up\nINSERT INTO note (t) VALUES ({value});\n-- migrate:down\n");
        }

        await _workspace.ExecuteAsync("CREATE TABLE note (n int GENERATED ALWAYS AS IDENTITY, t int)");
        var first = await _workspace.RunAsync(request => request with { AllowNotEmpty = true, ToVersion = "20240102130000" });
        Assert.Equal(["20240101120000", "20240102130000"], first.Applied.Select(migration => migration.Version));

        var run = await _workspace.RunAsync();

        Assert.Equal("1 2 3 4", await _workspace.ScalarAsync<string>("SELECT string_agg(t::text, ' ' ORDER BY n) FROM note"));
        Assert.Equal(("20240102130000", "9"), (run.FromVersion, run.ToVersion));
        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
        Assert.Equal(["9"], (await UndoAsync(null)).Reverted.Select(migration => migration.Version));
    }

    [Fact]
    public void Diesel_orders_as_text_and_its_number_within_a_second_is_hexadecimal()
    {
        using var workspace = new MigrationWorkspace(new PgTarget());
        foreach (var name in new[] { "2023-10-15-093046_d", "2023-10-15-093045-000a_c", "2023-10-15-093045-0009_b",
            "2023-10-15-093045_a", "9_f", "20231016_e" })
        {
            workspace.Write($"{name}/up.sql", "SELECT 1;");
        }

        Assert.Equal(
            ["20231015093045_a", "202310150930450009_b", "20231015093045000a_c", "20231015093046_d", "20231016_e", "9_f"],
            MigrationFolder.Read(workspace.Folder).Files.Select(file => file.ToString()));
    }

    [Fact]
    public void Node_pg_migrate_s_two_ways_to_write_a_time_are_one_order()
    {
        using var workspace = new MigrationWorkspace(new PgTarget());
        foreach (var name in new[] { "1700000000000_b", "20240101000000000_c", "1704067200001_d", "0007_a" })
        {
            workspace.Write($"{name}.sql", "-- Up Migration\nSELECT 1;\n-- Down Migration\n");
        }

        Assert.Equal(["a", "b", "c", "d"], MigrationFolder.Read(workspace.Folder).Files.Select(file => file.Name));
    }

    [PostgresFact]
    public async Task Sqlx_takes_plain_files_among_the_pairs_and_passes_an_orphan_over()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (i int);");
        _workspace.Write("10_c.up.sql", "CREATE TABLE c (i int);");
        _workspace.Write("10_c.down.sql", "DROP TABLE c;");
        _workspace.Write("2_b.up.sql", "CREATE TABLE b (i int);");
        _workspace.Write("7_gone.down.sql", "DROP TABLE a;");

        Assert.Equal(["1_a", "2_b", "10_c"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("7_gone.down.sql (no .up.sql of its version",
            StringComparison.Ordinal));
        Assert.Equal(["10"], (await UndoAsync(null)).Reverted.Select(migration => migration.Version));
    }

    [PostgresTheory]
    [InlineData("1_foobar.up.SQL", "1_foobar.down.sql")]
    [InlineData("001_a.up.sql", "1_a.down.sql")]
    public async Task A_pair_is_one_whatever_its_zeros_and_case(string up, string down)
    {
        _workspace.Write(up, "CREATE TABLE a (i int);");
        _workspace.Write(down, "DROP TABLE a;");

        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Single((await UndoAsync(null)).Reverted);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }

    [PostgresTheory]
    [InlineData("2_b.up.sql", "SELECT 1;", "2_b.down.sql", "-- nothing to undo\n")]
    [InlineData("2_b.up.sql", "SELECT 1;", "2_b.down.sql", "")]
    public async Task An_undo_without_a_statement_says_that_there_is_nothing_to_undo(string up, string text, string down, string undo)
    {
        _workspace.Write("1_a.up.sql", "CREATE TABLE a (i int);");
        _workspace.Write("1_a.down.sql", "DROP TABLE a;");
        _workspace.Write(up, text);
        _workspace.Write(down, undo);
        await _workspace.RunAsync();

        var run = await UndoAsync("0");

        Assert.Equal(["2", "1"], run.Reverted.Select(migration => migration.Version));
        Assert.Contains("nothing was taken back", run.Reverted[0].Remark, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }

    [PostgresFact]
    public async Task After_everything_was_undone_the_folder_runs_again()
    {
        _workspace.Write("1_a.up.sql", "CREATE TABLE IF NOT EXISTS a (i int);");
        _workspace.Write("1_a.down.sql", "-- the table stays");
        await _workspace.RunAsync();
        await UndoAsync("0");

        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresTheory]
    [InlineData("001_a_up.sql", "002_a_down.sql")]
    [InlineData("001_a_up.sql", "001_a_down.sql")]
    [InlineData("001_a.sql", "002_a-undo.sql")]
    [InlineData("001_up.sql", "002_down.sql")]
    [InlineData("001_up_a.sql", "002_down_a.sql")]
    [InlineData("001_a.sql", "002_other_rollback.sql")]
    public async Task What_undoes_another_file_by_its_name_does_not_run(string up, string down)
    {
        _workspace.Write(up, "CREATE TABLE a (i int);");
        _workspace.Write(down, "DROP TABLE a;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid);

        Assert.Contains($"{down} (an undo script by its name", error.Problem, StringComparison.Ordinal);

        // By itself such a name is nothing special.
        _workspace.Delete(down);
        _workspace.Write("003_shut_down.sql", "CREATE TABLE shut_down (i int);");
        _workspace.Write("004_revert_b.sql", "DROP TABLE a;");
        Assert.Equal(3, (await _workspace.RunAsync()).Applied.Count);
    }

    [PostgresTheory]
    [InlineData("00002_b.go", "Go")]
    [InlineData("00002_b.up.go", "Go")]
    [InlineData("00002_b.ts", "TypeScript")]
    [InlineData("00002_b.js", "JavaScript")]
    public async Task A_program_has_its_place_and_is_refused_before_anything_runs(string name, string language)
    {
        _workspace.Write("00001_a.sql", "CREATE TABLE a (i int);");
        _workspace.Write(name, "package migrations");
        _workspace.Write("00002_b_test.go", "package migrations");
        _workspace.Write("00003_c.sql", "CREATE TABLE c (i int);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains($"00002_b is a migration in {language}, which PgOps cannot run", error.Problem, StringComparison.Ordinal);
        Assert.Contains("Repair-PgMigration -Version 00002 -MarkApplied", error.NextStep, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
        Assert.Equal(["00001"], (await _workspace.RunAsync(request => request with { ToVersion = "1" })).Applied.Select(it => it.Version));
        await _workspace.RepairAsync("2", MigrationRepair.MarkApplied);
        Assert.Equal(["00003"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
    }

    [PostgresFact]
    public async Task Sql_migrate_s_sections_are_read()
    {
        _workspace.Write("1_a.sql", """
            -- a note
            -- +migrate Up
            CREATE TABLE a (b int);
            -- +migrate StatementBegin
            CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
            BEGIN RETURN 1; END $$
            -- +migrate StatementEnd
            SELECT f();
            -- +migrate Down
            DROP FUNCTION f();
            -- +migrate Down
            DROP TABLE a;
            """);
        _workspace.Write(
            "2-b.sql", "-- +migrate Up notransaction\nCREATE INDEX CONCURRENTLY i ON a (b);\n-- +migrate Down\n-- nothing\n");

        var run = await _workspace.RunAsync();

        Assert.Equal(4, run.Statements);
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT transactional FROM pgops.migration_history WHERE version = '2'"));
        Assert.Equal(["2", "1"], (await UndoAsync("0")).Reverted.Select(migration => migration.Version));
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }

    [PostgresTheory]
    [InlineData("-- +migrate Up\nSELECT 1;\n-- +migrate Sideways\n", "'-- +migrate Sideways' does not belong here")]
    [InlineData("-- +migrate Up slowly\nSELECT 1;\n", "does not belong here")]
    [InlineData("-- +migrate Up\nSELECT 1;\n-- +migrate StatementBegin\n", "no StatementEnd")]
    [InlineData("CREATE TABLE a (i int);\n-- +migrate Down\nDROP TABLE a;\n", "sql-migrate")]
    [InlineData("DROP TABLE a;\n-- +migrate Up\nSELECT 1;\n", "belongs to no section")]
    [InlineData("-- +migrate Up\nCREATE TABLE a (i int);\n  -- +migrate Down\nDROP TABLE a;\n", "a mark of sql-migrate's")]
    [InlineData("-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n-- Up Migration\nSELECT 3;\n", "a second '-- Up Migration'")]
    [InlineData("DROP TABLE a;\n-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n", "belongs to no section")]
    [InlineData("CREATE TABLE a (i int);\n-- Down Migration\nDROP TABLE a;\n", "node-pg-migrate")]
    [InlineData("--liquibase formatted sql\n--changeset me:1\nCREATE TABLE a (i int);\n--rollback DROP TABLE a;\n", "Liquibase")]
    public async Task Sections_that_cannot_be_are_refused_before_anything_runs(string text, string problem)
    {
        _workspace.Write("1_a.sql", text);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Node_pg_migrate_s_sections_are_read_beside_files_without()
    {
        _workspace.Write("1_a.sql", "-- Up Migration\nCREATE TABLE a (i int);\n-- Down Migration\nDROP TABLE a;\n");
        _workspace.Write("2_b.sql", "-- Down Migration\nDROP TABLE b;\n\n  --- up migration ---\nCREATE TABLE b (i int);\n");
        _workspace.Write("3_c.sql", "CREATE TABLE c (i int);");

        Assert.Equal(["1_a", "2_b", "3_c"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
        Assert.Equal("a,b,c", await _workspace.ScalarAsync<string>(
            "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relname IN ('a', 'b', 'c')"));
        await _workspace.RepairAsync("3", MigrationRepair.MarkNotApplied);
        Assert.Equal(["2", "1"], (await UndoAsync("0")).Reverted.Select(migration => migration.Version));
    }

    [PostgresFact]
    public async Task Flyway_s_configuration_of_a_script_and_Evolve_s_mark_are_honoured()
    {
        _workspace.Write("V1__a.sql", "CREATE TABLE a (b int);");
        _workspace.Write("V2__b.sql", "INSERT INTO a VALUES (1);");
        _workspace.Write("V2__b.sql.conf", "# ours\nexecuteInTransaction = false\n");
        _workspace.Write("V3__c.sql", "-- evolve-tx-off\nINSERT INTO a VALUES (2);");

        await _workspace.RunAsync();

        Assert.Equal("1t 2f 3f", await _workspace.ScalarAsync<string>(
            "SELECT string_agg(version || left(transactional::text, 1), ' ' ORDER BY version) FROM pgops.migration_history"));
        _workspace.Write("V4__d.sql", "-- evolve-repeat-always\nSELECT 1;");
        Assert.Contains("Evolve", (await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem, StringComparison.Ordinal);
        _workspace.Write("V4__d.sql", "SELECT 1;");
        _workspace.Write("V4__d.sql.conf", "shouldExecute=${x}");
        _workspace.Write("V5__e.sql.conf", "executeInTransaction=false");
        var strays = (await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid)).Problem;
        Assert.Contains("V4__d.sql.conf ('shouldExecute=${x}' is not read here", strays, StringComparison.Ordinal);
        Assert.Contains("V5__e.sql.conf (no V5__e.sql", strays, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Flyway_s_placeholders_need_a_value()
    {
        _workspace.Write("V1__a.sql", "-- for ${env}\nCREATE TABLE a AS SELECT '${env}'::text AS t;");
        _workspace.Write("V2__b.sql", "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT '${env}'::text$$;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);
        Assert.Contains("V1__a.sql:2:", error.Problem, StringComparison.Ordinal);
        Assert.Contains("${env} has no value", error.Problem, StringComparison.Ordinal);

        _workspace.Write("V1__a.sql", "CREATE TABLE a AS SELECT 'x'::text AS t;");
        Assert.Contains("V2__b.sql:1:", (await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem, StringComparison.Ordinal);
        Assert.Equal(2, (await _workspace.RunAsync(
            request => request with { Variables = new ScriptVariables(new Dictionary<string, string>()) })).Applied.Count);
    }

    [PostgresFact]
    public async Task Flyway_s_B_file_is_its_version_where_those_that_it_stands_for_are_gone()
    {
        _workspace.Write("B2__old.sql", "SELECT wrong;");
        _workspace.Write("B3__all.sql", "CREATE TABLE a (i int);");
        _workspace.Write("V4__d.sql", "CREATE TABLE d (i int);");

        Assert.Equal(["3_all", "4_d"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));

        using var other = await MigrationWorkspace.CreateAsync(_server);
        other.Write("B3__all.sql", "SELECT wrong;");
        other.Write("V3__c.sql", "CREATE TABLE a (i int);");
        Assert.Equal(["3_c"], (await other.RunAsync()).Applied.Select(migration => migration.ToString()));
        Assert.Contains(other.Sink.Lines, line => line.Text.Contains("B3__all.sql", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task An_undo_that_no_transaction_can_hold_is_refused_by_its_statement_not_by_its_mark()
    {
        _workspace.Write("1_a.up.sql", "CREATE TABLE a (b int); CREATE INDEX i ON a (b);");
        _workspace.Write("1_a.down.sql", "-- no-transaction\nSELECT 1;\nDROP INDEX CONCURRENTLY i;");
        await _workspace.RunAsync();

        var error = await Assert.ThrowsAsync<PgOpsException>(() => UndoAsync(null));
        Assert.Contains("1_a.down.sql:3 (DROP INDEX CONCURRENTLY …)", error.Problem, StringComparison.Ordinal);

        _workspace.Write("1_a.down.sql", "-- no-transaction\nDROP TABLE a;");
        Assert.Single((await UndoAsync(null)).Reverted);
    }

    [PostgresFact]
    public async Task What_Supabase_keeps_in_a_database_does_not_make_it_full()
    {
        foreach (var role in new[] { "supabase_admin", "supabase_auth_admin" })
        {
            await _workspace.ExecuteAsync(
                $"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
        }

        await _workspace.ExecuteAsync("""
            CREATE SCHEMA auth; CREATE TABLE auth.users (id int); CREATE TABLE auth.schema_migrations (version varchar PRIMARY KEY);
            ALTER TABLE auth.users OWNER TO supabase_auth_admin; ALTER TABLE auth.schema_migrations OWNER TO supabase_auth_admin;
            CREATE SCHEMA vault; CREATE FUNCTION vault.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
            ALTER FUNCTION vault.f() OWNER TO supabase_admin;
            CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY);
            """);
        _workspace.Write("20240101000000_a.sql", "CREATE TABLE a (i int);");

        Assert.Single((await _workspace.RunAsync()).Applied);

        using var other = await MigrationWorkspace.CreateAsync(_server);
        await other.ExecuteAsync("CREATE SCHEMA auth; CREATE TABLE auth.users (id int)");
        other.Write("1_a.sql", "CREATE TABLE a (i int);");
        await other.FailAsync(PgErrorCode.BaselineRequired);
    }

    private Task<PgMigrationRun> UndoAsync(string? version)
        => new UndoMigrations().RunAsync(_workspace.Request with { ToVersion = version }, _workspace.Sink, CancellationToken.None);
}
