using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Locks in the way: another migrator's, and those of sessions that use the tables.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class MigrationLockTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public MigrationLockTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
            _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task A_waiter_that_gives_up_names_the_holder()
    {
        _workspace.Write("1_a.sql", "SELECT pg_sleep(600);");
        var holder = _workspace.RunAsync();
        await MigrationFaultTests.SleepingAsync(_workspace);

        var error =
            await _workspace.FailAsync(PgErrorCode.MigrationLocked, request => request with { WaitTimeout = TimeSpan.FromSeconds(3) });

        Assert.Matches(@"another migrator holds the lock: pid \d+, PgOps from .+, since \d{4}-", error.Problem);
        Assert.Contains(_workspace.Sink.Reports, report => report.Status.Contains("pid ", StringComparison.Ordinal));
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.StartsWith("Waiting: another migrator", StringComparison.Ordinal));
        await _workspace.ExecuteAsync(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'");
        await Assert.ThrowsAsync<PgOpsException>(() => holder);
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData("-- pgops: no-transaction\n")]
    public async Task A_lock_timeout_is_tried_again_until_the_blocker_has_gone(string directive)
    {
        await _workspace.RunAsync();
        _workspace.Write("2_b.sql", $"{directive}CREATE TABLE c (d int);\nALTER TABLE a ADD c int;");
        await using var blocker = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await blocker.BeginTransactionAsync();
        await using var select = new Npgsql.NpgsqlCommand("SELECT * FROM a", blocker);
        await select.ExecuteNonQueryAsync();
        var run = _workspace.RunAsync(request => request with { LockTimeout = TimeSpan.FromMilliseconds(300) });

        // Others are not held up meanwhile: the queue behind the ALTER dissolves at each timeout, while the blocker still blocks.
        await MigrationFaultTests.WaitingAsync(_workspace, "wait_event_type = 'Lock'");
        await _workspace.ExecuteAsync("SELECT * FROM a").WaitAsync(TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync(
            () => _workspace.Sink.Lines.Any(line => line.Text.Contains("Attempt 2 of 6", StringComparison.Ordinal)), "the second attempt");
        await transaction.CommitAsync();
        await run;

        var warning = Assert.Single(_workspace.Sink.Lines, line => line.Text.Contains("Attempt 2 of 6", StringComparison.Ordinal));
        Assert.Contains("55P03", warning.Text, StringComparison.Ordinal);
        Assert.Contains($"pid {blocker.ProcessID} (postgres, PgOps sandbox, idle in transaction", warning.Text, StringComparison.Ordinal);
        Assert.Contains("SELECT * FROM a", warning.Text, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("", "rolled back whole")]
    [InlineData("-- pgops: no-transaction\n", "1 of 2 statements is done")]
    public async Task A_blocker_that_stays_is_named_in_the_error(string directive, string state)
    {
        await _workspace.RunAsync();
        _workspace.Write("2_b.sql", $"{directive}CREATE TABLE c (d int);\nALTER TABLE a ADD c int;");
        await using var blocker = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await blocker.BeginTransactionAsync();
        await using var select = new Npgsql.NpgsqlCommand("SELECT * FROM a", blocker);
        await select.ExecuteNonQueryAsync();

        var error = await _workspace.FailAsync(
            PgErrorCode.MigrationFailed, request => request with { LockTimeout = TimeSpan.FromMilliseconds(300), LockRetries = 0 });

        Assert.Equal(("55P03", directive.Length == 0 ? 2 : 3), (error.Statement!.SqlState, error.Statement.Line));
        Assert.Contains($"LOCK HELD BY: pid {blocker.ProcessID} ", error.Problem, StringComparison.Ordinal);
        Assert.Contains("pg_terminate_backend", error.NextStep, StringComparison.Ordinal);
        Assert.Contains(state, error.State, StringComparison.Ordinal);
        await transaction.CommitAsync();
        await _workspace.RunAsync();
    }

    [PostgresFact]
    public async Task A_blocker_of_an_earlier_statement_is_not_blamed_for_a_later_error()
    {
        await _workspace.RunAsync();
        _workspace.Write("2_b.sql", "ALTER TABLE a ADD c int;\nSELECT 1 / 0;");
        await using var blocker = await SandboxServer.OpenAsync(_workspace.Target);
        await using var transaction = await blocker.BeginTransactionAsync();
        await using var select = new Npgsql.NpgsqlCommand("SELECT * FROM a", blocker);
        await select.ExecuteNonQueryAsync();
        var run = _workspace.FailAsync(PgErrorCode.MigrationFailed);
        await Task.Delay(1200);
        await transaction.CommitAsync();

        var error = await run;

        Assert.DoesNotContain("LOCK HELD BY", error.Problem, StringComparison.Ordinal);
        Assert.Single(_workspace.Sink.Lines, line => line.Text.StartsWith("Waiting for a lock held by", StringComparison.Ordinal));
    }
}
