using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A baseline records what is there: what tells of a migration that was never run is refused, and the newest is named.</summary>
[Collection(MigrationTests.Name)]
public sealed class BaselineTests(SandboxServer server) : IAsyncLifetime
{
    private MigrationWorkspace _workspace = null!;

    public async Task InitializeAsync()
    {
        _workspace = await MigrationWorkspace.CreateAsync(server);
        await _workspace.ExecuteAsync("CREATE TABLE a (i int, j int); CREATE TABLE kept (i int); CREATE SCHEMA app; CREATE TABLE "
            + "app.b (i int)");
        _workspace.Write("1_a.sql", "CREATE TABLE a (i int); CREATE TABLE gone (i int); CREATE TABLE old_name (i int);");
        _workspace.Write("2_b.sql", "DROP TABLE gone; ALTER TABLE old_name RENAME TO kept; CREATE TABLE IF NOT EXISTS app.b (i int);");
        _workspace.Write("3_c.sql", "ALTER TABLE ONLY a ADD COLUMN IF NOT EXISTS j int; ALTER TABLE a ADD CONSTRAINT c CHECK (i > 0);");
    }

    public Task DisposeAsync()
    {
        _workspace.Dispose();
        return Task.CompletedTask;
    }

    [PostgresFact]
    public async Task What_is_there_is_recorded_and_the_newest_is_named()
    {
        var run = await _workspace.RunAsync(request => request with { Baseline = true });

        Assert.Equal(3, run.Baselined.Count);
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("3_c is the newest", StringComparison.Ordinal));
    }

    [PostgresTheory]
    [InlineData("CREATE TABLE note (i int);", "the table note")]
    [InlineData("CREATE UNLOGGED TABLE app.note (i int);", "the table note")]
    [InlineData("ALTER TABLE a ADD k int;", "the column k of a")]
    public async Task A_migration_that_was_never_run_is_refused_in_the_plan_too_and_the_rest_runs(string text, string what)
    {
        _workspace.Write("4_new.sql", text);

        var error = await _workspace.FailAsync(PgErrorCode.InvalidArgument, request => request with { Baseline = true });
        var plan = await Assert.ThrowsAsync<PgOpsException>(() => new PreviewMigrations().RunAsync(
            _workspace.Request with { Baseline = true }, _workspace.Sink, CancellationToken.None));

        Assert.Contains($"4_new makes {what}", error.Problem, StringComparison.Ordinal);
        Assert.Contains("Invoke-PgMigration -Baseline -ToVersion 3.", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(error.Problem, plan.Problem);
        await _workspace.RunAsync(request => request with { Baseline = true, ToVersion = "3" });
        Assert.Equal(["4_new"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
    }

    [PostgresFact]
    public async Task A_version_that_is_named_is_recorded_whatever_is_there()
    {
        _workspace.Write("4_new.sql", "CREATE TABLE note (i int);");

        Assert.Equal(4, (await _workspace.RunAsync(request => request with { Baseline = true, ToVersion = "4" })).Baselined.Count);
    }

    [PostgresFact]
    public async Task A_missing_folder_is_made_and_an_empty_one_is_said_to_be()
    {
        var path = Path.Combine(_workspace.Folder, "none", "yet");
        var plan = await new PreviewMigrations().RunAsync(
            _workspace.Request with { Path = path, Baseline = true }, _workspace.Sink, CancellationToken.None);
        Assert.Empty(plan);
        Assert.False(Directory.Exists(path));

        await _workspace.RunAsync(request => request with { Path = path, Baseline = true });
        Assert.True(Directory.Exists(path));
        await _workspace.RunAsync(request => request with { Path = path });
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("holds no migrations", StringComparison.Ordinal));
        var strict = await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid, request => request with { Path = path, Strict = true });
        Assert.Contains("holds no migrations", strict.Problem, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(path, "1_empty.sql"), "");
        Assert.Contains("1_empty holds no statement", (await _workspace.FailAsync(
            PgErrorCode.MigrationScriptInvalid, request => request with { Path = path, Strict = true })).Problem, StringComparison.Ordinal);
        Assert.Single((await _workspace.RunAsync(request => request with { Path = path })).Applied);
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("1_empty holds no statement", StringComparison.Ordinal));
    }
}
