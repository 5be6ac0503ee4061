using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Scripts that run again when they change: Flyway's repeatables, and seeds.</summary>
[Collection(MigrationTests.Name)]
public sealed class RepeatableMigrationTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public RepeatableMigrationTests(SandboxServer server)
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
    public async Task Repeatables_run_after_the_versions_in_the_order_of_their_names_and_again_only_when_changed()
    {
        _workspace.Write("V1__a.sql", "CREATE TABLE a (b text);");
        _workspace.Write("R__z_view.sql", "CREATE OR REPLACE VIEW z AS SELECT * FROM y;");
        _workspace.Write("R__a_view.sql", "CREATE OR REPLACE VIEW y AS SELECT b FROM a;");

        var first = await _workspace.RunAsync();
        var idle = await _workspace.RunAsync();
        _workspace.Write("R__z_view.sql", "CREATE OR REPLACE VIEW z AS SELECT *, 1 AS one FROM y;");
        var due = await _workspace.StatusAsync();
        var second = await _workspace.RunAsync();

        Assert.Equal(["1_a", "R__a_view", "R__z_view"], first.Applied.Select(migration => migration.ToString()));
        Assert.Equal("1", first.ToVersion);
        Assert.Empty(idle.Applied);
        Assert.Equal(
            [PgMigrationState.Applied, PgMigrationState.Applied, PgMigrationState.RepeatableDue], due.Select(migration => migration.State));
        Assert.Equal("R__z_view", Assert.Single(second.Applied).ToString());
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history WHERE kind = 'repeatable'"));
    }

    [PostgresFact]
    public async Task Repeatables_wait_while_versions_wait()
    {
        _workspace.Write("V1__a.sql", "CREATE TABLE a (b text);");
        _workspace.Write("V2__b.sql", "ALTER TABLE a ADD c text;");
        _workspace.Write("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT c FROM a;");

        var first = await _workspace.RunAsync(request => request with { ToVersion = "1" });
        var second = await _workspace.RunAsync();

        Assert.Equal((1, 2), (first.Applied.Count, first.StillPending));
        Assert.Equal(["2_b", "R__view"], second.Applied.Select(migration => migration.ToString()));
    }

    [PostgresFact]
    public async Task A_repeatable_that_fails_is_due_again_and_one_whose_file_is_gone_is_missing()
    {
        _workspace.Write("R__view.sql", "CREATE VIEW v AS SELECT 1 AS a;");
        await _workspace.RunAsync();
        _workspace.Write("R__view.sql", "CREATE VIEW v AS SELECT 2 AS a;");

        await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        Assert.Contains("rolled back", Assert.Single(await _workspace.StatusAsync()).Remark, StringComparison.Ordinal);
        _workspace.Write("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 2 AS a;");
        Assert.Single((await _workspace.RunAsync()).Applied);

        _workspace.Delete("R__view.sql");
        Assert.Equal(PgMigrationState.Missing, Assert.Single(await _workspace.StatusAsync()).State);
    }

    [PostgresFact]
    public async Task Seeds_run_on_request_alone_and_again_only_when_changed()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (b text PRIMARY KEY);");
        _workspace.Write("seeds/2_late.sql", "INSERT INTO a VALUES ('late') ON CONFLICT DO NOTHING;");
        _workspace.Write("1_early.seed.sql", "COPY a FROM stdin;\nearly\n\\.\n");

        var without = await _workspace.RunAsync();
        var with = await _workspace.RunAsync(request => request with { Seed = true });
        var idle = await _workspace.RunAsync(request => request with { Seed = true });
        _workspace.Write("seeds/2_late.sql", "INSERT INTO a VALUES ('later') ON CONFLICT DO NOTHING;");
        var again = await _workspace.RunAsync(request => request with { Seed = true });

        Assert.Single(without.Applied);
        Assert.Equal(["S__1_early", "S__2_late"], with.Applied.Select(migration => migration.ToString()));
        Assert.Equal("1", with.ToVersion);
        Assert.Empty(idle.Applied);
        Assert.Equal("S__2_late", Assert.Single(again.Applied).ToString());
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.Equal(3, await _workspace.ScalarAsync<long>("SELECT count(*) FROM pgops.migration_history WHERE kind = 'seed'"));
        Assert.Single(await _workspace.StatusAsync());
    }
}
