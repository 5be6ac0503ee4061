using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Imports of what has no script any more, or never had one: each way out is a person's word, which the history keeps.</summary>
[Collection(AdoptionTests.Name)]
public sealed class ImportSkipTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public ImportSkipTests(SandboxServer server)
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

    [PostgresTheory]
    [InlineData(PgMigrationTool.Goose, "2_b.sql", "2_b.go", "2")]
    [InlineData(PgMigrationTool.GolangMigrate, "2_b.up.sql", "2_b.up.go", "2")]
    [InlineData(PgMigrationTool.NodePgMigrate, "2_b.sql", "2_b.js", "2")]
    [InlineData(PgMigrationTool.Flyway, "V2__b.sql", "V2__b.java", "2")]
    [InlineData(PgMigrationTool.Prisma, "20240102000000_b/migration.sql", "20240102000000_b/migration.ts", "20240102000000")]
    public async Task A_program_that_the_tool_has_run_is_skipped_on_a_person_s_word(
        PgMigrationTool tool, string script, string program, string version)
    {
        await PrepareAsync(tool);
        _workspace.Delete(script);
        _workspace.Delete("U2__b.sql");
        _workspace.Write(program, "// a program");

        var error = await RefusedAsync(PgErrorCode.MigrationSourceInvalid, request => request);
        Assert.Contains($"-Skip {version} -Reason '…'", error.NextStep, StringComparison.Ordinal);

        var run = await ImportAsync(request => request with { Skip = [version], SkipReason = "a program of ours" });

        Assert.Equal((2, 1), (run.Baselined.Count, run.StillPending));
        Assert.EndsWith("; skipped: a program of ours", run.Baselined[1].Remark, StringComparison.Ordinal);
        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.All(await _workspace.StatusAsync(), migration => Assert.NotEqual(PgMigrationState.Missing, migration.State));
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Dbmate, "2_b.sql", "2")]
    [InlineData(PgMigrationTool.Goose, "2_b.sql", "2")]
    [InlineData(PgMigrationTool.Prisma, "20240102000000_b", "20240102000000")]
    public async Task What_was_skipped_stays_so_while_both_go_on(PgMigrationTool tool, string script, string version)
    {
        await PrepareAsync(tool);
        var path = Path.Combine(_workspace.Folder, script);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }

        await ImportAsync(request => request with { Skip = [version], SkipReason = "squashed", Beside = true });

        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Empty((await ImportAsync(request => request with { Update = true })).Baselined);
    }

    [PostgresFact]
    public async Task Squashed_and_deleted_migrations_of_Flyway_are_skipped_and_the_folder_goes_on()
    {
        await PrepareAsync(PgMigrationTool.Flyway);
        await _workspace.ExecuteAsync(
            "INSERT INTO flyway_schema_history VALUES (3, NULL, 'gone', 'SQL', 'R__gone.sql', 7, 'x', now(), 5, true)");
        foreach (var name in new[] { "V1__a.sql", "V2__b.sql", "U2__b.sql" })
        {
            _workspace.Delete(name);
        }

        _workspace.Write("B2__all.sql", ForeignHistories.First + ForeignHistories.Second);

        var error = await RefusedAsync(PgErrorCode.MigrationMissing, request => request);
        Assert.Contains("\n  V1__a.sql\n  R__gone.sql", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-Skip 1, R__gone -Reason '…'", error.NextStep, StringComparison.Ordinal);
        Assert.Contains("belong together", (await RefusedAsync(
            PgErrorCode.InvalidArgument, request => request with { Skip = ["1"] })).Problem, StringComparison.Ordinal);
        Assert.Contains("has applied no migration '9'", (await RefusedAsync(
            PgErrorCode.VersionNotFound, request => request with { Skip = ["9"], SkipReason = "x" })).Problem, StringComparison.Ordinal);

        var run = await ImportAsync(request => request with { Skip = ["1", "2", "R__gone"], SkipReason = "squashed into B2" });

        Assert.Equal(["1", "2", "R__gone"], run.Baselined.Select(migration => migration.Version));
        Assert.Equal(1, run.StillPending);
        Assert.Equal(["3"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
        Assert.Equal(
            "1 Baselined, 2 Baselined, 3 Applied, R__gone Baselined",
            string.Join(", ", (await _workspace.StatusAsync()).Select(migration => $"{migration.Version} {migration.State}")));
    }

    [PostgresFact]
    public async Task Sql_migrate_s_newer_checksum_is_compared()
    {
        await PrepareAsync(PgMigrationTool.SqlMigrate);
        _workspace.Write("2_b.sql", "-- +migrate Up\nSELECT 1;\n");

        Assert.Contains(
            "\n  2_b.sql (applied", (await RefusedAsync(PgErrorCode.MigrationChanged, request => request))
                .Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_table_that_was_named_is_known_by_its_name_and_its_columns()
    {
        await PrepareAsync(PgMigrationTool.Flyway);
        await _workspace.ExecuteAsync("CREATE SCHEMA x; ALTER TABLE flyway_schema_history SET SCHEMA x");

        var run = await ImportAsync(request => request with { Table = "x.flyway_schema_history" });

        Assert.StartsWith("imported from Flyway (x.flyway_schema_history)", run.Baselined[0].Remark, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_tenant_s_history_is_that_of_its_schema_alone()
    {
        await PrepareAsync(PgMigrationTool.Dbmate);
        await _workspace.ExecuteAsync(
            "CREATE SCHEMA t1; CREATE TABLE t1.schema_migrations (version varchar PRIMARY KEY); INSERT INTO t1.schema_migrations "
                + "VALUES ('1');"
                + "CREATE SCHEMA t2");

        var run = await ImportAsync(request => request with { Migrations = request.Migrations.ForSchema(Tenant("t1")) });

        Assert.Equal(["1"], run.Baselined.Select(migration => migration.Version));
        Assert.Equal(1, await _workspace.ScalarAsync<long>("SELECT count(*) FROM t1.migration_history WHERE kind <> 'adoption'"));
        await RefusedAsync(
            PgErrorCode.InvalidArgument, request => request with { Migrations = request.Migrations.ForSchema(Tenant("t2")) });
    }

    private PgTarget Tenant(string schema) => _workspace.Target with { Schema = schema };

    private async Task PrepareAsync(PgMigrationTool tool)
    {
        foreach (var (name, text) in ForeignHistories.Files(tool))
        {
            _workspace.Write(name, text);
        }

        await _workspace.ExecuteAsync(ForeignHistories.Script(tool));
    }

    private Task<PgMigrationRun> ImportAsync(Func<ImportRequest, ImportRequest> change) => new ImportHistory().RunAsync(
        change(new ImportRequest { Migrations = _workspace.Request }), _workspace.Sink, CancellationToken.None);

    private async Task<PgOpsException> RefusedAsync(PgErrorCode code, Func<ImportRequest, ImportRequest> change)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => ImportAsync(change));
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        return error;
    }
}
