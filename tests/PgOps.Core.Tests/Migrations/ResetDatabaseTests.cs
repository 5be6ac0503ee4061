using PgOps.Core.Databases;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class ResetDatabaseTests
{
    private readonly SandboxServer _server;

    public ResetDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task Builds_the_database_anew_and_keeps_what_is_not_its_content()
    {
        using var workspace = await CreateAsync();
        var name = Quote.Identifier(workspace.Target.Database);
        var role = $"owner of {workspace.Target.Database}";
        await workspace.ExecuteAsync($"""
            CREATE ROLE {Quote.Identifier(role)};
            ALTER DATABASE {name} OWNER TO {Quote.Identifier(role)};
            ALTER DATABASE {name} CONNECTION LIMIT 17;
            ALTER DATABASE {name} SET pgops.environment = 'development';
            ALTER DATABASE {name} SET search_path = "$user", public, "odd, one";
            ALTER DATABASE {name} SET synchronous_commit = 'local';
            ALTER ROLE {Quote.Identifier(role)} IN DATABASE {name} SET work_mem = '7MB';
            COMMENT ON DATABASE {name} IS 'of the shop''s developers';
            REVOKE ALL ON DATABASE {name} FROM PUBLIC;
            CREATE TABLE by_hand (x int);
            """);
        var before = await PropertiesAsync(workspace);

        var reset = await ResetAsync(workspace);

        Assert.Equal(["1_t", "2_u"], reset.Applied.Select(migration => migration.ToString()));
        Assert.Equal(["S__some"], reset.Seeded.Select(migration => migration.Version));
        Assert.All(reset.Applied, migration => Assert.Equal(workspace.Target, migration.Target));
        Assert.Equal("2", reset.ToVersion);
        Assert.True(reset.DroppedBytes > 1_000_000);
        Assert.Null(reset.LeftDatabase);
        Assert.Equal(before, await PropertiesAsync(workspace));
        Assert.Equal("t,u", await TablesAsync(workspace));
        Assert.Equal(1L, await workspace.ScalarAsync<long>("SELECT count(*) FROM t"));
        await AssertNoStagingAsync(workspace);
    }

    [PostgresFact]
    public async Task Only_the_servers_own_word_makes_a_database_one_for_development()
    {
        using var workspace = await CreateAsync();
        var name = Quote.Identifier(workspace.Target.Database);
        var role = $"dev_{workspace.Target.Database}";
        await workspace.ExecuteAsync($"CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'for the test'; ALTER DATABASE {name} OWNER TO {role}");
        var developer = (workspace.Target with { Username = role }).WithPassword(new PgSecret("for the test"));
        await AssertRefusedAsync(developer);
        await AssertRefusedAsync(developer with { Options = "-c pgops.environment=development -c pgops.sandbox_id=mine" });
        await workspace.ExecuteAsync($"""
            ALTER ROLE {role} SET pgops.environment = 'development'; ALTER ROLE {role} SET pgops.sandbox_id = 'mine';
            ALTER ROLE {role} IN DATABASE {name} SET pgops.environment = 'development';
            ALTER DATABASE {name} SET pgops.environment = 'production';
            """);
        await AssertRefusedAsync(developer);

        await workspace.ExecuteAsync(
            $"ALTER ROLE {role} IN DATABASE {name} RESET ALL; ALTER DATABASE {name} SET pgops.environment = 'development'");
        if (await workspace.ScalarAsync<int>("SELECT current_setting('server_version_num')::int") < 150000)
        {
            var error = await FailAsync(workspace, PgErrorCode.PermissionDenied, request => request with { Target = developer });
            Assert.Contains("pgops.environment", error.Message, StringComparison.Ordinal);
        }
        else
        {
            await workspace.ExecuteAsync($"GRANT SET ON PARAMETER pgops.environment TO {role}");
            Assert.Equal(2, (await ResetAsync(workspace, request => request with { Target = developer })).Applied.Count);
            await workspace.ExecuteAsync($"REVOKE SET ON PARAMETER pgops.environment FROM {role}");
        }

        async Task AssertRefusedAsync(PgTarget target)
        {
            var error = await FailAsync(workspace, PgErrorCode.NotForDevelopment, request => request with { Target = target });
            Assert.Contains($"ALTER DATABASE {name} SET pgops.environment = 'development'", error.NextStep, StringComparison.Ordinal);
        }
    }

    [PostgresFact]
    public async Task What_is_to_be_mended_is_the_database_and_not_what_was_built_beside_it()
    {
        using var workspace = await CreateAsync();
        await workspace.ExecuteAsync($"ALTER DATABASE \"{workspace.Target.Database}\" SET default_transaction_read_only = on");

        var error = await FailAsync(workspace, PgErrorCode.PermissionDenied);

        Assert.Contains(
            $"ALTER DATABASE \"{workspace.Target.Database}\" RESET default_transaction_read_only", error.NextStep,
            StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("3_broken.sql", "CREATE TABLE late (id int); INSERT INTO t VALUES ('no number');", PgErrorCode.MigrationFailed)]
    [InlineData("3_broken.sql", "SELECT 'never closed", PgErrorCode.MigrationScriptInvalid)]
    [InlineData("seeds/zz.sql", "INSERT INTO nowhere VALUES (1);", PgErrorCode.MigrationFailed)]
    [InlineData("stray.sql", "SELECT 1;", PgErrorCode.MigrationSourceInvalid)]
    public async Task A_failure_leaves_the_old_database_as_it_was(string file, string text, PgErrorCode code)
    {
        using var workspace = await CreateAsync();
        await workspace.ExecuteAsync("CREATE TABLE precious (x int)");
        workspace.Write(file, text);

        await FailAsync(workspace, code);

        Assert.Equal("precious", await TablesAsync(workspace));
        await AssertNoStagingAsync(workspace);
    }

    [PostgresFact]
    public async Task Sessions_of_others_are_named_and_end_only_with_force()
    {
        using var workspace = await CreateAsync();
        await using var session = await ServerConnection.OpenAsync(
            workspace.Target with { ApplicationName = "the till" }, null, CancellationToken.None);
        await using var elsewhere = await ServerConnection.OpenAsync(_server.Target, null, CancellationToken.None);

        var error = await FailAsync(workspace, PgErrorCode.DatabaseInUse);
        Assert.Contains($"pid {session.ProcessID}", error.Message, StringComparison.Ordinal);
        Assert.Contains("the till", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, await session.ScalarAsync<int>("SELECT 1", CancellationToken.None));

        var plan = await new ResetDatabase().PreviewAsync(
            new() { Migrations = workspace.Request, EndSessions = true }, workspace.Sink, CancellationToken.None);
        Assert.Contains("2 migrations (1_t to 2_u), 1 seed", plan, StringComparison.Ordinal);
        Assert.Contains("the till", plan, StringComparison.Ordinal);
        Assert.Equal(1, await session.ScalarAsync<int>("SELECT 1", CancellationToken.None));

        var reset = await new ResetDatabase().RunAsync(
            new() { Migrations = workspace.Request, EndSessions = true, NoSeed = true }, workspace.Sink, CancellationToken.None);
        Assert.Contains("the till", Assert.Single(reset.EndedSessions), StringComparison.Ordinal);
        Assert.Empty(reset.Seeded);
        Assert.Equal(1, await elsewhere.ScalarAsync<int>("SELECT 1", CancellationToken.None));
        await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => session.ScalarAsync<int>("SELECT 1", CancellationToken.None));
    }

    [PostgresFact]
    public async Task The_servers_own_databases_templates_and_schemas_are_refused()
    {
        using var workspace = await CreateAsync();
        await FailAsync(workspace, PgErrorCode.InvalidArgument, request => request with { Target = _server.Target });
        await FailAsync(
            workspace, PgErrorCode.InvalidArgument, request => request with { Target = request.Target.WithDatabase("template1") });
        await FailAsync(
            workspace, PgErrorCode.InvalidArgument, request => request with { Target = request.Target with { Schema = "tenant_1" } });
        await FailAsync(
            workspace, PgErrorCode.ConnectionFailed, request => request with { Target = request.Target.WithDatabase("not there") });
        await workspace.ExecuteAsync($"ALTER DATABASE {workspace.Target.Database} IS_TEMPLATE true");
        await FailAsync(workspace, PgErrorCode.InvalidArgument);
        await workspace.ExecuteAsync($"ALTER DATABASE {workspace.Target.Database} IS_TEMPLATE false");
        using var standby = await Standby.StartAsync(_server);
        await FailAsync(
            workspace,
            PgErrorCode.ServerVersionUnsupported,
            request => request with { Target = standby.Target.WithDatabase(workspace.Target.Database) });
    }

    [PgBouncerTheory]
    [InlineData("transaction")]
    public async Task A_pooler_is_refused(string mode)
    {
        using var workspace = await CreateAsync();
        using var bouncer = await PgBouncer.StartAsync(workspace.Target.WithDatabase("postgres"), mode, 5);
        await FailAsync(
            workspace,
            PgErrorCode.PoolerDetected,
            request => request with { Target = bouncer.Target.WithDatabase(workspace.Target.Database) });
    }

    [PostgresFact]
    public async Task Killed_at_any_moment_the_old_or_the_new_one_stands_there_and_the_next_run_cleans_up()
    {
        using var workspace = await CreateAsync();
        await workspace.ExecuteAsync("CREATE TABLE precious (x int)");
        var old = 0;
        for (var round = 0; round < 8; round++)
        {
            using var process = await MigratorProcess.StartAsync(workspace, work: MigratorProcess.Reset);
            process.Go();
            await Task.Delay(30 + (round * 50));
            await process.KillAsync();

            var tables = await TablesAsync(workspace);
            Assert.Contains(tables, new[] { "precious", "t,u" });
            old += tables == "precious" ? 1 : 0;
        }

        Assert.True(old > 0, "The first kill came too late to test anything.");
        await ResetAsync(workspace);
        Assert.Equal("t,u", await TablesAsync(workspace));
        await AssertNoStagingAsync(workspace);
    }

    [PostgresFact]
    public async Task What_a_reset_that_died_after_the_swap_left_is_swept()
    {
        using var workspace = await CreateAsync();
        await using (var staging = await StagingDatabase.CreateAsync(
            _server.Target, workspace.Target.Database, await FactsAsync(workspace), workspace.Sink.Log, CancellationToken.None))
        {
            var oid = await DatabaseOccupancy.OidAsync(staging.Session, workspace.Target.Database, CancellationToken.None);
            var replaced =
                await DatabaseSwap.RunAsync(staging, new SwapRequest(workspace.Target, oid) { Discard = true }, CancellationToken.None);
            Assert.True(DatabaseNames.IsStaging(replaced!));
        }

        await ResetAsync(workspace);

        await AssertNoStagingAsync(workspace);
    }

    private static async Task<PgDatabaseFacts> FactsAsync(MigrationWorkspace workspace)
    {
        await using var session = await ServerConnection.OpenAsync(workspace.Target.WithDatabase("postgres"), null, CancellationToken.None);
        return (await DatabaseProperties.ReadAsync(session, workspace.Target.Database, CancellationToken.None))!.Facts;
    }

    private static async Task<string?> PropertiesAsync(MigrationWorkspace workspace)
        => await SandboxServer.ExecuteAsync(workspace.Target.WithDatabase("postgres"), $"""
            SELECT (to_jsonb(d) - ARRAY['oid', 'datfrozenxid', 'datminmxid', 'datlastsysoid'] || jsonb_build_object(
                'comment', shobj_description(d.oid, 'pg_database'),
                'settings', (SELECT jsonb_agg(to_jsonb(s) - 'setdatabase' ORDER BY setrole)
                             FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)))::text
            FROM pg_database d WHERE datname = {Quote.Literal(workspace.Target.Database)}
            """) as string;

    private static Task<string?> TablesAsync(MigrationWorkspace workspace) => workspace.ScalarAsync<string>(
        "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'");

    private static async Task AssertNoStagingAsync(MigrationWorkspace workspace) => Assert.Null(await SandboxServer.ExecuteAsync(
        workspace.Target.WithDatabase("postgres"),
        "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname "
            + $"LIKE {Quote.Literal(workspace.Target.Database + "\\_pgops\\_%")}") as string);

    private static Task<PgDatabaseReset> ResetAsync(
        MigrationWorkspace workspace, Func<MigrationRequest, MigrationRequest>? change = null)
        => new ResetDatabase().RunAsync(
            new() { Migrations = change?.Invoke(workspace.Request) ?? workspace.Request }, workspace.Sink, CancellationToken.None);

    private static async Task<PgOpsException> FailAsync(
        MigrationWorkspace workspace, PgErrorCode code, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => ResetAsync(workspace, change));
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        Assert.False(string.IsNullOrEmpty(error.State));
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }

    private async Task<MigrationWorkspace> CreateAsync()
    {
        var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_t.sql", "CREATE TABLE t (id int);");
        workspace.Write("2_u.sql", "CREATE TABLE u (id int);");
        workspace.Write("seeds/some.sql", "INSERT INTO t VALUES (1);");
        return workspace;
    }
}
