using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A history that was imported, and the other tool that goes on: side by side, or against the word that PgOps is alone.</summary>
[Collection(AdoptionTests.Name)]
[Trait("Category", "Slow")]
public sealed class BesideTests : IAsyncLifetime, IDisposable
{
    private const string Double = ForeignEntries.Double;

    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public BesideTests(SandboxServer server)
    {
        _server = server;
    }

    public static TheoryData<PgMigrationTool> Tools =>
    [
        PgMigrationTool.Prisma, PgMigrationTool.Flyway, PgMigrationTool.Dbmate, PgMigrationTool.GolangMigrate, PgMigrationTool.Goose,
        PgMigrationTool.Sqlx, PgMigrationTool.Diesel, PgMigrationTool.NodePgMigrate,
    ];

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
    public async Task What_PgOps_applies_stands_in_the_others_table_as_the_tool_would_have_written_it(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        await ImportAsync(beside: true);

        Assert.Single((await _workspace.RunAsync()).Applied);

        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool)})::text::char"));
        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.All(await _workspace.StatusAsync(), migration => Assert.True(
            migration.State is PgMigrationState.Applied or PgMigrationState.Baselined, $"{migration.State}"));
    }

    [PostgresTheory]
    [MemberData(nameof(Tools))]
    public async Task What_the_other_applies_is_not_run_again_and_what_it_undoes_is_pending(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        await ImportAsync(beside: true);
        var name = Third(tool);
        _workspace.Write(name, Doubling(tool));
        await _workspace.ExecuteAsync(Double + ForeignEntries.Apply(tool));

        var seen = Assert.Single(await _workspace.StatusAsync(), migration => migration.Path!.EndsWith(name, StringComparison.Ordinal));
        Assert.Equal(PgMigrationState.Baselined, seen.State);
        Assert.Contains("the next run records that", seen.Remark, StringComparison.Ordinal);
        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Equal(2, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
        Assert.Equal(3L, await _workspace.ScalarAsync<long>(
            "SELECT count(DISTINCT version) FROM pgops.migration_history WHERE state = 'baselined' AND kind = 'versioned'"));

        await _workspace.ExecuteAsync(ForeignEntries.Undo(tool));
        if (tool == PgMigrationTool.Prisma)
        {
            // Prisma undoes nothing: a row that vanished is told, with both ways out.
            var error = await _workspace.FailAsync(PgErrorCode.HistoriesDiverged);
            Assert.Contains("-Update", error.NextStep, StringComparison.Ordinal);
            Assert.Contains("-MarkNotApplied", error.NextStep, StringComparison.Ordinal);
            await ImportAsync(update: true);
            Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool, Double)})::text::char"));
            await _workspace.ExecuteAsync(ForeignEntries.Undo(tool));
            await _workspace.RepairAsync("20240103000000", MigrationRepair.MarkNotApplied);
        }

        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Equal(4, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool, Double)})::text::char"));
    }

    [PostgresTheory]
    [MemberData(nameof(Tools))]
    public async Task An_undo_takes_the_others_record_back_as_well(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        _workspace.Write(Third(tool), Doubling(tool));
        var before = await EntriesAsync(tool);
        await ImportAsync(beside: true);
        await _workspace.RunAsync();
        Assert.NotEqual(before, await EntriesAsync(tool));

        await new UndoMigrations().RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);

        Assert.Equal(before, await EntriesAsync(tool));
        Assert.Equal(1, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool, Double)})::text::char"));
    }

    [PostgresTheory]
    [MemberData(nameof(Tools))]
    public async Task PgOps_alone_refuses_when_the_other_went_on_and_Update_takes_that_in(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        await ImportAsync();
        var name = Third(tool);
        _workspace.Write(name, Doubling(tool));
        await _workspace.ExecuteAsync(Double + ForeignEntries.Apply(tool));

        var error = await _workspace.FailAsync(PgErrorCode.HistoriesDiverged);
        Assert.Contains("has changed since", error.Problem, StringComparison.Ordinal);
        Assert.Contains("Import-PgMigrationHistory -Update", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(2, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
        var seen = Assert.Single(await _workspace.StatusAsync(), migration => migration.Path!.EndsWith(name, StringComparison.Ordinal));
        Assert.Contains("since PgOps took over", seen.Remark, StringComparison.Ordinal);

        Assert.Single((await ImportAsync(update: true)).Baselined);
        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Equal(2, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
    }

    [PostgresTheory]
    [MemberData(nameof(Tools))]
    public async Task From_alone_to_side_by_side_the_other_gets_what_PgOps_had_applied(PgMigrationTool tool)
    {
        await PrepareAsync(tool);
        await ImportAsync();
        await _workspace.RunAsync();

        var run = await ImportAsync(update: true, beside: true);

        Assert.Empty(run.Baselined);
        Assert.Equal(0, run.StillPending);
        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool)})::text::char"));
        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Null(await MigrationHistoryBreakAsync());
    }

    [PostgresFact]
    public async Task A_migration_outside_a_transaction_is_recorded_there_at_its_end()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        await ImportAsync(beside: true);
        _workspace.Write(
            "20240103000000_c/migration.sql", "CREATE INDEX CONCURRENTLY a_b ON a (b);\nSELECT 1 / (SELECT v - 1 FROM n);\n");

        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        Assert.Equal(3L, await _workspace.ScalarAsync<long>("SELECT count(*) FROM _prisma_migrations"));

        await _workspace.ExecuteAsync("UPDATE n SET v = 3");
        await _workspace.RunAsync();
        Assert.Equal(1L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM _prisma_migrations WHERE migration_name = '20240103000000_c' AND finished_at IS NOT NULL"));
    }

    [PostgresFact]
    public async Task A_migration_that_the_other_applied_at_the_same_time_is_rolled_back_whole()
    {
        await PrepareAsync(PgMigrationTool.Dbmate);
        await ImportAsync(beside: true);
        _workspace.Write("3_c.sql", ForeignHistories.Dbmate(Double + "INSERT INTO public.schema_migrations VALUES ('3');\n", "c"));

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Contains("when its row was written to dbmate's table public.schema_migrations", error.Problem, StringComparison.Ordinal);
        Assert.Contains("dbmate may have run at the same time: run the command again", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(1, await _workspace.ScalarAsync<int>("SELECT v FROM n"));
    }

    [PostgresFact]
    public async Task What_side_by_side_cannot_be_is_said()
    {
        await PrepareAsync(PgMigrationTool.Rails);
        var never = await Assert.ThrowsAsync<PgOpsException>(() => ImportAsync(beside: true));
        Assert.Contains("PgOps cannot work beside Rails", never.Problem, StringComparison.Ordinal);
        Assert.Contains("Prisma, Flyway, dbmate", never.NextStep, StringComparison.Ordinal);

        await _workspace.ExecuteAsync("DROP TABLE ar_internal_metadata");
        var nothing = await Assert.ThrowsAsync<PgOpsException>(() => ImportAsync(update: true));
        Assert.Contains("no history that was imported", nothing.Problem, StringComparison.Ordinal);

        await ImportAsync(beside: true);
        await _workspace.ExecuteAsync("ALTER TABLE schema_migrations RENAME TO gone");
        var gone = await _workspace.FailAsync(PgErrorCode.HistoriesDiverged);
        Assert.Contains("dbmate's table public.schema_migrations is gone", gone.Problem, StringComparison.Ordinal);
        Assert.Contains("-Update -Beside:$false", gone.NextStep, StringComparison.Ordinal);

        await ImportAsync(update: true, beside: false);
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_persons_word_goes_into_both_histories()
    {
        await PrepareAsync(PgMigrationTool.Sqlx);
        await ImportAsync(beside: true);

        await _workspace.RepairAsync("3", MigrationRepair.MarkApplied);
        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(PgMigrationTool.Sqlx)})::text::char"));
        await _workspace.RepairAsync("3", MigrationRepair.MarkNotApplied);
        Assert.Equal(2L, await _workspace.ScalarAsync<long>("SELECT count(*) FROM _sqlx_migrations"));
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, "20240102000000_b/migration.sql")]
    [InlineData(PgMigrationTool.Flyway, "V2__b.sql")]
    [InlineData(PgMigrationTool.Sqlx, "2_b.sql")]
    public async Task A_change_that_is_accepted_is_one_to_both(PgMigrationTool tool, string file)
    {
        await PrepareAsync(tool);
        await ImportAsync(beside: true);
        _workspace.Write(file, ForeignHistories.Second + "-- later\n");
        await _workspace.FailAsync(PgErrorCode.MigrationChanged);

        await _workspace.RepairAsync(tool == PgMigrationTool.Prisma ? "20240102000000" : "2", MigrationRepair.AcceptChange);

        var known = ForeignTableSearch.Tools.Single(one => one.Tool == tool);
        var checksum = known.Checksums(File.ReadAllBytes(Path.Combine(_workspace.Folder, file)))![0];
        Assert.Contains(checksum, await EntriesAsync(tool), StringComparison.Ordinal);
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task What_the_other_applied_of_another_text_is_refused_with_the_command_that_takes_it_in()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        await ImportAsync(beside: true);
        await _workspace.ExecuteAsync(Double + ForeignEntries.Apply(PgMigrationTool.Prisma));

        var error = await _workspace.FailAsync(PgErrorCode.MigrationChanged);

        Assert.Contains("Import-PgMigrationHistory -Update -AcceptChange", error.NextStep, StringComparison.Ordinal);
        await new ImportHistory().RunAsync(
            new ImportRequest { Migrations = _workspace.Request, Update = true, AcceptChange = true }, _workspace.Sink,
            CancellationToken.None);
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_file_that_came_later_under_a_lower_version_is_not_taken_for_applied()
    {
        await PrepareAsync(PgMigrationTool.GolangMigrate);
        await _workspace.ExecuteAsync("UPDATE schema_migrations SET version = 3");
        await ImportAsync(beside: true);
        _workspace.Write("0_late.up.sql", "SELECT 1;\n");

        await _workspace.FailAsync(PgErrorCode.MigrationOutOfOrder);
        Assert.Single((await _workspace.RunAsync(request => request with { AllowOutOfOrder = true })).Applied);
        Assert.Equal(3L, await _workspace.ScalarAsync<long>("SELECT version FROM schema_migrations"));
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, "DELETE FROM _prisma_migrations WHERE id <> 'x'")]
    [InlineData(PgMigrationTool.Dbmate, "DELETE FROM schema_migrations")]
    public async Task A_history_that_is_still_empty_is_begun_beside_the_other(PgMigrationTool tool, string empty)
    {
        await PrepareAsync(tool);
        await _workspace.ExecuteAsync(empty + "; DROP TABLE a; DROP TABLE b");

        Assert.Equal(3, (await ImportAsync(beside: true)).StillPending);
        Assert.Equal(3, (await _workspace.RunAsync()).Applied.Count);
        Assert.Equal("t", await _workspace.ScalarAsync<string>($"SELECT ({ForeignEntries.Written(tool)})::text::char"));
    }

    [PostgresFact]
    public async Task A_reset_that_would_leave_the_other_tool_without_its_table_is_refused()
    {
        await PrepareAsync(PgMigrationTool.Dbmate);
        await ImportAsync(beside: true);
        await _workspace.ExecuteAsync($"ALTER DATABASE \"{_workspace.Target.Database}\" SET pgops.environment = 'development'");

        var error = await Assert.ThrowsAsync<PgOpsException>(() => new ResetDatabase().RunAsync(
            new() { Migrations = _workspace.Request }, _workspace.Sink, CancellationToken.None));

        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Contains("dbmate and PgOps side by side", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-Update -Beside:$false", error.NextStep, StringComparison.Ordinal);
        Assert.Equal(1L, await _workspace.ScalarAsync<long>("SELECT count(*) FROM n"));
    }

    private async Task PrepareAsync(PgMigrationTool tool)
    {
        foreach (var (name, text) in ForeignHistories.Files(tool))
        {
            _workspace.Write(name, text);
        }

        await _workspace.ExecuteAsync(
            "CREATE TABLE n (v int); INSERT INTO n VALUES (1);" + ForeignHistories.Script(tool));
    }

    private Task<PgMigrationRun> ImportAsync(bool update = false, bool? beside = null) => new ImportHistory().RunAsync(
        new ImportRequest { Migrations = _workspace.Request, Update = update, Beside = beside }, _workspace.Sink, CancellationToken.None);

    private static string Third(PgMigrationTool tool) => ForeignHistories.Files(tool).Last(file => file.Name[0] != 'U').Name;

    /// <summary>A third migration whose effect shows how often it ran, with its undo.</summary>
    private string Doubling(PgMigrationTool tool)
    {
        const string down = "UPDATE n SET v = v / 2;\n";
        switch (tool)
        {
            case PgMigrationTool.Dbmate:
                return $"-- migrate:up\n{Double}-- migrate:down\n{down}";
            case PgMigrationTool.Goose:
                return $"-- +goose Up\n{Double}-- +goose Down\n{down}";
            default:
                _workspace.Write(
                    tool switch
                    {
                        PgMigrationTool.Prisma => "20240103000000_c/down.sql",
                        PgMigrationTool.Flyway => "U3__c.sql",
                        PgMigrationTool.GolangMigrate => "3_c.down.sql",
                        PgMigrationTool.Diesel => "2024-01-03-000000_c/down.sql",
                        _ => "3_c.down.sql",
                    },
                    down);
                return Double;
        }
    }

    private async Task<string> EntriesAsync(PgMigrationTool tool)
    {
        await using var connection = await SandboxServer.OpenAsync(_workspace.Target);
        var known = ForeignTableSearch.Tools.Single(one => one.Tool == tool);
        var (_, table) = Assert.Single(await ForeignTableSearch.AllAsync(connection, null, CancellationToken.None));
        return string.Join('\n', (await known.ReadAsync(connection, table, CancellationToken.None)).Select(AdoptedTool.Line));
    }

    private async Task<string?> MigrationHistoryBreakAsync()
    {
        await using var connection = await SandboxServer.OpenAsync(_workspace.Target);
        return await PgOps.Core.Migrations.History.MigrationHistory.BreakAsync(
            connection, new PgOps.Core.Migrations.History.HistoryTable("pgops"), CancellationToken.None);
    }
}
