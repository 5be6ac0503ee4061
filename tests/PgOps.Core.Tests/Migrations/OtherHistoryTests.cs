using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A database with another tool's history and none of PgOps': everything says so.</summary>
[Collection(AdoptionTests.Name)]
[Trait("Category", "Slow")]
public sealed class OtherHistoryTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public OtherHistoryTests(SandboxServer server)
    {
        _server = server;
    }

    public static TheoryData<PgMigrationTool> Tools => [.. Enum.GetValues<PgMigrationTool>()];

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
    [MemberData(nameof(Tools))]
    public async Task Status_and_run_name_the_tool_and_the_import_and_no_baseline(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        var title = ForeignTableSearch.Tools.Single(one => one.Tool == tool).Title;

        var status = await _workspace.StatusAsync();
        Assert.Equal(
            [PgMigrationState.Applied, PgMigrationState.Applied, PgMigrationState.Pending], status.Select(migration => migration.State));
        Assert.All(status, migration => Assert.StartsWith($"{title} (", migration.RecordedBy, StringComparison.Ordinal));
        Assert.All(status, migration => Assert.Contains(title, migration.Remark, StringComparison.Ordinal));

        await RefusedAsync(title, () => _workspace.RunAsync());
        await RefusedAsync(title, () => _workspace.RunAsync(request => request with { Baseline = true }));
        await RefusedAsync(title, () => new PreviewMigrations().RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None));
        await RefusedAsync(title, () => new PreviewMigrations().RunAsync(
            _workspace.Request with { Baseline = true }, _workspace.Sink, CancellationToken.None));
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT to_regclass('pgops.migration_history') IS NOT NULL"));
    }

    [PostgresFact]
    public async Task What_the_tool_says_otherwise_is_shown_as_it_is()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        _workspace.Write("20240102000000_b/migration.sql", ForeignHistories.Second + "-- later\n");
        await _workspace.ExecuteAsync(
            "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('5', 'x', '20240103000000_c'); "
                + "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) "
                + "VALUES ('6', 'x', '20240104000000_d', now())");

        Assert.Equal(
            [PgMigrationState.Applied, PgMigrationState.Changed, PgMigrationState.Failed, PgMigrationState.Missing],
            (await _workspace.StatusAsync()).Select(migration => migration.State));
    }

    [PostgresFact]
    public async Task Where_two_tools_were_nobody_is_told_that_nothing_is_known()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        await _workspace.ExecuteAsync("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)");

        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(
            "PgOps has no history here, and cannot tell which one is this folder's: "
                + "Prisma (public._prisma_migrations), dbmate (public.schema_migrations).",
            migration.Remark));
    }

    [PostgresFact]
    public async Task A_baseline_up_to_a_version_that_is_named_is_a_persons_word()
    {
        await PrepareAsync(PgMigrationTool.Dbmate);

        var run = await _workspace.RunAsync(request => request with { Baseline = true, ToVersion = "2" });

        Assert.Equal(2, run.Baselined.Count);
    }

    [PostgresFact]
    public async Task What_the_tool_has_applied_is_not_run_again_by_a_person_s_word_either()
    {
        await PrepareAsync(PgMigrationTool.Dbmate);

        var baseline = await _workspace.FailAsync(
            PgErrorCode.ImportRequired, request => request with { Baseline = true, ToVersion = "1" });
        var anyway = await _workspace.FailAsync(PgErrorCode.ImportRequired, request => request with { AllowNotEmpty = true });
        var plan = await Assert.ThrowsAsync<PgOpsException>(() => new PreviewMigrations().RunAsync(
            _workspace.Request with { AllowNotEmpty = true }, _workspace.Sink, CancellationToken.None));

        Assert.Contains("would get 2_b a second time", baseline.Problem, StringComparison.Ordinal);
        Assert.Contains("would get 1_a a second time", anyway.Problem, StringComparison.Ordinal);
        Assert.Equal(anyway.Problem, plan.Problem);
    }

    [PostgresFact]
    public async Task A_manifest_bears_the_tools_state_and_the_drill_checks_it()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        await using var connection = await SandboxServer.OpenAsync(_workspace.Target);
        var mark = await DatabasePosition.ReadAsync(connection, null, CancellationToken.None);

        Assert.NotNull(mark);
        Assert.Equal(("Prisma", "public", "_prisma_migrations"), (mark.Tool, mark.HistorySchema, mark.HistoryTable));
        Assert.Equal(("20240102000000_b", 2L), (mark.Version, mark.HistoryRows));

        using var folder = new TemporaryFolder();
        var backup = await BackUpAsync(folder.Path);
        Assert.Equal(mark, backup.Manifest!.Migration);
        var drill = await DrillAsync(backup);
        var check = Assert.Single(drill.Checks, check => check.Name == PgCheckName.MigrationState);
        Assert.True(check.Status == PgCheckStatus.Passed, check.Detail);
        Assert.Contains("20240102000000_b, 2 rows in the history of Prisma", check.Detail, StringComparison.Ordinal);

        await _workspace.ExecuteAsync("UPDATE _prisma_migrations SET checksum = 'x' WHERE id = '3'");
        Assert.NotEqual(mark, await DatabasePosition.ReadAsync(connection, mark, CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_table_that_only_looks_like_a_tools_does_not_cost_the_backup_its_snapshot()
    {
        await _workspace.ExecuteAsync(
            "CREATE TABLE schema_migrations (version text, dirty text); INSERT INTO schema_migrations VALUES ('x', 'y')");

        using var folder = new TemporaryFolder();
        Assert.Null((await BackUpAsync(folder.Path)).Manifest!.Migration);
    }

    private async Task PrepareAsync(PgMigrationTool tool)
    {
        foreach (var (name, text) in ForeignHistories.Files(tool))
        {
            _workspace.Write(name, text);
        }

        await _workspace.ExecuteAsync(ForeignHistories.Script(tool));
    }

    private static async Task RefusedAsync(string title, Func<Task> act)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(act);
        Assert.True(error.Code == PgErrorCode.ImportRequired, $"{error.Code}: {error.Message}");
        Assert.Contains($"{title} (", error.Problem, StringComparison.Ordinal);
        Assert.StartsWith("Import-PgMigrationHistory", error.NextStep, StringComparison.Ordinal);
        Assert.DoesNotContain("Baseline", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(
            ForeignTableSearch.Tools.Single(tool => tool.Title == title).WorksBeside,
            error.NextStep!.Contains("-Beside", StringComparison.Ordinal));
    }

    private Task<PgBackup> BackUpAsync(string folder) => new BackupDatabase().RunAsync(
        new BackupDatabaseRequest { Target = _workspace.Target, Path = folder }, _workspace.Sink, CancellationToken.None);

    private Task<PgDrill> DrillAsync(PgBackup backup) => new TestRestore().RunAsync(
        new TestRestoreRequest { Backup = backup, Server = _server.Target }, _workspace.Sink, CancellationToken.None);
}
