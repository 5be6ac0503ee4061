using System.Globalization;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

// Folders of statements that leave something: in one run, file by file, and cut off.
public sealed partial class SessionScopeTests
{
    private const string Picture = """
        SELECT concat(
            (SELECT string_agg(format('%s.%s %s %s', n.nspname, c.relname, c.relkind, c.relowner::regrole),
                E'\n' ORDER BY n.nspname, c.relname)
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgops')),
            (SELECT string_agg(format('%s %s', k, v), E'\n' ORDER BY id) FROM told))
        """;

    /// <summary>What a file may leave behind, and what the next may find of it.</summary>
    private static readonly string[] Snippets =
    [
        "CREATE TEMP TABLE t (i int); INSERT INTO t VALUES (1);",
        "CREATE TABLE IF NOT EXISTS t (i int, j int);",
        "INSERT INTO told (k, v) SELECT 't', coalesce(to_regclass('t')::text, 'none');",
        "SET search_path = app;",
        "SELECT set_config('search_path', 'app, public', false);",
        "INSERT INTO public.told (k, v) VALUES ('path', current_setting('search_path'));",
        "SET default_transaction_isolation = 'serializable';",
        "SET default_transaction_read_only = on;",
        "INSERT INTO public.told (k, v) VALUES ('isolation', current_setting('transaction_isolation'));",
        "PREPARE p AS SELECT 1;",
        "INSERT INTO public.told (k, v) SELECT 'prepared', count(*)::text FROM pg_prepared_statements WHERE name !~ '^pgops';",
        "SELECT pg_advisory_lock(77);",
        "INSERT INTO public.told (k, v) SELECT 'locks', count(*)::text FROM pg_locks"
            + " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 77;",
        "SELECT pg_advisory_unlock_all();",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
        "INSERT INTO public.told (k, v) SELECT 'cursors', count(*)::text FROM pg_cursors WHERE is_holdable;",
        "LISTEN here;",
        "INSERT INTO public.told (k, v) SELECT 'listening', count(*)::text FROM pg_listening_channels();",
        "SELECT nextval('counter');",
        "INSERT INTO public.told (k, v) SELECT 'role', current_user;",
        "SET ROLE other;",
        "SELECT set_config('role', 'other', false);",
        "SET standard_conforming_strings = off;",
        "DEALLOCATE ALL;",
        "BEGIN; SET LOCAL search_path = app; CREATE TABLE IF NOT EXISTS own (i int); COMMIT;\n"
            + "BEGIN; INSERT INTO public.told (k, v) VALUES ('own path', current_setting('search_path')); COMMIT;",
        "SET client_min_messages = error; SET TIME ZONE 'Asia/Tokyo';",
        "INSERT INTO public.told (k, v) VALUES ('zone', current_setting('TimeZone'));",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$;",
        "SET my.own = 'x';",
        "INSERT INTO public.told (k, v) VALUES ('own', coalesce(current_setting('my.own', true), 'unknown'));",
        "CREATE OR REPLACE FUNCTION public.prepares() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN EXECUTE 'PREPARE p AS SELECT 1';"
            + " RETURN 1; END $f$;",
        "DO $$ BEGIN IF to_regproc('public.prepares') IS NOT NULL THEN PERFORM public.prepares(); END IF; END $$;",
    ];

    [PostgresTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_folder_gives_one_database_in_one_run_file_by_file_and_when_cut_off(int seed)
    {
        var random = new Random(seed);
        var folders = int.Parse(Environment.GetEnvironmentVariable("PGOPS_FOLDERS") ?? "8", CultureInfo.InvariantCulture);
        await SandboxServer.ExecuteAsync(
            _server.Target, "DO $$ BEGIN CREATE ROLE other; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        for (var folder = 0; folder < folders; folder++)
        {
            var once = await WorkspaceAsync(ground: true);
            var stepwise = await WorkspaceAsync(ground: true);
            var cut = await WorkspaceAsync(ground: true);
            var files = random.Next(3, 7);
            for (var file = 0; file < files; file++)
            {
                var statements = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Snippets[random.Next(Snippets.Length)]).ToList();
                var text = string.Join('\n', random.Next(4) == 0 ? statements.Prepend("-- pgops: no-transaction") : statements);
                once.Write($"{file + 2}_f.sql", text);
                stepwise.Write($"{file + 2}_f.sql", text);
                cut.Write($"{file + 2}_f.sql", text);
            }

            var (all, one) = (await OutcomeAsync(once, null), "");
            for (var file = 0; file < files && one.Length == 0; file++)
            {
                one = await OutcomeAsync(stepwise, $"{file + 2}");
            }

            Assert.True(all == one, $"seed {seed}, folder {folder}: '{all}' in one run, '{one}' file by file\n{All(once)}");
            Assert.True(
                await once.ScalarAsync<string>(Picture) == await stepwise.ScalarAsync<string>(Picture),
                $"seed {seed}, folder {folder}: {await once.ScalarAsync<string>(Picture)}\nfile by file: "
                    + $"{await stepwise.ScalarAsync<string>(Picture)}\n{All(once)}");
            var again = await CutOffAsync(cut, TimeSpan.FromMilliseconds(random.Next(60)));
            Assert.True(
                again is null || (again == all && await once.ScalarAsync<string>(Picture) == await cut.ScalarAsync<string>(Picture)),
                $"seed {seed}, folder {folder}: '{all}' in one run, '{again}' when cut off\n{await once.ScalarAsync<string>(Picture)}\n"
                    + $"cut off: {await cut.ScalarAsync<string>(Picture)}\n{All(once)}");
        }
    }

    /// <summary>
    /// Ends every session of the database after a while, and runs again. Null where the second run refuses to go on in the middle of a
    /// file whose temporary objects, cursors or settings went with the first one's session: it says so and does nothing.
    /// </summary>
    private static async Task<string?> CutOffAsync(MigrationWorkspace workspace, TimeSpan after)
    {
        var ending = Task.Run(async () =>
        {
            await Task.Delay(after);
            await SandboxServer.ExecuteAsync(
                workspace.Target.WithDatabase("postgres"),
                $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{workspace.Target.Database}'");
        });
        try
        {
            _ = await OutcomeAsync(workspace, null);
        }
        catch (PgOpsException error) when (error.Code is PgErrorCode.ConnectionLost or PgErrorCode.ConnectionFailed)
        {
            // As it was meant.
        }

        await ending;
        try
        {
            return await OutcomeAsync(workspace, null);
        }
        catch (PgOpsException error) when (error.Code is PgErrorCode.MigrationChanged or PgErrorCode.MigrationInterrupted)
        {
            return null;
        }
    }

    private static string All(MigrationWorkspace workspace) => string.Join(
        "\n", Directory.GetFiles(workspace.Folder).Order().Select(file => $"{Path.GetFileName(file)}:\n{File.ReadAllText(file)}"));

    /// <summary>Which file stopped the run; empty when none did.</summary>
    private static async Task<string> OutcomeAsync(MigrationWorkspace workspace, string? version)
    {
        try
        {
            await workspace.RunAsync(request => request with { ToVersion = version });
            return "";
        }
        catch (PgOpsException error) when (error.Statement is not null)
        {
            return $"{Path.GetFileName(error.Statement.File)} {error.Statement.SqlState}";
        }
    }
}
