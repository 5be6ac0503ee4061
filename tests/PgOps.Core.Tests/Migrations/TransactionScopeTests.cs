using PgOps.Core.Migrations;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// What ends with a transaction, in a file that runs statement by statement: code gives its transaction what no text shows, and the
/// file's own transactions end before it does.
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class TransactionScopeTests : IDisposable
{
    private const string Concurrently = "CREATE INDEX CONCURRENTLY w ON watched (i);";

    private readonly SandboxServer _server;
    private readonly List<MigrationWorkspace> _workspaces = [];

    public TransactionScopeTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _workspaces.ForEach(workspace => workspace.Dispose());

    [PostgresTheory]
    [InlineData("DO $$ BEGIN PERFORM set_config('search_path', 'app', true); END $$;", "search_path")]
    [InlineData("DO $$ BEGIN SET LOCAL search_path = app; END $$;", "search_path")]
    [InlineData("DO $$ BEGIN EXECUTE 'SET LOCAL ' || 'search_path = app'; END $$;", "search_path")]
    [InlineData("SELECT local_path();", "search_path")]
    [InlineData("INSERT INTO watched VALUES (1);", "search_path")]
    [InlineData("SELECT set_config('search_path', 'app', not false);", "search_path")]
    [InlineData("SELECT set_config(n, v, l) FROM (VALUES ('search_path', 'app', true)) x (n, v, l);", "search_path")]
    [InlineData("DO $$ BEGIN CREATE TEMP TABLE t3 (i int) ON COMMIT DROP; END $$;", "the temporary relation t3")]
    public async Task What_code_gave_its_statement_s_transaction_stops_the_file_behind_it(string statement, string what)
    {
        var workspace = await WorkspaceAsync();
        var left = $"{Concurrently}\nCREATE TABLE t2 (i int);"
            + (what.Contains("t3", StringComparison.Ordinal) ? "\nSELECT * FROM t3;" : "");
        workspace.Write("1_a.sql", $"{statement}\n{left}");

        var error = await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);

        Assert.True(error.Problem.Contains($"({what}) ended with the statement", StringComparison.Ordinal), error.Problem);
        Assert.Contains("behind the statement in line 1", error.Problem, StringComparison.Ordinal);
        Assert.Contains("statements is done and stays done, this one too", error.State, StringComparison.Ordinal);
        Assert.Equal("Failed 1", await workspace.ScalarAsync<string>(
            "SELECT initcap(state) || ' ' || statements_done FROM pgops.migration_history ORDER BY id DESC LIMIT 1"));
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('public.t2')::text"));

        // Run again as it is, it is refused again; corrected, it goes on, and is what the corrected file gives a new database.
        await workspace.FailAsync(PgErrorCode.MigrationInterrupted, Filled);
        if (what == "search_path")
        {
            foreach (var (path, table) in new[] { ("SET search_path = app, public;", "app.t2"), ("RESET search_path;", "t2") })
            {
                var corrected = await WorkspaceAsync();
                corrected.Write("1_a.sql", $"{statement}\n{path}\n{left}");
                await corrected.RunAsync(Filled);
                Assert.Equal(table, await TableAsync(corrected));
            }

            workspace.Write("1_a.sql", $"{statement}\nSET search_path = app, public;\n{left}");
            await workspace.RunAsync(Filled);
            Assert.Equal("app.t2", await TableAsync(workspace));
        }
    }

    [PostgresFact]
    public async Task What_is_left_in_the_same_line_runs_as_the_advice_says()
    {
        var workspace = await WorkspaceAsync();
        const string Code =
            "DO $$ BEGIN PERFORM set_config('search_path', 'app', true), set_config('work_mem', '7MB', true); END $$;";
        workspace.Write("1_a.sql", $"SELECT 1; {Code} CREATE TABLE t2 (i int);\n{Concurrently}");

        var error = await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);

        Assert.StartsWith(
            "Write SET search_path = …; SET work_mem = …; (or RESET search_path; RESET work_mem;) right behind that statement (it ends in "
                + "line 1)", error.NextStep, StringComparison.Ordinal);
        workspace.Write(
            "1_a.sql", $"SELECT 1; {Code} SET search_path = app, public; RESET work_mem; CREATE TABLE t2 (i int);\n{Concurrently}");
        await workspace.RunAsync(Filled);
        Assert.Equal("app.t2", await TableAsync(workspace));
    }

    [PostgresTheory]
    [InlineData("DO $$ BEGIN PERFORM set_config('search_path', 'app', false); END $$;", "app.t2")]
    [InlineData("DO $$ DECLARE p text := current_setting('search_path'); BEGIN PERFORM set_config('search_path', 'app', true); "
        + "PERFORM set_config('search_path', p, true); END $$;", "t2")]
    [InlineData("DO $$ BEGIN CREATE TEMP TABLE t3 (i int) ON COMMIT DROP; END $$;", "t2")]
    public async Task What_lasts_or_is_not_missed_stops_nothing(string statement, string table)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", $"{statement}\nCREATE INDEX CONCURRENTLY w ON public.watched (i);\nCREATE TABLE t2 (i int);\n"
            + "DO $$ BEGIN PERFORM set_config('search_path', 'app', true); END $$;");

        await workspace.RunAsync(Filled);

        Assert.Equal(table, await TableAsync(workspace));
    }

    [PostgresTheory]
    [InlineData("SET LOCAL search_path = app;", "t2")]
    [InlineData("DO $$ BEGIN PERFORM set_config('search_path', 'app', true); END $$;", "t2")]
    [InlineData("SET search_path = app; SET LOCAL search_path = app, public;", "app.t2")]
    public async Task A_transaction_of_the_file_s_own_ends_with_what_it_set_for_itself(string statement, string table)
    {
        var workspace = await WorkspaceAsync();
        var text = $"BEGIN;\n{statement}\nCREATE TABLE t1 (i int);\nCOMMIT;\nVACUUM public.watched;\nSELECT 1/0;\nCREATE TABLE t2 (i int);";
        workspace.Write("1_a.sql", text);
        await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);

        workspace.Write("1_a.sql", text.Replace("1/0", "1", StringComparison.Ordinal));
        await workspace.RunAsync(Filled);

        Assert.Equal("app.t1", await workspace.ScalarAsync<string>("SELECT to_regclass('app.t1')::text"));
        Assert.Equal(table, await TableAsync(workspace));
    }

    [PostgresTheory]
    [InlineData("SELECT setseed(0.5);")]
    [InlineData("DO $$ BEGIN PERFORM setseed(0.5); END $$;")]
    public async Task The_seed_of_random_does_not_come_back(string statement)
    {
        var workspace = await WorkspaceAsync();
        var text = $"-- pgops: no-transaction\n{statement}\nSELECT 1/0;\nCREATE TABLE t2 AS SELECT random() AS r;";
        workspace.Write("1_a.sql", text);
        await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);
        workspace.Write("1_a.sql", text.Replace("1/0", "1", StringComparison.Ordinal));

        var error = await workspace.FailAsync(PgErrorCode.MigrationInterrupted, Filled);

        Assert.Contains("made the seed of random, which ended with its session", error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task The_seed_of_random_does_not_reach_the_next_file()
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "SELECT setseed(0.5);");
        workspace.Write("2_b.sql", "CREATE TABLE a AS SELECT random() AS r;");
        workspace.Write("3_c.sql", "SELECT setseed(0.5); CREATE TABLE b AS SELECT random() AS r;");
        await workspace.RunAsync(Filled);

        Assert.Equal(0, await workspace.ScalarAsync<long>("SELECT count(*) FROM a JOIN b USING (r)"));
    }

    [PostgresFact]
    public async Task Currval_in_a_run_that_goes_on_has_a_way_out()
    {
        var workspace = await WorkspaceAsync();
        var text = "-- pgops: no-transaction\nCREATE SEQUENCE s;\nSELECT nextval('s');\nSELECT 1/0;\n"
            + "CREATE TABLE t2 AS SELECT currval('s');";
        workspace.Write("1_a.sql", text);
        await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);
        workspace.Write("1_a.sql", text.Replace("1/0", "1", StringComparison.Ordinal));

        var error = await workspace.FailAsync(PgErrorCode.MigrationFailed, Filled);

        Assert.Contains("know only what their own session drew", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("SELECT set_config('standard_conforming_strings', 'off', false);")]
    [InlineData("DO $$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $$;")]
    [InlineData("SET SESSION standard_conforming_strings TO off;")]
    public async Task Strings_are_read_as_the_file_has_set_them(string statement)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", statement + "\nCREATE TABLE t2 AS SELECT 'it\\'s; one'::text AS t;");

        await workspace.RunAsync(Filled);

        Assert.Equal("it's; one", await workspace.ScalarAsync<string>("SELECT t FROM t2"));
    }

    private static MigrationRequest Filled(MigrationRequest request) => request with { AllowNotEmpty = true };

    private static Task<string?> TableAsync(MigrationWorkspace workspace)
        => workspace.ScalarAsync<string>("SELECT string_agg(oid::regclass::text, ',') FROM pg_class WHERE relname = 't2'");

    private async Task<MigrationWorkspace> WorkspaceAsync()
    {
        var workspace = await MigrationWorkspace.CreateAsync(_server);
        _workspaces.Add(workspace);
        await workspace.ExecuteAsync("""
            CREATE SCHEMA app; CREATE TABLE watched (i int);
            CREATE FUNCTION local_path() RETURNS text LANGUAGE sql AS $$SELECT set_config('search_path', 'app', true)$$;
            CREATE FUNCTION local_trigger() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN PERFORM set_config('search_path', 'app', true); RETURN NEW; END$$;
            CREATE TRIGGER local_path BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION local_trigger();
            """);
        return workspace;
    }
}
