using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Folders made for other tools run as those tools would run them.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationShapeTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public MigrationShapeTests(SandboxServer server)
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
    public async Task Flyway_versions_count_part_by_part_and_an_underscore_is_a_dot()
    {
        _workspace.Write("V1__a.sql", "CREATE TABLE note (n int GENERATED ALWAYS AS IDENTITY, t text);");
        foreach (var (file, text) in new[]
        {
            ("V1.10__d.sql", "1.10"),
            ("V1.2__b.sql", "1.2"),
            ("V1_3__c.sql", "1.3"),
            ("V2.0__e.sql", "2.0"),
        })
        {
            _workspace.Write(file, $"INSERT INTO note (t) VALUES ('{text}');");
        }

        var run = await _workspace.RunAsync(request => request with { ToVersion = "2" });

        Assert.Equal(["1", "1.2", "1.3", "1.10", "2.0"], run.Applied.Select(migration => migration.Version));
        Assert.Equal("1.2 1.3 1.10 2.0", await _workspace.ScalarAsync<string>("SELECT string_agg(t, ' ' ORDER BY n) FROM note"));
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task Pairs_of_golang_migrate_and_sqlx_run_the_up_file()
    {
        _workspace.Write("1_a.up.sql", "CREATE TABLE a (b int);");
        _workspace.Write("1_a.down.sql", "DROP TABLE a;");
        _workspace.Write("2_b.up.sql", "-- no-transaction: it is large\nCREATE INDEX i ON a (b);");

        var run = await _workspace.RunAsync();

        Assert.Equal(["1_a", "2_b"], run.Applied.Select(migration => migration.ToString()));
        Assert.Equal(
            "CREATE TABLE a (b int);",
            await _workspace.ScalarAsync<string>("SELECT script FROM pgops.migration_history WHERE version = '1'"));
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT bool_or(transactional) FROM pgops.migration_history WHERE version = '2'"));
    }

    [PostgresFact]
    public async Task A_dbmate_file_runs_its_up_section_and_is_recorded_whole()
    {
        const string Text = "-- a note\n-- migrate:up\nCREATE TABLE a (b int);\n\n-- migrate:down\nDROP TABLE a;\n";
        _workspace.Write("20240101000000_a.sql", Text);
        _workspace.Write(
            "20240102000000_b.sql", "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (b);\n-- migrate:down\n");

        var run = await _workspace.RunAsync();

        Assert.Equal(2, run.Statements);
        Assert.Equal(
            Text, await _workspace.ScalarAsync<string>("SELECT script FROM pgops.migration_history WHERE version = '20240101000000'"));
        Assert.False(
            await _workspace.ScalarAsync<bool>("SELECT transactional FROM pgops.migration_history WHERE version = '20240102000000'"));
    }

    [PostgresFact]
    public async Task A_goose_block_holds_a_routine_whatever_semicolons_are_in_it()
    {
        _workspace.Write("00001_a.sql", """
            -- +goose Up
            CREATE TABLE a (b int)
            -- +goose StatementBegin
            CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO a VALUES (1); RETURN 1;
            END $$
            -- +goose StatementEnd
            SELECT f();

            -- +goose Down
            DROP FUNCTION f();
            DROP TABLE a;
            """);
        _workspace.Write("00002_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (b);\n");

        var run = await _workspace.RunAsync();

        Assert.Equal(4, run.Statements);
        Assert.Equal(1, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT transactional FROM pgops.migration_history WHERE version = '00002'"));
    }

    [PostgresFact]
    public async Task Diesel_folders_run_and_their_version_is_the_digits_alone()
    {
        _workspace.Write("00000000000000_diesel_initial_setup/up.sql", "CREATE TABLE a (b int);");
        _workspace.Write("2023-10-15-093045_index/up.sql", "CREATE INDEX CONCURRENTLY i ON a (b);");
        _workspace.Write("2023-10-15-093045_index/metadata.toml", "run_in_transaction = false\n");
        _workspace.Write("2023-10-15-093045_index/down.sql", "DROP INDEX i;");

        var run = await _workspace.RunAsync();

        Assert.Equal(
            ["00000000000000_diesel_initial_setup", "20231015093045_index"], run.Applied.Select(migration => migration.ToString()));
    }

    // Read as Diesel's, 7777777 came behind all times.
    [PostgresFact]
    public async Task Hasura_folders_run_in_the_order_of_their_numbers_and_are_undone()
    {
        _workspace.Write("7777777_init/up.sql", "CREATE TABLE a (b int);");
        _workspace.Write("1600000000000_b/up.sql", "ALTER TABLE a ADD c int;");
        _workspace.Write("1600000000000_b/down.sql", "ALTER TABLE a DROP c;");
        _workspace.Write("1500000000000_metadata/up.yaml", "- type: track_table\n");

        var run = await _workspace.RunAsync();

        Assert.Equal(["7777777_init", "1600000000000_b"], run.Applied.Select(migration => migration.ToString()));
        Assert.Equal(2L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 'a'"));
    }

    // To say that nothing is pending was wrong.
    [PostgresTheory]
    [InlineData("default/1600000000000_a/up.sql", "default", "below it is a folder of them: default.")]
    [InlineData(
        "hasura/migrations/default/1600000000000_a/up.sql", "hasura/migrations/default",
        "below it is a folder of them: hasura/migrations/default.")]
    [InlineData(
        "prisma/migrations/20240101000000_a/migration.sql", "prisma/migrations", "below it is a folder of them: prisma/migrations.")]
    [InlineData("sql/001_a.sql", "sql", "below it is a folder of them: sql.")]
    [InlineData("one/001_a.sql,two/V1__a.sql", "one", "below it are folders of them: one, two.")]
    public async Task A_folder_above_those_that_hold_migrations_is_not_called_empty(string files, string first, string named)
    {
        foreach (var file in files.Split(','))
        {
            _workspace.Write(file, "SELECT 1;");
        }

        var error = await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid);

        Assert.Contains(named, error.Problem, StringComparison.Ordinal);
        Assert.EndsWith($"as in -Path '{Path.Combine(_workspace.Folder, first)}'.", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("-- migrate:up\nSELECT 1;\nSELECT wrong;\n-- migrate:down\nSELECT 1;\n")]
    [InlineData("-- +goose Up\n-- +goose StatementBegin\nSELECT wrong;\n-- +goose StatementEnd\n")]
    public async Task An_error_in_a_section_names_the_line_of_the_file(string text)
    {
        _workspace.Write("1_a.sql", text);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal((3, 8), (error.Statement!.Line, error.Statement.Column));
        Assert.Contains("  3 | SELECT wrong;", error.Problem, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("DROP TABLE x;\n-- migrate:up\nSELECT 1;\n", "belongs to no section")]
    [InlineData("-- migrate:down\nSELECT 1;\n-- migrate:up\n", "no '-- migrate:up' stands before this")]
    [InlineData("-- migrate:up\nSELECT 1;\n-- migrate:up\n", "a second '-- migrate:up'")]
    [InlineData("-- migrate:up transaction:no\nSELECT 1;\n", "'transaction:no' is not an option")]
    [InlineData("-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", "no StatementEnd")]
    [InlineData("-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\n", "no StatementEnd")]
    [InlineData("-- +goose Down\nSELECT 1;\n", "does not belong here")]
    [InlineData("-- +goose Up\n-- +goose ENVSUB\nSELECT 1;\n", "does not belong here")]
    public async Task A_section_that_cannot_be_is_refused_before_anything_runs(string text, string problem)
    {
        _workspace.Write("1_a.sql", text);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
        Assert.Contains("to do: ", error.Problem, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("1_a.sql", "SELECT 1;", "2_b.sql", "-- migrate:up\n")]
    [InlineData("1_a.sql", "-- +goose Up\n", "2_b.sql", "-- migrate:up\n")]
    [InlineData("1_a.sql", "-- +goose Up\n", "2_b.up.sql", "SELECT 1;")]
    [InlineData("1_a.sql", "SELECT 1;", "2_b.sql", "-- +migrate Up\n")]
    [InlineData("V1__a.sql", "SELECT 1;", "2_b.sql", "SELECT 1;")]
    [InlineData("1_a/up.sql", "SELECT 1;", "2_b/migration.sql", "SELECT 1;")]
    [InlineData("R__a.sql", "SELECT 1;", "2_b.sql", "SELECT 1;")]
    public async Task A_mixture_of_shapes_names_one_of_each(string one, string text, string other, string otherText)
    {
        _workspace.Write(one, text);
        _workspace.Write(other, otherText);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid);

        Assert.Contains("mixes two shapes", error.Problem, StringComparison.Ordinal);
        Assert.Contains(one.Split('/')[0], error.Problem, StringComparison.Ordinal);
        Assert.Contains(other.Split('/')[0], error.Problem, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("V1__a.sql", "U2__b.sql", "no V2__")]
    [InlineData("V1__a.sql", "beforeMigrate.sql", "does not begin with a version")]
    [InlineData("V1__a.sql", "V1.0__b.sql", "two migrations of version 1")]
    [InlineData("1_a.sql", "2_b.down.sql", "no 2_b.sql or .up.sql")]
    [InlineData("1_a/up.sql", "2_b/down.sql", "no up.sql")]
    [InlineData("seeds/users.sql", "users.seed.sql", "another file is the seed users")]
    public async Task A_stray_is_named(string name, string stray, string problem)
    {
        _workspace.Write(name, "-- +goose Up\n");
        _workspace.Write(stray, "SELECT 1;");

        Assert.Contains(problem, (await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid)).Problem, StringComparison.Ordinal);
    }
}
