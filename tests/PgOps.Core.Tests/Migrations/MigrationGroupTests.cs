using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Small migrations travel together; what holds for each of them alone must hold in company too.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationGroupTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public MigrationGroupTests(SandboxServer server)
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

    [PostgresFact]
    public async Task A_migration_that_sets_its_isolation_level_is_let_to()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b text);");
        _workspace.Write("2_b.sql", "BEGIN;\nSET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nINSERT INTO a SELECT "
            + "current_setting('transaction_isolation');\nCOMMIT;");
        _workspace.Write("3_c.sql", "INSERT INTO a SELECT current_setting('transaction_isolation');");

        await _workspace.RunAsync();

        Assert.Equal(
            "repeatable read, read committed", await _workspace.ScalarAsync<string>("SELECT string_agg(b, ', ' ORDER BY b DESC) FROM a"));
    }

    [PostgresFact]
    public async Task Each_of_many_is_a_transaction_of_its_own_with_its_record()
    {
        Fill(1, 120);

        var run = await _workspace.RunAsync();

        Assert.Equal(120, run.Applied.Count);
        Assert.All(run.Applied, migration => Assert.True(migration.Duration >= TimeSpan.Zero));
        Assert.Equal(120, await _workspace.ScalarAsync<long>("SELECT count(DISTINCT xmin::text) FROM pgops.migration_history"));
        Assert.Equal(120, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pgops.migration_history h JOIN pg_class c ON c.relname = 't' || h.version AND c.xmin = h.xmin"));
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresTheory]
    [InlineData("SELECT 1/0", "22012", 3)]
    [InlineData(
        "CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE f (a int REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO f VALUES (1)",
        "23503",
        1)]
    public async Task A_failure_amid_many_stops_there_and_is_told_of_the_right_one(string broken, string state, int line)
    {
        Fill(1, 30);
        _workspace.Delete("17_x.sql");
        _workspace.Write("17_broken.sql", $"-- fine\n\n{broken};\n");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal(state, error.Statement!.SqlState);
        Assert.Contains("17_broken was rolled back whole", error.State, StringComparison.Ordinal);
        Assert.Contains("16 migrations of this run before it are applied, up to 16_x", error.State, StringComparison.Ordinal);
        Assert.True(error.Statement.Line >= line);
        Assert.Equal(16, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history WHERE state = 'applied'"));
        Assert.Equal(16, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r'"));
        Assert.Equal("17", await _workspace.ScalarAsync<string>("SELECT version FROM pgops.migration_history WHERE state = 'failed'"));

        _workspace.Write("17_broken.sql", "CREATE TABLE t17 (a int);");
        Assert.Equal(14, (await _workspace.RunAsync()).Applied.Count);
    }

    [PostgresTheory]
    [InlineData("DEALLOCATE ALL")]
    [InlineData("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")]
    [InlineData("DISCARD PLANS")]
    [InlineData("SET standard_conforming_strings = off")]
    [InlineData("SET search_path = nowhere")]
    [InlineData("CREATE SCHEMA evil; CREATE FUNCTION evil.plus(bigint, int) RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'; CREATE "
        + "OPERATOR evil.+ (FUNCTION = evil.plus, LEFTARG = bigint, RIGHTARG = int); SET search_path = evil, pg_catalog")]
    public async Task What_a_script_does_to_the_session_neither_breaks_its_record_nor_reaches_the_next(string statement)
    {
        Fill(1, 40);
        _workspace.Write("20_x.sql", $"CREATE TABLE t20 (a text DEFAULT 'back\\slash''s $pgops$'); {statement};");

        Assert.Equal(40, (await _workspace.RunAsync()).Applied.Count);

        Assert.All(await _workspace.StatusAsync(), migration => Assert.Equal(PgMigrationState.Applied, migration.State));
        Assert.Equal(40, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r' AND relnamespace = 'public'::regnamespace"));
        Assert.Equal(
            await File.ReadAllTextAsync(Path.Combine(_workspace.Folder, "20_x.sql")),
            await _workspace.ScalarAsync<string>("SELECT script FROM pgops.migration_history WHERE version = '20'"));
    }

    [PostgresFact]
    public async Task A_lock_timeout_amid_many_is_tried_again_and_the_others_follow()
    {
        Fill(1, 30);
        await _workspace.ExecuteAsync("CREATE TABLE busy (a int)");
        _workspace.Delete("12_x.sql");
        _workspace.Write("12_busy.sql", "ALTER TABLE busy ADD b int;");
        await using var blocker = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var command = new Npgsql.NpgsqlCommand("SELECT * FROM busy", blocker, transaction))
        {
            await command.ExecuteScalarAsync();
        }

        var running = _workspace.RunAsync(request => request with { AllowNotEmpty = true, LockTimeout = TimeSpan.FromMilliseconds(200) });
        await Task.Delay(500);
        await transaction.RollbackAsync();

        Assert.Equal(30, (await running).Applied.Count);
        Assert.Equal(30, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history WHERE state = 'applied'"));
    }

    [PostgresFact]
    public async Task A_migration_that_runs_by_statement_keeps_its_place_among_the_others()
    {
        Fill(1, 30);
        _workspace.Delete("15_x.sql");
        _workspace.Delete("16_x.sql");
        _workspace.Write("15_index.sql", "CREATE INDEX CONCURRENTLY t14_a ON t14 (a);");
        _workspace.Write("16_copy.sql", "CREATE TABLE t16 (a int);\nCOPY t16 (a) FROM stdin;\n1\n2\n\\.\n");

        Assert.Equal(30, (await _workspace.RunAsync()).Applied.Count);

        Assert.Equal(
            string.Join(' ', Enumerable.Range(1, 30)),
            await _workspace.ScalarAsync<string>("SELECT string_agg(version, ' ' ORDER BY id) FROM pgops.migration_history"));
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM t16"));
    }

    /// <summary>Writes migrations of a table each; those that a test writes itself take the place of these.</summary>
    private void Fill(int first, int last)
    {
        for (var number = first; number <= last; number++)
        {
            _workspace.Write($"{number}_x.sql", $"CREATE TABLE t{number} (a int);");
        }
    }
}
