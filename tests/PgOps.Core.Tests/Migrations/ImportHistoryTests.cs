using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Taking another tool's history over: what is recorded, what is refused, and that the other tool's lock is honoured.</summary>
[Collection(AdoptionTests.Name)]
[Trait("Category", "Slow")]
public sealed class ImportHistoryTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public ImportHistoryTests(SandboxServer server)
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
    [InlineData(PgMigrationTool.Prisma)]
    [InlineData(PgMigrationTool.Flyway)]
    [InlineData(PgMigrationTool.Dbmate)]
    [InlineData(PgMigrationTool.GolangMigrate)]
    [InlineData(PgMigrationTool.Goose)]
    [InlineData(PgMigrationTool.Sqlx)]
    [InlineData(PgMigrationTool.Diesel)]
    [InlineData(PgMigrationTool.EntityFramework)]
    [InlineData(PgMigrationTool.NodePgMigrate)]
    [InlineData(PgMigrationTool.Sqitch)]
    [InlineData(PgMigrationTool.Rails)]
    [InlineData(PgMigrationTool.SqlMigrate)]
    [InlineData(PgMigrationTool.Supabase)]
    [InlineData(PgMigrationTool.Hasura)]
    public async Task What_the_tool_applied_is_recorded_and_the_rest_runs(PgMigrationTool tool)
    {
        await PrepareAsync(tool);

        var plan = await PreviewAsync();
        Assert.Equal(3, plan.Count);
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT to_regclass('pgops.migration_history') IS NOT NULL"));
        var before = await DigestAsync();
        var run = await ImportAsync();

        Assert.Equal(2, run.Baselined.Count);
        Assert.Equal(1, run.StillPending);
        Assert.All(run.Baselined, migration => Assert.Equal(PgMigrationState.Baselined, migration.State));
        Assert.Equal(before, await DigestAsync());
        Assert.Equal(2L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pgops.migration_history WHERE state = 'baselined' AND reason LIKE 'imported from %'"));
        Assert.Single((await _workspace.RunAsync()).Applied);
        Assert.True(await _workspace.ScalarAsync<bool>("SELECT to_regclass('c') IS NOT NULL"));
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, "20240102000000_b/migration.sql", "UPDATE _prisma_migrations SET checksum = checksum")]
    [InlineData(PgMigrationTool.Flyway, "V2__b.sql", "SELECT 1")]
    [InlineData(PgMigrationTool.Sqlx, "2_b.sql", "SELECT 1")]
    [InlineData(PgMigrationTool.Sqitch, "2_b.sql", "SELECT 1")]
    public async Task A_changed_file_is_named_and_goes_in_with_Force_and_a_note(PgMigrationTool tool, string file, string sql)
    {
        await PrepareAsync(tool);
        await _workspace.ExecuteAsync(sql);
        _workspace.Write(file, ForeignHistories.Second + "-- later\n");

        var error = await RefusedAsync(PgErrorCode.MigrationChanged);
        Assert.Contains("b", error.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("a (applied", error.Problem, StringComparison.Ordinal);
        Assert.False(await _workspace.ScalarAsync<bool>("SELECT to_regclass('pgops.migration_history') IS NOT NULL"));

        var run = await ImportAsync(request => request with { AcceptChange = true });

        Assert.Equal(2, run.Baselined.Count);
        Assert.Equal(1L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pgops.migration_history WHERE reason LIKE '%accepted with -AcceptChange'"));
    }

    [PostgresTheory]
    [InlineData(
        PgMigrationTool.Prisma,
        "UPDATE _prisma_migrations SET finished_at = NULL WHERE id = '3'",
        "20240102000000_b",
        "prisma migrate resolve")]
    [InlineData(
        PgMigrationTool.Flyway, "UPDATE flyway_schema_history SET success = false WHERE version = '2'", "V2__b.sql", "flyway repair")]
    [InlineData(PgMigrationTool.GolangMigrate, "UPDATE schema_migrations SET dirty = true", "2", "migrate force")]
    [InlineData(PgMigrationTool.GolangMigrate, "UPDATE schema_migrations SET version = -1, dirty = true", "-1", "migrate force")]
    [InlineData(PgMigrationTool.Sqlx, "UPDATE _sqlx_migrations SET success = false WHERE version = 2", "2 b", "_sqlx_migrations")]
    public async Task A_failed_entry_is_refused_with_the_tools_own_way_out(PgMigrationTool tool, string sql, string name, string way)
    {
        await PrepareAsync(tool);
        await _workspace.ExecuteAsync(sql);

        var error = await RefusedAsync(PgErrorCode.MigrationFailed, request => request with { AcceptChange = true });

        Assert.Contains(name, error.Problem, StringComparison.Ordinal);
        Assert.Contains(way, error.NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, "20240102000000_b/migration.sql", "20240102000000_b")]
    [InlineData(PgMigrationTool.Dbmate, "2_b.sql", "2")]
    [InlineData(PgMigrationTool.GolangMigrate, "2_b.up.sql", "2")]
    [InlineData(PgMigrationTool.Sqitch, "2_b.sql", "b")]
    public async Task An_applied_migration_without_a_file_is_refused(PgMigrationTool tool, string file, string name)
    {
        await PrepareAsync(tool);
        _workspace.Delete(file);
        if (file.Contains('/', StringComparison.Ordinal))
        {
            Directory.Delete(Path.Combine(_workspace.Folder, Path.GetDirectoryName(file)!));
        }

        var error = await RefusedAsync(PgErrorCode.MigrationMissing, request => request with { AcceptChange = true });

        Assert.Contains($"\n  {name}", error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_Flyway_baseline_covers_what_lies_below_it_and_an_undone_version_is_pending()
    {
        await PrepareAsync(PgMigrationTool.Flyway);
        await _workspace.ExecuteAsync("""
            UPDATE flyway_schema_history SET type = 'BASELINE', script = '<< Flyway Baseline >>', checksum = NULL WHERE version = '1';
            INSERT INTO flyway_schema_history VALUES (3, '2', 'b', 'UNDO_SQL', 'U2__b.sql', 1, 'x', now(), 5, true);
            """);

        var run = await ImportAsync();

        Assert.Equal(["1"], run.Baselined.Select(migration => migration.Version));
        Assert.Equal(2, run.StillPending);
    }

    [PostgresFact]
    public async Task A_Flyway_repeatable_is_due_only_when_its_file_has_changed_and_a_baseline_alone_begins_a_history()
    {
        _workspace.Write("V2__c.sql", ForeignHistories.Third);
        _workspace.Write("R__same.sql", "SELECT 1;\n");
        _workspace.Write("R__changed.sql", "SELECT 2;\n");
        await _workspace.ExecuteAsync(ForeignHistories.Script(PgMigrationTool.Flyway) + $"""
            DELETE FROM flyway_schema_history WHERE version = '2';
            UPDATE flyway_schema_history SET type = 'BASELINE', script = '<< Flyway Baseline >>', checksum = NULL WHERE version = '1';
            INSERT INTO flyway_schema_history VALUES
                (3, NULL, 'same', 'SQL', 'R__same.sql', {ForeignToolTests.Flyway("SELECT 1;")}, 'x', now(), 5, true),
                (4, NULL, 'changed', 'SQL', 'R__changed.sql', 7, 'x', now(), 5, true);
            """);

        var run = await ImportAsync();

        Assert.Equal(["R__same"], run.Baselined.Select(migration => migration.Version));
        Assert.Equal(["2", "R__changed"], (await _workspace.RunAsync()).Applied.Select(migration => migration.Version));
    }

    [PostgresFact]
    public async Task A_database_with_a_PgOps_history_one_without_any_and_one_with_two_are_refused()
    {
        foreach (var (name, text) in ForeignHistories.Files(PgMigrationTool.Dbmate))
        {
            _workspace.Write(name, text);
        }

        Assert.Contains("no other tool's history", (await RefusedAsync(PgErrorCode.InvalidArgument)).Problem, StringComparison.Ordinal);

        await _workspace.ExecuteAsync(ForeignHistories.Script(PgMigrationTool.Dbmate) + ForeignHistories.Script(PgMigrationTool.Diesel)
            .Replace(ForeignHistories.First + ForeignHistories.Second, "", StringComparison.Ordinal));
        var two = await RefusedAsync(PgErrorCode.InvalidArgument);
        Assert.Contains("dbmate (public.schema_migrations)", two.Problem, StringComparison.Ordinal);
        Assert.Contains("Diesel (public.__diesel_schema_migrations)", two.Problem, StringComparison.Ordinal);

        await ImportAsync(request => request with { From = PgMigrationTool.Dbmate });
        Assert.Contains("already has a PgOps history", (await RefusedAsync(PgErrorCode.InvalidArgument)).Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_table_of_another_name_is_found_by_From_and_Table()
    {
        await PrepareAsync(PgMigrationTool.GolangMigrate);
        await _workspace.ExecuteAsync(
            "CREATE SCHEMA \"Ops\"; ALTER TABLE schema_migrations RENAME TO steps; ALTER TABLE steps SET SCHEMA \"Ops\"");

        var run = await ImportAsync(request => request with { From = PgMigrationTool.GolangMigrate, Table = "Ops.steps" });

        Assert.Contains("golang-migrate (\"Ops\".steps)", run.Baselined[0].Remark, StringComparison.Ordinal);
        await _workspace.RunAsync();
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, "SELECT pg_advisory_lock(72707369)")]
    [InlineData(PgMigrationTool.Flyway, "SELECT pg_advisory_xact_lock(77433833903597)")]
    [InlineData(PgMigrationTool.Sqitch, "SELECT pg_advisory_lock(75474063)")]
    [InlineData(PgMigrationTool.NodePgMigrate, "SELECT pg_advisory_lock(7241865325823964)")]
    [InlineData(PgMigrationTool.Dbmate, "INSERT INTO schema_migrations VALUES ('9')")]
    [InlineData(PgMigrationTool.EntityFramework, "LOCK TABLE \"__EFMigrationsHistory\" IN ACCESS EXCLUSIVE MODE")]
    public async Task A_migrator_at_work_is_waited_for_and_then_named(PgMigrationTool tool, string sql)
    {
        await PrepareAsync(tool);
        await using var holder = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await holder.BeginTransactionAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, holder);
        await command.ExecuteNonQueryAsync();

        var clock = System.Diagnostics.Stopwatch.StartNew();
        var error = await RefusedAsync(
            PgErrorCode.MigrationLocked,
            request => request with { Migrations = request.Migrations with { WaitTimeout = TimeSpan.FromSeconds(1.2) } });

        Assert.True(clock.ElapsedMilliseconds >= 1200, $"{clock.ElapsedMilliseconds} ms");
        Assert.Contains($"pid {holder.ProcessID}, ", error.Problem, StringComparison.Ordinal);
        var waiting = ImportAsync();
        await Task.Delay(300);
        await transaction.RollbackAsync();
        await holder.CloseAsync();
        Assert.Equal(2, (await waiting).Baselined.Count);
    }

    [PostgresFact]
    public async Task After_the_import_a_run_waits_for_the_other_tool_as_long_as_its_table_is_there()
    {
        await PrepareAsync(PgMigrationTool.Prisma);
        await ImportAsync();
        await using var holder = await SandboxServer.OpenAsync(_workspace.Target);
        await using var command = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(72707369)", holder);
        await command.ExecuteNonQueryAsync();

        var error = await _workspace.FailAsync(
            PgErrorCode.MigrationLocked, request => request with { WaitTimeout = TimeSpan.FromSeconds(0.5) });
        Assert.Contains($"Prisma's lock is held: pid {holder.ProcessID}, ", error.Problem, StringComparison.Ordinal);

        await _workspace.ExecuteAsync("DROP TABLE _prisma_migrations");
        Assert.Single((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_waiting_golang_migrate_does_not_hold_up_a_concurrent_index_build()
    {
        await PrepareAsync(PgMigrationTool.GolangMigrate);
        _workspace.Write("3_c.up.sql", "-- pgops: no-transaction\nSELECT pg_sleep(2);\nCREATE INDEX CONCURRENTLY a_b ON a (b);\n");
        await ImportAsync();
        var keys = ForeignTableSearch.Tools.Single(tool => tool.Tool == PgMigrationTool.GolangMigrate)
            .LockKeys(new ForeignTable("public", "schema_migrations", _workspace.Target.Database, ""));

        var run = _workspace.RunAsync();
        await Eventually.HoldsAsync(
            () => _workspace.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%')").Result,
            "the migration runs");
        await using var waiter = await SandboxServer.OpenAsync(_workspace.Target);
        await using var command = new Npgsql.NpgsqlCommand($"SELECT pg_advisory_lock({keys[1]})", waiter);
        await command.ExecuteNonQueryAsync();

        Assert.Single((await run).Applied);
    }

    private async Task PrepareAsync(PgMigrationTool tool)
    {
        foreach (var (name, text) in ForeignHistories.Files(tool))
        {
            _workspace.Write(name, text);
        }

        await _workspace.ExecuteAsync(ForeignHistories.Script(tool));
    }

    private ImportRequest Request => new() { Migrations = _workspace.Request };

    private Task<PgMigrationRun> ImportAsync(Func<ImportRequest, ImportRequest>? change = null)
        => new ImportHistory().RunAsync(change?.Invoke(Request) ?? Request, _workspace.Sink, CancellationToken.None);

    private Task<IReadOnlyList<string>> PreviewAsync()
        => new ImportHistory().PreviewAsync(Request, _workspace.Sink, CancellationToken.None);

    private async Task<PgOpsException> RefusedAsync(PgErrorCode code, Func<ImportRequest, ImportRequest>? change = null)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => ImportAsync(change));
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        Assert.False(string.IsNullOrEmpty(error.State));
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }

    /// <summary>Every row of the other tool's tables.</summary>
    private Task<string?> DigestAsync() => _workspace.ScalarAsync<string>(
        """
        SELECT string_agg(query_to_xml(format('TABLE %I.%I', schemaname, tablename), true, false, '')::text,
            '' ORDER BY schemaname, tablename)
        FROM pg_tables WHERE schemaname IN ('public', 'sqitch', 'supabase_migrations')
        """);
}
