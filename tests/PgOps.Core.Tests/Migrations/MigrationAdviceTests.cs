using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>What people are told to do when a migration fails, and what is forgiven them.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationAdviceTests(SandboxServer server) : IAsyncLifetime
{
    private MigrationWorkspace _workspace = null!;

    public async Task InitializeAsync() => _workspace = await MigrationWorkspace.CreateAsync(server);

    public Task DisposeAsync()
    {
        _workspace.Dispose();
        return Task.CompletedTask;
    }

    [PostgresTheory]
    [InlineData(
        "CREATE TYPE mood AS ENUM ('a');", "ALTER TYPE mood ADD VALUE 'b'; CREATE TABLE m AS SELECT 'b'::mood;", "55P04",
        "a migration of its own before this one")]
    [InlineData(
        "CREATE TABLE p (i int PRIMARY KEY); CREATE TABLE c (i int REFERENCES p DEFERRABLE INITIALLY DEFERRED);",
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1); ALTER TABLE c ADD k int;", "55006", "SET CONSTRAINTS ALL IMMEDIATE")]
    public async Task The_way_out_is_that_of_the_error(string before, string text, string state, string next)
    {
        _workspace.Write("1_a.sql", before);
        _workspace.Write("2_b.sql", text);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal(state, error.Statement!.SqlState);
        Assert.Contains(next, error.NextStep, StringComparison.Ordinal);
        Assert.DoesNotContain(
            _workspace.Sink.Lines, line => line.Text.Contains("no transaction in progress", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task A_setting_of_a_newer_pg_dump_that_does_nothing_is_forgiven()
    {
        _workspace.Write("1_dump.sql", "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nCREATE TABLE a (i int);");
        Assert.Single((await _workspace.RunAsync()).Applied);
        _workspace.Write("2_b.sql", "SET no_such_setting = 0;");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
    }

    [Fact]
    public void JDBCs_schema_is_the_search_path()
        => Assert.Equal("-c search_path=app", TargetParser.Parse("jdbc:postgresql://db1/shop?user=a&currentSchema=app").Options);

    [PostgresFact]
    public async Task An_INVALID_index_that_stays_is_named_with_the_command_that_drops_it()
    {
        await _workspace.ExecuteAsync("CREATE TABLE t AS SELECT 1 AS i FROM generate_series(1, 2)");
        _workspace.Write("1_i.sql", "CREATE UNIQUE INDEX CONCURRENTLY t_i ON t (i);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { AllowNotEmpty = true });
        var sink = new CollectingSink();

        await new RepairMigration().RunAsync(_workspace.Request, "1", MigrationRepair.MarkNotApplied, "the test", sink,
            CancellationToken.None);

        Assert.Contains(sink.Lines, line => line.Text.Contains("DROP INDEX CONCURRENTLY \"public\".\"t_i\";", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task The_contract_behind_a_rename_takes_its_trigger_along()
    {
        _workspace.Write("1_t.sql", "CREATE TABLE users (id int, old_id int);");
        var rename = MigrationNaming.Read("rename_old_id_to_new_id_in_users", _workspace.Folder).Script!;
        _workspace.Write("2_rename_old_id_to_new_id_in_users.sql", rename.Replace("/* type of old_id */", "int", StringComparison.Ordinal));
        var contract = MigrationNaming.Read("remove_old_id_from_users", _workspace.Folder).Script!;
        _workspace.Write("3_remove_old_id_from_users.sql", contract);

        Assert.Equal(3, (await _workspace.RunAsync()).Applied.Count);
        await _workspace.ExecuteAsync("INSERT INTO users (id, new_id) VALUES (1, 2)");

        Assert.Contains("DROP TRIGGER \"users_new_id_sync\" ON \"users\";", contract, StringComparison.Ordinal);
        Assert.DoesNotContain("DROP TRIGGER", MigrationNaming.Read("remove_id_from_users", _workspace.Folder).Script!,
            StringComparison.Ordinal);
    }
}
