using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// One state: a file begins in the same session whether the folder is applied in one run or file by file, and what means something only
/// within a transaction is refused where there is none.
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed partial class SessionScopeTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private readonly List<MigrationWorkspace> _workspaces = [];

    public SessionScopeTests(SandboxServer server)
    {
        _server = server;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspaces.ForEach(workspace => workspace.Dispose());

    [PostgresTheory]
    [InlineData("SET LOCAL work_mem = '64MB'", "SET LOCAL has a meaning only within a transaction")]
    [InlineData("SELECT pg_catalog.set_config('role', 'postgres', true)", "set_config(…, true) has a meaning only")]
    [InlineData("LOCK TABLE a", "LOCK TABLE has a meaning only")]
    [InlineData("SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS has a meaning only")]
    [InlineData("SELECT pg_advisory_xact_lock(1)", "pg_advisory_xact_lock has a meaning only")]
    [InlineData("CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1", "ON COMMIT has a meaning only")]
    [InlineData("DECLARE c CURSOR FOR SELECT 1", "a cursor without HOLD has a meaning only")]
    [InlineData("SAVEPOINT s", "SAVEPOINT has a meaning only")]
    [InlineData("SELECT * FROM a WHERE b = 1 FOR UPDATE", "SELECT … FOR UPDATE has a meaning only")]
    [InlineData("SELECT pg_catalog.\"pg_advisory_xact_lock\"(1)", "pg_advisory_xact_lock has a meaning only")]
    [InlineData("SELECT pg_export_snapshot()", "pg_export_snapshot has a meaning only")]
    public async Task What_needs_a_transaction_is_refused_where_there_is_none(string statement, string words)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        workspace.Write("2_b.sql", $"{statement};\nCREATE INDEX CONCURRENTLY a_b ON a (b);");

        var error = await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains(words, error.Problem, StringComparison.Ordinal);
        Assert.Contains("line 2 (CREATE INDEX CONCURRENTLY …) cannot run in a transaction", error.Problem, StringComparison.Ordinal);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));

        // The same in a file of its own is fine, and so is what keeps its meaning.
        workspace.Write("2_b.sql", $"{statement};");
        workspace.Write("3_c.sql", "SET work_mem = '64MB';\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;\nVACUUM a;");
        Assert.Equal(3, (await workspace.RunAsync()).Applied.Count);
    }

    [PostgresTheory]
    [InlineData("", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET client_encoding = ''latin1''; END'; SELECT f();")]
    [InlineData("-- pgops: no-transaction\n", "DO $$ BEGIN EXECUTE 'SET client_' || 'encoding = latin1'; END $$;")]
    [InlineData("", "DO $$ BEGIN EXECUTE 'SET client_' || 'encoding = latin1'; END $$;")]
    [InlineData("", "UPDATE pg_settings SET setting = 'LATIN1' WHERE name = 'client_encoding';")]
    [InlineData("", "SELECT set_config(n, v, false) FROM (VALUES ('client_encoding', 'LATIN1')) x (n, v);")]
    public async Task What_changes_the_encoding_in_a_way_that_no_text_shows_is_rolled_back_with_what_came_after(
        string head, string statement)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", $"{head}{statement}\nCREATE TABLE r AS SELECT 'é'::text AS c;");

        var error = await workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("client_encoding was changed", error.Problem, StringComparison.Ordinal);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('r')::text"));
    }

    [Fact]
    public async Task A_quoted_call_that_sets_the_encoding_is_refused()
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "SELECT pg_catalog.\"set_config\"('Client_Encoding', 'LATIN1', false);");

        Assert.Contains(
            "client_encoding = 'LATIN1'",
            (await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem,
            StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app', current_database()); END $$", "app.t")]
    [InlineData("DO $$ BEGIN EXECUTE format('ALTER /* */ ROLE CURRENT_USER IN DATABASE %I SET search_path = app', "
        + "current_database()); END $$", "app.t")]
    [InlineData("SET my.own = 'x'", "t")]
    [InlineData("SET /* of ours */ \"my\".own = 'x'", "t")]
    [InlineData("LOAD 'plpgsql'", "t")]
    [InlineData("SELECT setseed(0.5)", "t")]
    [InlineData("SET SEED TO 0.5", "t")]
    [InlineData("SELECT earlier()", "t")]
    public async Task What_only_a_new_connection_has_or_is_without_reaches_the_next_file_as_file_by_file(string statement, string table)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_ground.sql", "CREATE SCHEMA app; CREATE FUNCTION earlier() RETURNS int LANGUAGE plpgsql AS "
            + "$$ BEGIN EXECUTE 'PREPARE p AS SELECT 1'; PERFORM set_config('my.own', 'x', false); RETURN 1; END $$;");
        await workspace.RunAsync();
        workspace.Write("2_a.sql", statement + ";");
        workspace.Write("3_b.sql", "CREATE TABLE t AS SELECT current_setting('my.own', true) AS own, "
            + "(SELECT count(*) FROM pg_prepared_statements WHERE name = 'p') AS prepared;");
        workspace.Write("4_c.sql", "CREATE TABLE u (i int);");

        Assert.Equal(3, (await workspace.RunAsync()).Applied.Count);

        Assert.Equal(0L, await workspace.ScalarAsync<long>($"SELECT count(own) + sum(prepared)::bigint FROM "
            + $"{(table == "t" ? "public.t" : table)}"));
    }

    [PostgresFact]
    public async Task A_wrapper_s_isolation_level_is_the_transaction_s()
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "CREATE TABLE l AS SELECT current_setting('transaction_isolation') AS i;");
        workspace.Write("2_b.sql", "BEGIN ISOLATION LEVEL REPEATABLE READ;\n"
            + "INSERT INTO l VALUES (current_setting('transaction_isolation'));\nCOMMIT;");
        workspace.Write("3_c.sql", "SET transaction_isolation = 'serializable';\n"
            + "INSERT INTO l VALUES (current_setting('transaction_isolation'));");
        workspace.Write("4_d.sql", "SET default_transaction_isolation = 'serializable'; SET default_transaction_read_only = on;");
        workspace.Write("5_e.sql", "INSERT INTO l VALUES (current_setting('transaction_isolation'));");

        await workspace.RunAsync();

        Assert.Equal(
            "read committed,repeatable read,serializable,read committed", await workspace.ScalarAsync<string>(
                "SELECT string_agg(i, ',' ORDER BY ctid) FROM l"));
        workspace.Write("6_f.sql", "BEGIN READ ONLY;\nCREATE TABLE x (i int);\nCOMMIT;");
        Assert.Contains("READ ONLY", (await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("ALTER TABLE u ADD c int;\nBEGIN;\nCREATE TYPE r AS ENUM ('a');\nALTER TABLE u ADD d r;\nCOMMIT;")]
    [InlineData("SET client_min_messages = warning;\nBEGIN;\nCREATE TABLE z (i int);\nCOMMIT;")]
    [InlineData("BEGIN;\nCREATE TABLE z (i int);\nCOMMIT;\nBEGIN;\nCREATE TABLE y (i int);\nCOMMIT;")]
    [InlineData("begin transaction isolation level serializable, read write, not deferrable;\ncreate table z (i int);\nend;")]
    public async Task A_file_s_own_transactions_run_in_the_migration_s(string text)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "CREATE TABLE u (i int);");
        workspace.Write("2_b.sql", text);

        Assert.Equal(2, (await workspace.RunAsync()).Applied.Count);
    }

    [PostgresTheory]
    [InlineData("CREATE TABLE z (dir int, -- up\n k int -- down\n); DROP TABLE z;")]
    [InlineData("-- Undo\nCREATE TABLE undo (i int);")]
    [InlineData("-- contact: ops+goose@example.org\nCREATE TABLE z (i int); -- down\nDROP TABLE z;")]
    [InlineData("-- Up Migration\nCREATE TABLE z (i int);")]
    [InlineData("-- up migration of users to v3\nCREATE TABLE z (i int);")]
    public async Task A_comment_that_is_no_section_does_no_harm(string text)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", text);
        workspace.Write("1_a.down.sql", "-- Down Migration\nSELECT 1;");

        Assert.Single((await workspace.RunAsync()).Applied);
        await new UndoMigrations().RunAsync(workspace.Request, workspace.Sink, CancellationToken.None);
    }

    [PostgresTheory]
    [InlineData("SELECT set_config('search_path', 'app', false) AS x;", true)]
    [InlineData("SET search_path = public; DISCARD ALL; SET search_path = app;", true)]
    [InlineData("PREPARE p AS SELECT * FROM gone; DEALLOCATE p; DROP TABLE gone; SET search_path = app;", true)]
    [InlineData("SET default_transaction_read_only = on; SET search_path = app;", true)]
    [InlineData("VALUES (set_config('search_path', 'app', false));", false)]
    [InlineData("SELECT set_config('search_path', 'ap' || 'p', false);", false)]
    [InlineData("DO $$ BEGIN PERFORM set_config('search_path', 'app', false); END $$;", false)]
    [InlineData("DO $$ BEGIN SET search_path = app; END $$;", false)]
    [InlineData("SELECT leave('SET search_path = app');", false)]
    [InlineData("SELECT leave('SET search_path = public'), leave('RESET search_path'); SET search_path = app;", true)]
    [InlineData("SET search_path = app; SELECT public.leave('RESET search_path');", false)]
    [InlineData("PREPARE p AS SELECT set_config('search_path', 'app', false); EXECUTE p;", false)]
    [InlineData("UPDATE pg_settings SET setting = 'app' WHERE name = 'search_path';", false)]
    [InlineData("BEGIN; INSERT INTO watched VALUES (1); COMMIT;", false)]
    [InlineData("SELECT leave('SET ROLE pg_monitor'); RESET ROLE; SET search_path = app;", true)]
    [InlineData("SELECT leave('SET my.own = 1'), leave('SET my.own = default'); SET search_path = app;", true)]
    [InlineData("DO $$ BEGIN PERFORM set_config('search_path', 'app', false); PERFORM set_config('my.own', 'x', false); END $$;", false)]
    [InlineData("SELECT leave_own(); SET search_path = app;", false)]
    [InlineData("SELECT leave('CREATE TEMP TABLE t3 (i int)');", false)]
    [InlineData("SELECT leave('CREATE TEMP TABLE t4 (i int)'); SET search_path = app;", true)]
    public async Task What_a_resumed_run_cannot_have_again_is_refused_and_the_rest_is_there(string state, bool again)
    {
        var workspace = await WorkspaceAsync();
        await workspace.ExecuteAsync("""
            CREATE SCHEMA app; CREATE TABLE gone (i int); CREATE TABLE app.t3 (i int); CREATE TABLE watched (i int);
            CREATE FUNCTION leave(command text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE command; END';
            CREATE FUNCTION leave_path() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN PERFORM set_config('search_path', 'app', false); RETURN NEW; END$$;
            CREATE FUNCTION leave_own() RETURNS text LANGUAGE sql AS $$SELECT set_config('My.Own', '7', false)$$;
            CREATE TRIGGER leave BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION leave_path();
            """);
        var text = $"-- pgops: no-transaction\n{state}\nCREATE TABLE t1 (i int);\nSELECT 1/0;\nCREATE TABLE t2 (i int);"
            + (state.Contains("t3", StringComparison.Ordinal) ? "\nSELECT * FROM t3;" : "");
        workspace.Write("1_a.sql", text);
        await workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { AllowNotEmpty = true });
        workspace.Write("1_a.sql", text.Replace("1/0", "1", StringComparison.Ordinal));

        if (again)
        {
            await workspace.RunAsync(request => request with { AllowNotEmpty = true });
            Assert.Equal("app.t1,app.t2", await workspace.ScalarAsync<string>(
                "SELECT string_agg(oid::regclass::text, ',' ORDER BY relname) FROM pg_class WHERE relname IN ('t1', 't2')"));
        }
        else
        {
            var error = await workspace.FailAsync(PgErrorCode.MigrationInterrupted);
            Assert.Contains(
                state.Contains("t3", StringComparison.Ordinal) ? "(the temporary relation t3)"
                    : state.Contains("leave_own", StringComparison.Ordinal) ? "(my.own)"
                    : state.Contains("my.own", StringComparison.Ordinal) ? "(my.own, search_path)" : "(search_path)", error.Problem,
                StringComparison.Ordinal);
            Assert.Equal(
                0, await workspace.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname = 't2'"));
        }
    }

    [PostgresTheory]
    [InlineData("DO $$ BEGIN SET client_encoding = 'latin1'; END $$")]
    [InlineData("DO $$ BEGIN PERFORM set_config('client_encoding', 'latin1', false); END $$")]
    [InlineData("INSERT INTO t SELECT set_config('client_encoding', 'lat' || 'in1', false)")]
    [InlineData("SET client_encoding = 'LATIN1'")]
    [InlineData("SET NAMES 'latin1'")]
    [InlineData("SELECT pg_catalog.set_config('client_encoding', 'LATIN1', false)")]
    public async Task Another_client_encoding_is_refused_and_UTF_8_is_taken(string statement)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", $"{statement};\nCREATE TABLE a AS SELECT 'ä' AS t;");

        var error = await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains("would store other letters", error.Problem, StringComparison.Ordinal);
        workspace.Write("1_a.sql", "SET client_encoding = 'UTF8';\nSET NAMES 'UTF-8';\nCREATE TABLE a AS SELECT 'ä' AS t;");
        await workspace.RunAsync();
        Assert.Equal("ä", await workspace.ScalarAsync<string>("SELECT t FROM a"));
    }

    [PostgresFact]
    public async Task A_file_is_read_with_the_strings_that_the_database_has()
    {
        var workspace = await WorkspaceAsync();
        await workspace.ExecuteAsync($"ALTER DATABASE \"{workspace.Target.Database}\" SET standard_conforming_strings = off");
        workspace.Write("1_a.sql", "CREATE TABLE a AS SELECT 'it\\'s; one'::text AS t;\nINSERT INTO a VALUES ('two');");
        workspace.Write("1_a.down.sql", "SELECT 'it\\'s; gone';\nDROP TABLE a;");

        await workspace.RunAsync();

        Assert.Equal("it's; one,two", await workspace.ScalarAsync<string>("SELECT string_agg(t, ',' ORDER BY ctid) FROM a"));
        await new UndoMigrations().RunAsync(workspace.Request, workspace.Sink, CancellationToken.None);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }

    [PostgresFact]
    public async Task A_resumed_run_has_the_role_and_the_path_that_set_config_gave()
    {
        var workspace = await WorkspaceAsync();
        await workspace.ExecuteAsync("CREATE SCHEMA app");
        workspace.Write("1_a.sql", "-- pgops: no-transaction\nSELECT set_config('search_path', 'app', false);\nPREPARE p AS SELECT 2;\n"
            + "CREATE TABLE t1 (i int);\nSELECT 1/0;\nCREATE TABLE t2 AS EXECUTE p;");
        await workspace.FailAsync(PgErrorCode.MigrationFailed);
        workspace.Write("1_a.sql", "-- pgops: no-transaction\nSELECT set_config('search_path', 'app', false);\nPREPARE p AS SELECT 2;\n"
            + "CREATE TABLE t1 (i int);\nSELECT 1/1;\nCREATE TABLE t2 AS EXECUTE p;");

        await workspace.RunAsync();

        Assert.Equal("app.t1,app.t2", await workspace.ScalarAsync<string>(
            "SELECT string_agg(oid::regclass::text, ',' ORDER BY relname) FROM pg_class WHERE relname IN ('t1', 't2')"));
    }

    [PostgresFact]
    public async Task A_resumed_run_that_needs_a_temporary_table_is_refused_by_its_name()
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", "-- pgops: no-transaction\nCREATE TEMP TABLE draft (i int);\nSELECT 1/0;\n"
            + "CREATE TABLE t2 AS SELECT * FROM draft;");
        await workspace.FailAsync(PgErrorCode.MigrationFailed);

        var error = await workspace.FailAsync(PgErrorCode.MigrationInterrupted);

        Assert.Contains("made the temporary table draft, which ended with its session", error.Problem, StringComparison.Ordinal);
        Assert.Contains("Repair-PgMigration -Version 1 -MarkApplied", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("-- +migrate Up\nCREATE TABLE a (i int);\n --+migrate Down\nDROP TABLE a;", "sql-migrate")]
    [InlineData("CREATE TABLE a (i int);\n\n---- create above / drop below ----\n\nDROP TABLE a;", "tern")]
    [InlineData("-- // a comment\nCREATE TABLE a (i int);\n-- //@UNDO\nDROP TABLE a;", "MyBatis")]
    [InlineData("-- rambler up\nCREATE TABLE a (i int);\n-- rambler down\nDROP TABLE a;", "rambler")]
    [InlineData("-- +micrate Up\nCREATE TABLE a (i int);\n-- +micrate Down\nDROP TABLE a;", "micrate")]
    [InlineData("-- ==== UP ====\nCREATE TABLE a (i int);\n-- ==== DOWN ====\nDROP TABLE a;", "shmig")]
    [InlineData("-- Up\nCREATE TABLE a (i int);\n-- Down\nDROP TABLE a;", "'Down'")]
    [InlineData("CREATE TABLE a (i int);\n-- ROLLBACK:\nDROP TABLE a;", "'ROLLBACK'")]
    [InlineData("/* Up */\nCREATE TABLE a (i int);\n/* Down */\nDROP TABLE a;", "'Down'")]
    [InlineData("-- UP SCRIPT\nCREATE TABLE a (i int);\n-- DOWN SCRIPT\nDROP TABLE a;", "'DOWN'")]
    [InlineData("CREATE TABLE a (i int);\n-- Down Migration\nDROP TABLE a;", "node-pg-migrate")]
    [InlineData("-- +goose Up\nCREATE TABLE a (i int);\n  -- +goose Down\nDROP TABLE a;", "goose")]
    [InlineData("-- +goose Up\nCREATE TABLE a (i int);\n-- here +goose Down\nDROP TABLE a;", "goose")]
    [InlineData("-- migrate:up\nCREATE TABLE a (i int);\n  -- migrate:down\nDROP TABLE a;", "dbmate")]
    [InlineData("-- migrate:up\nCREATE TABLE a (i int);\n-- migrate: down\nDROP TABLE a;", "dbmate")]
    [InlineData("-- migrate:up\nCREATE TABLE a (i int);\n-- Migrate:Down\nDROP TABLE a;", "dbmate")]
    [InlineData("-- atlas:txtar\nCREATE TABLE a (i int);", "Atlas")]
    public async Task A_file_with_another_tool_s_sections_is_refused_before_anything_runs(string text, string tool)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", text);

        var error = await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains(tool, error.Problem, StringComparison.Ordinal);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('pgops.migration_history')::text"));

        // In a string, a body or data it is no mark.
        workspace.Write("1_a.sql", "CREATE TABLE a AS SELECT $$\n-- +migrate Down\n-- Down\n$$ AS t;");
        Assert.Single((await workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_down_script_is_known_by_its_suffix_in_any_case_and_half_a_version_is_none()
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("001_a.sql", "CREATE TABLE a (i int);");
        workspace.Write("001_a.Down.sql", "-- Down\nDROP TABLE a;");
        workspace.Write("2_b.up.SQL", "CREATE TABLE b (i int);");
        workspace.Delete("2_b.up.SQL");

        Assert.Equal(["001_a"], (await workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
        Assert.Equal("a", await workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));

        workspace.Write("2024-01-02-030405_x.sql", "CREATE TABLE x (i int);");
        Assert.Contains(
            "where its version ends is not clear", (await workspace.FailAsync(PgErrorCode.MigrationSourceInvalid)).Problem,
            StringComparison.Ordinal);
        workspace.Delete("2024-01-02-030405_x.sql");
        workspace.Write("3_l.sql", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        Assert.Contains("Git LFS", (await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("-- pgops: ignore some-rule\nSELECT 1;", "'-- pgops: ignore' is not a directive")]
    [InlineData("--no-transaction\nSELECT 1;", "in words that neither sqlx nor PgOps knows")]
    [InlineData("-- No-Transaction\nSELECT 1;", "in words that neither sqlx nor PgOps knows")]
    [InlineData("SELECT 1;\n-- pgops: no-transaction\nVACUUM;", "does nothing below the first statement")]
    public async Task A_directive_that_does_nothing_is_refused(string text, string words)
    {
        var workspace = await WorkspaceAsync();
        workspace.Write("1_a.sql", text);

        Assert.Contains(words, (await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid)).Problem, StringComparison.Ordinal);
    }

    private async Task<MigrationWorkspace> WorkspaceAsync(bool ground = false)
    {
        var workspace = await MigrationWorkspace.CreateAsync(_server);
        _workspaces.Add(workspace);
        if (ground)
        {
            workspace.Write("1_ground.sql", "CREATE SCHEMA app; CREATE SEQUENCE counter; GRANT ALL ON SCHEMA public, app TO other;\n"
                + "CREATE TABLE told (id int GENERATED ALWAYS AS IDENTITY, k text, v text); GRANT ALL ON told TO other;");
        }

        return workspace;
    }
}
