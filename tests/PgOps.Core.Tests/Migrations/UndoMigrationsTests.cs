using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Down scripts: what is undone, what a failure leaves, and what is refused.</summary>
[Collection(MigrationTests.Name)]
public sealed class UndoMigrationsTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public UndoMigrationsTests(SandboxServer server)
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

    private UndoMigrations Undo { get; } = new();

    [PostgresFact]
    public async Task Without_a_version_the_newest_alone_is_undone_and_can_be_applied_again()
    {
        await ApplyThreeAsync();

        var run = await Undo.RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);

        Assert.Equal(["3_c"], run.Reverted.Select(migration => migration.ToString()));
        Assert.Equal(("3", "2", 1), (run.FromVersion, run.ToVersion, run.Statements));
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('c')::text"));
        Assert.Equal(
            "reverted", await _workspace.ScalarAsync<string>("SELECT state FROM pgops.migration_history ORDER BY id DESC LIMIT 1"));
        Assert.Equal(PgMigrationState.Pending, (await _workspace.StatusAsync())[2].State);
        Assert.Equal(["3_c"], (await _workspace.RunAsync()).Applied.Select(migration => migration.ToString()));
    }

    [PostgresTheory]
    [InlineData("0", 2)]
    [InlineData("00000000000000", 1)]
    public async Task A_version_that_is_zero_is_undone_with_all_and_can_be_gone_back_to(string version, int undone)
    {
        _workspace.Write("00000000000000_initial/up.sql", "CREATE TABLE a (i int);");
        _workspace.Write("00000000000000_initial/down.sql", "DROP TABLE a;");
        _workspace.Write("2024-01-02-000000_b/up.sql", "CREATE TABLE b (i int);");
        _workspace.Write("2024-01-02-000000_b/down.sql", "DROP TABLE b;");
        await _workspace.RunAsync();

        var run = await Undo.RunAsync(_workspace.Request with { ToVersion = version }, _workspace.Sink, CancellationToken.None);

        Assert.Equal(undone, run.Reverted.Count);
        Assert.Equal(undone == 2 ? null : "00000000000000", run.ToVersion);
        Assert.Equal(2L - undone, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'b')"));
    }

    [PostgresTheory]
    [InlineData("1", "3_c 2_b", "1")]
    [InlineData("0", "3_c 2_b 1_a", null)]
    [InlineData("3", "", "3")]
    public async Task Everything_above_the_version_is_undone_newest_first(string version, string undone, string? now)
    {
        await ApplyThreeAsync();

        var run = await Undo.RunAsync(_workspace.Request with { ToVersion = version }, _workspace.Sink, CancellationToken.None);

        Assert.Equal(undone, string.Join(' ', run.Reverted));
        Assert.Equal(now, run.ToVersion);
        Assert.Empty(
            (await Undo.RunAsync(_workspace.Request with { ToVersion = version }, _workspace.Sink, CancellationToken.None)).Reverted);
    }

    [PostgresTheory]
    [InlineData("V1__a.sql", "CREATE TABLE a ();", "U1__a.sql", "DROP TABLE a;")]
    [InlineData("1_a.up.sql", "CREATE TABLE a ();", "1_a.down.sql", "DROP TABLE a;")]
    [InlineData("1_a/up.sql", "CREATE TABLE a ();", "1_a/down.sql", "DROP TABLE a;")]
    [InlineData("1_a/migration.sql", "CREATE TABLE a ();", "1_a/down.sql", "DROP TABLE a;")]
    [InlineData("1_a.sql", "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n", null, null)]
    [InlineData("1_a.sql", "-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;\n", null, null)]
    public async Task Each_shape_is_undone_by_its_own_down_script(string up, string upText, string? down, string? downText)
    {
        _workspace.Write(up, upText);
        _workspace.Write(down ?? up, downText ?? upText);
        await _workspace.RunAsync();

        var run = await Undo.RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);

        Assert.Equal("1_a", Assert.Single(run.Reverted).ToString());
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_down_script_that_fails_is_rolled_back_and_its_migration_stays_applied()
    {
        await ApplyThreeAsync();
        _workspace.Write("2_b.down.sql", "DROP TABLE b;\nDROP TABLE nonesuch;");

        var error = await RefusalAsync(PgErrorCode.MigrationFailed, "0");

        Assert.Equal(2, error.Statement!.Line);
        Assert.EndsWith("2_b.down.sql", error.Statement.File, StringComparison.Ordinal);
        Assert.Contains("The undo of 2_b was rolled back whole", error.State, StringComparison.Ordinal);
        Assert.Contains("1 migration of this run is undone, down to 3_c", error.State, StringComparison.Ordinal);
        Assert.Equal("b", await _workspace.ScalarAsync<string>("SELECT to_regclass('b')::text"));
        Assert.Equal(
            [PgMigrationState.Applied, PgMigrationState.Applied, PgMigrationState.Pending],
            (await _workspace.StatusAsync()).Select(migration => migration.State));
    }

    [PostgresFact]
    public async Task The_whole_plan_is_checked_before_the_first_statement_runs()
    {
        await ApplyThreeAsync();
        _workspace.Delete("1_a.down.sql");

        var error = await RefusalAsync(PgErrorCode.DownScriptMissing, "0");

        Assert.Contains("1_a cannot be undone: it has no down script", error.Problem, StringComparison.Ordinal);
        Assert.Equal("c", await _workspace.ScalarAsync<string>("SELECT to_regclass('c')::text"));
    }

    [PostgresFact]
    public async Task What_cannot_be_undone_by_script_is_refused()
    {
        await ApplyThreeAsync();

        _workspace.Write("3_c.down.sql", "-- nothing\n");
        Assert.Contains("holds no statement", (await RefusalAsync(PgErrorCode.DownScriptMissing)).Problem, StringComparison.Ordinal);
        _workspace.Write("3_c.down.sql", "DROP INDEX CONCURRENTLY i;");
        var byHand = await RefusalAsync(PgErrorCode.MigrationScriptInvalid);
        Assert.Contains("cannot run in a transaction", byHand.Problem, StringComparison.Ordinal);
        Assert.Contains(
            $"-d '{_workspace.Target.Database}' -f '{Path.Combine(_workspace.Folder, "3_c.down.sql")}'; Repair-PgMigration "
                + $"-Path '{_workspace.Folder}' -Version 3 -MarkNotApplied -Reason 'undone by hand'",
            byHand.NextStep,
            StringComparison.Ordinal);
        _workspace.Write("3_c.sql", "CREATE TABLE c (d int);");
        Assert.Contains("was changed", (await RefusalAsync(PgErrorCode.MigrationChanged)).Problem, StringComparison.Ordinal);
        _workspace.Delete("3_c.sql");
        _workspace.Delete("3_c.down.sql");
        Assert.Contains("file is gone", (await RefusalAsync(PgErrorCode.MigrationMissing)).Problem, StringComparison.Ordinal);
        Assert.Contains(
            "no migration of version '9'", (await RefusalAsync(PgErrorCode.VersionNotFound, "9")).Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task The_section_of_a_file_that_is_to_be_run_by_hand_is_told_by_its_lines()
    {
        var path = _workspace.Write(
            "1_a.sql",
            "-- migrate:up\nCREATE TABLE a (i int);\n\n-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY\n    i;\nSELECT 1;\n");
        await _workspace.RunAsync();

        var next = (await RefusalAsync(PgErrorCode.MigrationScriptInvalid)).NextStep;

        Assert.Contains("Leave CONCURRENTLY and the like out of the section", next, StringComparison.Ordinal);
        Assert.Contains($"(Get-Content -LiteralPath '{path}')[4..6] | psql -X", next, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_baselined_migration_is_not_undone()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a ();");
        _workspace.Write("1_a.down.sql", "DROP TABLE a;");
        await _workspace.RunAsync(request => request with { Baseline = true, ToVersion = "1" });

        Assert.Contains("PgOps did not apply it", (await RefusalAsync(PgErrorCode.DownScriptMissing)).Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task The_preview_shows_the_plan_and_touches_nothing()
    {
        await ApplyThreeAsync();

        var plan = await Undo.PreviewAsync(_workspace.Request with { ToVersion = "1" }, _workspace.Sink, CancellationToken.None);

        Assert.Equal(["3_c", "2_b"], plan.Select(planned => planned.Migration));
        Assert.StartsWith(
            $"Undo 3_c on {_workspace.Target}: 1 statement, one transaction\n  line    1: DROP TABLE c",
            plan[0].Description,
            StringComparison.Ordinal);
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history"));
    }

    private async Task ApplyThreeAsync()
    {
        foreach (var (version, name) in new[] { (1, "a"), (2, "b"), (3, "c") })
        {
            _workspace.Write($"{version}_{name}.sql", $"CREATE TABLE {name} ();");
            _workspace.Write($"{version}_{name}.down.sql", $"DROP TABLE {name};");
        }

        await _workspace.RunAsync();
    }

    private async Task<PgOpsException> RefusalAsync(PgErrorCode code, string? toVersion = null)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => Undo.RunAsync(_workspace.Request with { ToVersion = toVersion }, _workspace.Sink, CancellationToken.None));
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }
}
