using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// What an interrupted REINDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY or DROP INDEX CONCURRENTLY leaves, and the rerun.
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class InterruptedStatementTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public InterruptedStatementTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
            _workspace.Write(
                "1_first.sql",
                """
                CREATE TABLE "Big" (a int PRIMARY KEY, t text);
                INSERT INTO "Big" SELECT g, 'x' FROM generate_series(1, 100) g;
                CREATE TABLE parted (a int NOT NULL) PARTITION BY RANGE (a);
                CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
                CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);
                CREATE INDEX spare ON "Big" (t);
                """);
            await _workspace.RunAsync();
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresTheory]
    [InlineData("REINDEX TABLE CONCURRENTLY \"Big\"")]
    [InlineData("REINDEX INDEX CONCURRENTLY \"Big_pkey\"")]
    [InlineData("REINDEX (VERBOSE, CONCURRENTLY) SCHEMA public")]
    public async Task The_twins_of_an_interrupted_REINDEX_are_dropped(string statement)
    {
        await InterruptAsync($"{statement};", "\"Big\"");
        Assert.NotEqual(0, await InvalidAsync());

        await _workspace.RunAsync();

        Assert.Equal(0, await InvalidAsync());
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pg_index WHERE indrelid = '\"Big\"'::regclass"));
    }

    [PostgresFact]
    public async Task An_interrupted_detachment_is_finished()
    {
        await InterruptAsync("ALTER TABLE parted DETACH PARTITION low CONCURRENTLY;\nINSERT INTO low VALUES (5);", "parted");
        Assert.True(await _workspace.ScalarAsync<bool>("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'low'::regclass"));

        await _workspace.RunAsync();

        Assert.Equal("high", await _workspace.ScalarAsync<string>(
            "SELECT string_agg(inhrelid::regclass::text, ',') FROM pg_inherits WHERE inhparent = 'parted'::regclass"));
    }

    [PostgresFact]
    public async Task An_interrupted_drop_of_an_index_is_done_again()
    {
        await InterruptAsync("DROP INDEX CONCURRENTLY spare;", "\"Big\"");
        Assert.Equal(1, await InvalidAsync());

        await _workspace.RunAsync();

        Assert.Equal(1, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pg_index WHERE indrelid = '\"Big\"'::regclass"));
    }

    /// <summary>
    /// Begins a migration whose statement waits for an old transaction that has used the table, and ends its session there.
    /// </summary>
    private async Task InterruptAsync(string script, string table)
    {
        _workspace.Write("2_b.sql", script);
        await using var old = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await old.BeginTransactionAsync();
        await using var select = new Npgsql.NpgsqlCommand($"SELECT count(*) FROM {table}", old);
        await select.ExecuteScalarAsync();
        var run = _workspace.RunAsync();
        await MigrationFaultTests.WaitingAsync(_workspace, "wait_event_type = 'Lock' AND query ~ '^(REINDEX|ALTER|DROP)'");
        await _workspace.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");

        var error = await Assert.ThrowsAsync<PgOpsException>(() => run);
        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);
    }

    private async Task<long> InvalidAsync() => await _workspace.ScalarAsync<long>("SELECT count(*) FROM pg_index WHERE NOT indisvalid");
}
