using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Migrations that fit one transaction, on a real server: what runs, and what a failure says.</summary>
[Collection(MigrationTests.Name)]
public sealed class InvokeMigrationsTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public InvokeMigrationsTests(SandboxServer server)
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
    public async Task Applies_what_is_pending_in_order_and_then_nothing()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        _workspace.Write("2_b.sql", "ALTER TABLE a ADD c int; INSERT INTO a VALUES (1, 2);");

        var run = await _workspace.RunAsync();
        var again = await _workspace.RunAsync();

        Assert.Equal(["1_a", "2_b"], run.Applied.Select(migration => migration.ToString()));
        Assert.Equal((null, "2", 3, 0), (run.FromVersion, run.ToVersion, run.Statements, run.StillPending));
        Assert.Empty(again.Applied);
        Assert.Equal(("2", "2"), (again.FromVersion, again.ToVersion));
        Assert.Equal(1, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
    }

    [PostgresFact]
    public async Task Prisma_folders_run_in_the_schema_of_the_address()
    {
        await _workspace.ExecuteAsync("CREATE SCHEMA app");
        _workspace.Write("20240101000000_init/migration.sql", "-- CreateTable\nCREATE TABLE \"User\" (\"id\" SERIAL PRIMARY KEY);\n");

        await _workspace.RunAsync(request => request with { Target = request.Target with { Schema = "app" } });

        Assert.NotNull(await _workspace.ScalarAsync<string>("SELECT to_regclass('app.\"User\"')::text"));
    }

    [PostgresFact]
    public async Task A_preview_shows_each_statement_and_touches_nothing()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);\nINSERT INTO a\n  VALUES (1);");

        var plan = await new PreviewMigrations().RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);

        Assert.Contains("line    2: INSERT INTO a VALUES (1)", Assert.Single(plan).Description, StringComparison.Ordinal);
        Assert.Null(
            await _workspace.ScalarAsync<string>("SELECT coalesce(to_regclass('a'), to_regnamespace('pgops')::oid::regclass)::text"));
    }

    [PostgresFact]
    public async Task Every_kind_of_quoting_and_inline_data_arrives_as_written()
    {
        _workspace.Write("1_a.sql", """
            CREATE TABLE a (b int, c text);
            CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $body$
            BEGIN
                -- a comment; with a semicolon
                RETURN 'it''s $$ ' || $q$;$q$;
            END $body$;
            CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + 1; SELECT CASE WHEN x > 0 THEN x ELSE 0 END; END;
            CREATE RULE r AS ON DELETE TO a DO ALSO (UPDATE a SET b = 1; UPDATE a SET b = 2);
            COPY a (b, c) FROM stdin;
            1	tab\tand;semicolon
            2	\N
            3	😀 :name $1 @p
            \.
            COPY a FROM stdin WITH (FORMAT csv);
            4,"two
            lines"
            \.
            INSERT INTO a VALUES (5, E'it\'s; '), (6, U&'\0061'), (7, '@x :y $2 ?') /* nested /* ; */ ; */;
            """);

        await _workspace.RunAsync();

        Assert.Equal(
            "1:tab\tand;semicolon|2:-|3:😀 :name $1 @p|4:two\nlines|5:it's; |6:a|7:@x :y $2 ?",
            await _workspace.ScalarAsync<string>("SELECT string_agg(b || ':' || coalesce(c, '-'), '|' ORDER BY b) FROM a"));
        Assert.Equal("it's $$ ;", await _workspace.ScalarAsync<string>("SELECT f()"));
        Assert.Equal(3, await _workspace.ScalarAsync<int>("SELECT g(3)"));
    }

    [PostgresFact]
    public async Task Queries_may_give_rows_of_any_type()
    {
        _workspace.Write("1_a.sql", """
            CREATE TYPE mood AS ENUM ('sad');
            CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS '';
            SELECT nothing(), 'sad'::mood, ROW(1, 'a'), ARRAY['sad']::mood[], 'int'::regtype;
            SELECT 'postgres=r/postgres'::aclitem, relacl FROM pg_class;
            VALUES ('a'), ('b');
            """);

        _workspace.Write("2_b.sql", "-- pgops: no-transaction\nSELECT 'postgres=r/postgres'::aclitem;\nCALL p();");
        await _workspace.ExecuteAsync("CREATE PROCEDURE p(INOUT a aclitem DEFAULT NULL) LANGUAGE sql AS 'SELECT a'");

        Assert.Equal(2, (await _workspace.RunAsync(request => request with { AllowNotEmpty = true })).Applied.Count);
    }

    [PostgresFact]
    public async Task A_file_of_many_statements_with_results_and_notices_is_one_pipeline_that_does_not_jam()
    {
        var lines = Enumerable.Range(1, 10_000).Select(number => $"INSERT INTO a VALUES ({number}, repeat('x', 500)) RETURNING *;");
        _workspace.Write(
            "1_a.sql",
            "CREATE TABLE a (b int, c text);\nDO $$ BEGIN FOR i IN 1..5000 LOOP RAISE NOTICE '%', repeat('n', 200); END LOOP; END $$;\n"
                + string.Join('\n', lines) + "\nSELECT c FROM a;\nSELECT nowhere FROM a;\n");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal((10_004, 8, "42703"), (error.Statement!.Line, error.Statement.Column, error.Statement.SqlState));
    }

    [PostgresFact]
    public async Task Function_bodies_from_a_Windows_file_are_stored_with_plain_line_ends()
    {
        _workspace.Write("1_a.sql", "\uFEFFCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\r\n  SELECT 1\r\n$$;\r\n");

        await _workspace.RunAsync();
        _workspace.Write("1_a.sql", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1\n$$;\n");
        await _workspace.RunAsync();

        Assert.Equal("\n  SELECT 1\n", await _workspace.ScalarAsync<string>("SELECT prosrc FROM pg_proc WHERE proname = 'f'"));
    }

    [PostgresFact]
    public async Task A_file_wrapped_in_BEGIN_and_COMMIT_is_one_transaction_with_its_record()
    {
        _workspace.Write("1_a.sql", "BEGIN;\nCREATE TABLE a (b int);\nINSERT INTO a VALUES (1 / 0);\nCOMMIT;");

        await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }

    [PostgresFact]
    public async Task An_error_says_where_what_state_and_what_next()
    {
        var path = _workspace.Write("1_a.sql", "CREATE TABLE a (b int);\n\nINSERT INTO a (b,\n    ü, cc) VALUES (1, 2);\n");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.StartsWith(
            $"1_a failed at {path}:4:5\n  4 |     ü, cc) VALUES (1, 2);\n    |     ^\nERROR 42703: ",
            error.Problem,
            StringComparison.Ordinal);
        var statement = error.Statement!;
        Assert.Equal((path, 4, 5, "42703"), (statement.File, statement.Line, statement.Column, statement.SqlState));
        Assert.StartsWith("INSERT INTO a", statement.Sql, StringComparison.Ordinal);
        Assert.Contains("rolled back whole", error.State, StringComparison.Ordinal);
        Assert.Contains("run the command again", error.NextStep, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
        var migration = Assert.Single(await _workspace.StatusAsync());
        Assert.Equal(PgMigrationState.Pending, migration.State);
        Assert.Contains("42703", migration.Remark, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Detail_hint_and_context_are_shown()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int PRIMARY KEY);\nINSERT INTO a VALUES (1), (1);");
        Assert.Contains(
            "DETAIL: Key (b)=(1) already exists.",
            (await _workspace.FailAsync(PgErrorCode.MigrationFailed)).Problem,
            StringComparison.Ordinal);

        _workspace.Write("1_a.sql", "SELECT lenght('x');");
        Assert.Contains(
            "HINT: No function matches", (await _workspace.FailAsync(PgErrorCode.MigrationFailed)).Problem, StringComparison.Ordinal);

        _workspace.Write("1_a.sql", "DO $$ BEGIN\nPERFORM 1 / 0; END $$;");
        Assert.Contains("CONTEXT: ", (await _workspace.FailAsync(PgErrorCode.MigrationFailed)).Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_runtime_error_without_a_position_names_its_statements_line()
    {
        _workspace.Write("1_a.sql", "SELECT 1;\n-- a comment\n  SELECT 1 / (b - b)\n  FROM generate_series(1, 2) b;\nSELECT 2;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal((3, 3, "22012"), (error.Statement!.Line, error.Statement.Column, error.Statement.SqlState));
        Assert.Contains("  3 |   SELECT 1 / (b - b)\n    |   ^", error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task An_error_within_inline_data_names_the_COPY_and_its_line()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);\nCOPY a FROM stdin;\n1\nx\n\\.\nCREATE TABLE c (d int);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal((2, "22P02"), (error.Statement!.Line, error.Statement.SqlState));
        Assert.Contains("COPY a, line 2, column b: \"x\"", error.Problem, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);\nCOPY nowhere FROM stdin;\n1\n\\.\n");
        Assert.Equal("42P01", (await _workspace.FailAsync(PgErrorCode.MigrationFailed)).Statement!.SqlState);
    }

    [PostgresFact]
    public async Task A_deferred_constraint_fails_at_the_commit_and_nothing_stays()
    {
        _workspace.Write(
            "1_a.sql",
            "CREATE TABLE a (b int PRIMARY KEY, c int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1, 2);\n");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("when it was committed", error.Problem, StringComparison.Ordinal);
        Assert.Equal("23503", error.Statement!.SqlState);
        Assert.Contains("DETAIL: ", error.Problem, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
        Assert.Equal("failed", await _workspace.ScalarAsync<string>("SELECT string_agg(state, ',') FROM pgops.migration_history"));
    }

    [PostgresFact]
    public async Task A_failure_tells_which_migrations_of_the_run_stay_applied()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        _workspace.Write("2_b.sql", "CREATE TABLE a (b int);");
        _workspace.Write("3_c.sql", "CREATE TABLE c (b int);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("1 migration of this run before it is applied, up to 1_a", error.State, StringComparison.Ordinal);
        Assert.Equal(
            [PgMigrationState.Applied, PgMigrationState.Pending, PgMigrationState.Pending],
            (await _workspace.StatusAsync()).Select(migration => migration.State));
        _workspace.Write("2_b.sql", "CREATE TABLE b (b int);");
        Assert.Equal(["2", "3"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
    }

    [PostgresTheory]
    [InlineData("SET ROLE app")]
    [InlineData("SET SESSION AUTHORIZATION app")]
    [InlineData("SET search_path = ''")]
    [InlineData("SELECT set_config('search_path', '', false)")]
    [InlineData("SET standard_conforming_strings = off")]
    [InlineData("SET lock_timeout = 0")]
    [InlineData("SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; "
        + "SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -15; SET bytea_output = 'escape'")]
    [InlineData(
        "SET client_min_messages = error; SET session_replication_role = replica; SET default_transaction_isolation = 'serializable'")]
    public async Task What_a_migration_sets_neither_breaks_its_record_nor_leaks_into_the_next(string set)
    {
        await _workspace.ExecuteAsync("DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN END $$");
        foreach (var (versions, directive) in new[] { ((1, 2), ""), ((3, 4), "-- pgops: no-transaction\n") })
        {
            _workspace.Write($"{versions.Item1}_set.sql", $"{directive}{set};\nSELECT '1';\n");
            _workspace.Write(
                $"{versions.Item2}_next.sql",
                $"{directive}CREATE TABLE t{versions.Item2} AS SELECT current_user::text AS u, '\\' AS s, current_setting('lock_timeout') "
                    + "AS l, current_setting('TimeZone') AS z;");
        }

        await _workspace.RunAsync(request => request with { LockTimeout = TimeSpan.FromSeconds(7) });

        var zone = await _workspace.ScalarAsync<string>("SHOW TimeZone");
        foreach (var table in new[] { "public.t2", "public.t4" })
        {
            Assert.Equal(
                $"postgres|\\|7s|{zone}",
                await _workspace.ScalarAsync<string>($"SELECT u || '|' || s || '|' || l || '|' || z FROM {table}"));
        }

        Assert.Equal(
            "postgres", await _workspace.ScalarAsync<string>("SELECT string_agg(DISTINCT applied_by, ',') FROM pgops.migration_history"));
        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
    }

    [PostgresFact]
    public async Task A_login_that_works_as_the_owner_by_its_role_setting_does_so_for_schema_and_history()
    {
        await _workspace.ExecuteAsync("CREATE ROLE shop_owner; CREATE ROLE shop_deploy LOGIN PASSWORD 'deploy-secret' IN ROLE shop_owner "
            + "NOINHERIT; ALTER ROLE shop_deploy SET role = 'shop_owner'");
        await _workspace.ExecuteAsync(
            $"ALTER DATABASE {_workspace.Target.Database} OWNER TO shop_owner; ALTER SCHEMA public OWNER TO shop_owner");
        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        _workspace.Write("2_b.sql", "INSERT INTO a VALUES (1);\nCREATE INDEX CONCURRENTLY a_b ON a (b);\nSET ROLE "
            + "pg_database_owner;\nRESET ROLE;\nINSERT INTO a VALUES (2);");
        var target = (_workspace.Target with { Username = "shop_deploy" }).WithPassword(new PgSecret("deploy-secret"));

        await _workspace.RunAsync(request => request with { Target = target });

        Assert.Equal("shop_owner,shop_owner", await _workspace.ScalarAsync<string>(
            "SELECT string_agg(relowner::regrole::text, ',') FROM pg_class WHERE oid IN ('a'::regclass, "
                + "'pgops.migration_history'::regclass)"));
        Assert.Equal("shop_deploy", await _workspace.ScalarAsync<string>("SELECT min(applied_by) FROM pgops.migration_history"));
    }

    [PostgresFact]
    public async Task Stops_at_the_version_asked_for_and_refuses_one_that_is_not_there_or_behind()
    {
        foreach (var version in new[] { "1", "2", "10" })
        {
            _workspace.Write($"{version}_x.sql", $"CREATE TABLE t{version} (a int);");
        }

        var run = await _workspace.RunAsync(request => request with { ToVersion = "002" });

        Assert.Equal((2, 1, "2"), (run.Applied.Count, run.StillPending, run.ToVersion));
        await _workspace.FailAsync(PgErrorCode.VersionNotFound, request => request with { ToVersion = "3" });
        await _workspace.FailAsync(PgErrorCode.VersionNotFound, request => request with { ToVersion = "1" });
        Assert.Empty((await _workspace.RunAsync(request => request with { ToVersion = "2" })).Applied);
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task Statement_timeout_and_missing_privilege_are_told_as_such()
    {
        _workspace.Write("1_a.sql", "SELECT pg_sleep(30);");
        var slow = await _workspace.FailAsync(
            PgErrorCode.MigrationFailed, request => request with { StatementTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.Equal("57014", slow.Statement!.SqlState);

        await _workspace.ExecuteAsync("CREATE ROLE guest LOGIN PASSWORD 'guest-secret'; CREATE TABLE owned (a int)");
        var target = (_workspace.Target with { Username = "guest" }).WithPassword(new PgSecret("guest-secret"));
        var denied = await _workspace.FailAsync(request => request with { Target = target, AllowNotEmpty = true });
        Assert.Equal(PgErrorCode.PermissionDenied, denied.Code);
        Assert.DoesNotContain("guest-secret", denied.ToString(), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Notices_of_a_migration_reach_the_log()
    {
        _workspace.Write("1_a.sql", "DO $$ BEGIN RAISE NOTICE 'so far, so good'; RAISE WARNING 'mind the gap'; END $$;");

        await _workspace.RunAsync();

        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("so far, so good", StringComparison.Ordinal));
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("mind the gap", StringComparison.Ordinal));
    }
}
