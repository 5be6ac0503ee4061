using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>What stands between PgOps and its history on a server with rules of its own: triggers, policies, grants.</summary>
[Collection(MigrationTests.Name)]
public sealed class HistoryGuardTests : IAsyncLifetime, IDisposable
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public HistoryGuardTests(SandboxServer server)
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

    [PostgresTheory]
    [InlineData("", "INSERT")]
    [InlineData("-- pgops: no-transaction\n", "UPDATE")]
    public async Task A_trigger_that_swallows_the_historys_row_rolls_the_migration_back_and_is_named(string head, string change)
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync($"""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE {change} ON pgops.migration_history FOR EACH ROW EXECUTE FUNCTION swallow();
            """);
        _workspace.Write("5_e.sql", $"{head}CREATE TABLE e (f int);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("5_e.sql", error.Problem, Ordinal);
        Assert.Contains("a trigger or a rule on \"pgops\".\"migration_history\" swallowed the row", error.Problem, Ordinal);
        Assert.Contains("rolled back", error.State, Ordinal);
        Assert.Contains("ALTER TABLE \"pgops\".\"migration_history\" DISABLE TRIGGER USER", error.NextStep, Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('e')::text"));

        await _workspace.ExecuteAsync("ALTER TABLE pgops.migration_history DISABLE TRIGGER USER");
        Assert.Equal(["5_e"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
    }

    [PostgresFact]
    public async Task A_statement_that_is_committed_before_its_row_is_swallowed_is_said_to_be()
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN IF NEW.statement_running IS NULL THEN RETURN NULL; END IF; RETURN NEW; END';
            CREATE TRIGGER swallow BEFORE UPDATE ON pgops.migration_history FOR EACH ROW EXECUTE FUNCTION swallow();
            """);
        _workspace.Write("5_e.sql", "CREATE INDEX CONCURRENTLY a_b ON a (b);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("swallowed the row", error.Problem, Ordinal);
        Assert.Contains("Statement 1 is committed", error.State, Ordinal);
        await _workspace.ExecuteAsync("ALTER TABLE pgops.migration_history DISABLE TRIGGER USER");
        Assert.Equal(["5_e"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
    }

    [PostgresFact]
    public async Task The_first_row_of_a_file_that_runs_by_statements_is_swallowed_with_the_file_named_and_nothing_run()
    {
        await _workspace.RunAsync();
        await _workspace.ExecuteAsync("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT ON pgops.migration_history FOR EACH ROW EXECUTE FUNCTION swallow();
            """);
        _workspace.Write("5_e.sql", "CREATE INDEX CONCURRENTLY a_b ON a (b);");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("5_e.sql", error.Problem, Ordinal);
        Assert.Contains("swallowed the row", error.Problem, Ordinal);
        Assert.Contains("Nothing of 5_e was run", error.State, Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a_b')::text"));
    }

    [PostgresFact]
    public async Task A_word_and_a_baseline_that_a_trigger_swallows_are_not_said_to_be_recorded()
    {
        await _workspace.RunAsync(request => request with { ToVersion = "2" });
        await _workspace.ExecuteAsync("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT ON pgops.migration_history FOR EACH ROW EXECUTE FUNCTION swallow();
            """);

        var word = await Assert.ThrowsAsync<PgOpsException>(() => _workspace.RepairAsync("4", MigrationRepair.MarkApplied));
        await _workspace.ExecuteAsync("DELETE FROM pgops.migration_history; COMMENT ON TABLE pgops.migration_history IS NULL");
        var baseline = await _workspace.FailAsync(request => request with { Baseline = true, ToVersion = "4" });

        Assert.All([word, baseline], error => Assert.Contains("swallowed the row", error.Problem, Ordinal));
    }

    [PostgresFact]
    public async Task A_history_whose_rows_policies_hide_is_an_error_and_not_an_empty_one()
    {
        await _workspace.RunAsync();
        var member = await MemberAsync("""
            GRANT USAGE ON SCHEMA pgops TO {0}; GRANT SELECT, INSERT, UPDATE ON pgops.migration_history TO {0};
            ALTER TABLE pgops.migration_history ENABLE ROW LEVEL SECURITY
            """);

        var looking = await Assert.ThrowsAsync<PgOpsException>(() => new GetMigrations().RunAsync(
            _workspace.Request with { Target = member }, false, _workspace.Sink, CancellationToken.None));
        var running = await _workspace.FailAsync(PgErrorCode.PermissionDenied, request => request with { Target = member });
        var undoing = await Assert.ThrowsAsync<PgOpsException>(() => new UndoMigrations().RunAsync(
            _workspace.Request with { Target = member }, _workspace.Sink, CancellationToken.None));

        await using var session = await ServerConnection.OpenAsync(member, null, CancellationToken.None);
        var mark = await Assert.ThrowsAsync<PgOpsException>(() => DatabasePosition.ReadAsync(session, null, CancellationToken.None));

        Assert.All([looking, running, undoing, mark], error =>
        {
            Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
            Assert.Contains("Row-level security would hide rows of the history", error.Problem, Ordinal);
            Assert.Contains("DISABLE ROW LEVEL SECURITY", error.NextStep, Ordinal);
        });
        await _workspace.ExecuteAsync("ALTER TABLE pgops.migration_history DISABLE ROW LEVEL SECURITY");
        Assert.Empty((await _workspace.RunAsync(request => request with { Target = member })).Applied);
    }

    [PostgresFact]
    public async Task Another_tools_history_whose_rows_policies_hide_is_not_imported_as_an_empty_one()
    {
        var member = await MemberAsync("""
            CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1'), ('2');
            ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY; GRANT ALL ON schema_migrations TO {0}
            """);
        var request = new ImportRequest
        {
            Migrations = _workspace.Request with { Target = member },
            From = PgMigrationTool.Dbmate,
        };

        var preview = await Assert.ThrowsAsync<PgOpsException>(
            () => new ImportHistory().PreviewAsync(request, _workspace.Sink, CancellationToken.None));
        var import = await Assert.ThrowsAsync<PgOpsException>(
            () => new ImportHistory().RunAsync(request, _workspace.Sink, CancellationToken.None));

        Assert.Equal([PgErrorCode.PermissionDenied, PgErrorCode.PermissionDenied], [preview.Code, import.Code]);
        Assert.All([preview, import], error => Assert.Contains(
            "Row-level security would hide rows of dbmate's table public.schema_migrations from the role", error.Problem, Ordinal));

        // As empty, it would say that both are pending, and a manifest that there is no history.
        var looking = await Assert.ThrowsAsync<PgOpsException>(() => new GetMigrations().RunAsync(
            request.Migrations, false, _workspace.Sink, CancellationToken.None));
        await using var session = await ServerConnection.OpenAsync(member, null, CancellationToken.None);
        var mark = await Assert.ThrowsAsync<PgOpsException>(() => DatabasePosition.ReadAsync(session, null, CancellationToken.None));
        Assert.All([looking, mark], error =>
        {
            Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
            Assert.Contains("would hide rows of dbmate's table", error.Problem, Ordinal);
            Assert.Contains("ALTER TABLE public.schema_migrations DISABLE ROW LEVEL SECURITY", error.NextStep, Ordinal);
        });
    }

    [PostgresFact]
    public async Task A_role_without_a_right_to_the_history_learns_the_grant_that_it_lacks()
    {
        await _workspace.RunAsync();
        var member = await MemberAsync("");

        var error = await _workspace.FailAsync(PgErrorCode.PermissionDenied, request => request with { Target = member });
        Assert.Contains($"GRANT USAGE ON SCHEMA \"pgops\" TO \"{member.Username}\"", error.NextStep, Ordinal);

        var grants = error.NextStep!.IndexOf("GRANT", Ordinal);
        await _workspace.ExecuteAsync(error.NextStep[grants..error.NextStep.IndexOf(" (", Ordinal)]);
        Assert.Empty((await _workspace.RunAsync(request => request with { Target = member })).Applied);
    }

    [PostgresTheory]
    [InlineData("IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'COMMENT') THEN RAISE 'no comment'; END IF;")]
    [InlineData("IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE') THEN "
        + "ALTER TABLE pgops.migration_history OWNER TO postgres; END IF;")]
    public async Task A_history_that_an_event_trigger_refuses_is_not_half_made(string body)
    {
        var member = await MemberAsync("""
            DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {0}', current_database()); END $$;
            GRANT CREATE ON SCHEMA public TO {0}
            """);
        await _workspace.ExecuteAsync($"""
            CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {body} END $$;
            CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse();
            """);

        var error = await _workspace.FailAsync(request => request with { Target = member, AllowNotEmpty = true });

        Assert.Contains("COMMENT ON TABLE \"pgops\".\"migration_history\"", error.Problem, Ordinal);
        Assert.Contains("Nothing of the history was created", error.State, Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regnamespace('pgops')::text"));
        await _workspace.ExecuteAsync("DROP EVENT TRIGGER refuse");
        Assert.Equal(3, (await _workspace.RunAsync(request => request with { Target = member, AllowNotEmpty = true })).Applied.Count);
    }

    [PostgresTheory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_role_that_owns_only_its_schema_migrates(bool baseline, bool tenant)
    {
        var member = await MemberAsync("CREATE SCHEMA mine AUTHORIZATION {0}");
        var request = _workspace.Request with
        {
            Target = member with { Schema = "mine" },
            HistorySchema = "mine",
            Baseline = baseline,
            ToVersion = baseline ? "4" : null,
            AllowNotEmpty = true,
        };

        var run = await _workspace.RunAsync(_ => tenant ? request.ForSchema(request.Target) : request);

        Assert.Equal(3, run.Applied.Count + run.Baselined.Count);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM mine.migration_history"));
    }

    [PostgresFact]
    public async Task A_role_that_may_not_create_the_history_learns_the_statement_and_the_grant()
    {
        var member = await MemberAsync("GRANT CREATE ON SCHEMA public TO {0}");

        var schema = await _workspace.FailAsync(PgErrorCode.PermissionDenied, request => request with { Target = member });
        await _workspace.ExecuteAsync("CREATE SCHEMA pgops");
        var table = await _workspace.FailAsync(PgErrorCode.PermissionDenied, request => request with { Target = member });

        Assert.Contains("CREATE SCHEMA IF NOT EXISTS \"pgops\" failed: 42501", schema.Problem, Ordinal);
        Assert.Contains($"CREATE SCHEMA \"pgops\" AUTHORIZATION \"{member.Username}\"", schema.NextStep, Ordinal);
        Assert.Contains($"GRANT CREATE ON DATABASE \"{member.Database}\"", schema.NextStep, Ordinal);
        Assert.Contains("CREATE TABLE IF NOT EXISTS \"pgops\".\"migration_history\" failed: 42501", table.Problem, Ordinal);
        Assert.Contains(
            $"GRANT USAGE, CREATE ON SCHEMA \"pgops\" TO \"{member.Username}\"", table.NextStep, Ordinal);
        await _workspace.ExecuteAsync($"GRANT USAGE, CREATE ON SCHEMA pgops TO {member.Username}");
        Assert.Equal(3, (await _workspace.RunAsync(request => request with { Target = member })).Applied.Count);
    }

    [PostgresTheory]
    [InlineData("", "SELECT, UPDATE")]
    [InlineData("-- pgops: no-transaction\n", "SELECT, INSERT")]
    public async Task A_failure_that_cannot_be_recorded_is_told_first_and_the_record_after_it(string head, string rights)
    {
        await _workspace.RunAsync();
        var member = await MemberAsync(
            $"GRANT USAGE ON SCHEMA pgops TO {{0}}; GRANT {rights} ON pgops.migration_history TO {{0}}");
        _workspace.Write("5_e.sql", $"{head}SELECT nowhere;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { Target = member });

        Assert.Equal(("42703", "SELECT nowhere"), (error.Statement!.SqlState, error.Statement.Sql));
        Assert.Contains("could not be recorded: 42501 ", error.State, Ordinal);
    }

    [PostgresFact]
    public async Task A_file_whose_comment_the_databases_encoding_lacks_does_not_hide_its_failure()
    {
        const string Name = "latin1 history";
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE DATABASE \"{Name}\" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        using var latin = new MigrationWorkspace(_server.Target.WithDatabase(Name), ownsDatabase: true);
        latin.Write("1_a.sql", "-- a → b\nSELECT nowhere;");

        var failed = await latin.FailAsync(PgErrorCode.MigrationFailed);
        latin.Write("1_a.sql", "-- a → b\nSELECT 1;");
        var unrecorded = await latin.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal("42703", failed.Statement!.SqlState);
        Assert.Contains("could not be recorded: 22P05", failed.State, Ordinal);
        Assert.Contains("when its row was written to the history", unrecorded.Problem, Ordinal);
        Assert.Contains("take the character out of the file", unrecorded.NextStep, Ordinal);

        latin.Delete("1_a.sql");
        var path = latin.Write("1_a→é.sql", "SELECT 1;");
        var named = await latin.FailAsync(PgErrorCode.MigrationSourceInvalid);
        var baseline = await latin.FailAsync(PgErrorCode.MigrationSourceInvalid, request => request with { Baseline = true });
        Assert.All([named, baseline], error =>
        {
            Assert.Contains("the name of '1_a→é.sql', and the database's encoding, LATIN1, lacks a letter", error.Problem, Ordinal);
            Assert.Equal($"Give it another name: Rename-Item -LiteralPath '{path}' '1_a_é.sql'", error.NextStep);
        });
        File.Move(path, Path.Combine(latin.Folder, "1_a_é.sql"));
        Assert.Single((await latin.RunAsync()).Applied);
    }

    /// <summary>A role of its own that may log in; {0} stands for it.</summary>
    private async Task<PgTarget> MemberAsync(string grants)
    {
        var role = $"member_{_workspace.Target.Database}";
        await _workspace.ExecuteAsync(
            $"CREATE ROLE {role} LOGIN PASSWORD 'its own'; {grants.Replace("{0}", role, Ordinal)}");
        return (_workspace.Target with { Username = role }).WithPassword(new PgSecret("its own"));
    }
}
