using System.Diagnostics;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// A network that goes silent without closing a connection: the run ends in bounded time, here 1 s of silence instead of 60 s, and
/// nothing that the server still holds keeps the rerun waiting for longer than that.
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class SilentConnectionTests
{
    private const string Effect = "INSERT INTO effect VALUES";
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private readonly SandboxServer _server;

    public SilentConnectionTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresTheory]
    [InlineData(CuttingProxy.Worker, "SELECT pg_sleep(1)")]
    [InlineData(CuttingProxy.Worker, "-- pgops: no-transaction\nSELECT pg_sleep(1)")]
    [InlineData(CuttingProxy.Lock, "SELECT pg_sleep(600)")]
    [InlineData(CuttingProxy.Lock, "-- pgops: no-transaction\nSELECT pg_sleep(600)")]
    [InlineData(-1, "SELECT pg_sleep(1)")]
    public async Task Ends_the_run_as_a_lost_connection_and_the_rerun_succeeds(int connection, string statement)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_first.sql", $"CREATE TABLE effect (note text);\n{Effect} ('1');");
        workspace.Write("2_long.sql", $"{statement};\n{Effect} ('2');");
        await using var proxy = new CuttingProxy(workspace.Target);
        var run = Task.Run(() => workspace.RunAsync(request => request with { Target = proxy.Target, Silence = Silence }));
        await MigrationFaultTests.SleepingAsync(workspace);
        foreach (var silent in connection < 0 ? [CuttingProxy.Lock, CuttingProxy.Worker] : new[] { connection })
        {
            proxy.Silence(silent);
        }

        var clock = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<PgOpsException>(() => run.WaitAsync(TimeSpan.FromSeconds(120)));
        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);

        // On a busy machine the lock's own session may be the first that gives no answer for so short a time.
        Assert.Matches(connection == CuttingProxy.Worker ? "the working session|the migration lock" : "the migration lock", error.Problem);
        workspace.Write("2_long.sql", $"{statement.Replace("(600)", "(1)", StringComparison.Ordinal)};\n{Effect} ('2');");
        await workspace.RunAsync();

        // The statement that nobody waits for any more was not waited for.
        Assert.True(clock.Elapsed.TotalSeconds < 300, $"{clock.Elapsed}");
        Assert.Equal("1|2", await workspace.ScalarAsync<string>("SELECT string_agg(note, '|' ORDER BY note) FROM effect"));
        await MigrationFaultTests.AssertNothingIsHeldAsync(workspace);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_COPY_whose_data_no_longer_arrive_is_noticed_by_its_migrator_or_by_the_next(bool bySilenceOfBoth)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_first.sql", "CREATE TABLE effect (note text);");
        workspace.Write("2_copy.sql", "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql "
            + "AS 'BEGIN PERFORM pg_sleep(0.01); RETURN new; END';\n"
            + "CREATE TRIGGER wait BEFORE INSERT ON effect FOR EACH ROW EXECUTE FUNCTION wait();\n"
            + $"COPY effect FROM stdin;\n{string.Concat(Enumerable.Range(1, 150).Select(row => $"{row} {new string('x', 3000)}\n"))}\\.\n");
        await using var proxy = new CuttingProxy(workspace.Target);
        var run = Task.Run(() => workspace.RunAsync(request => request with { Target = proxy.Target, Silence = Silence }));
        await MigrationFaultTests.SleepingAsync(workspace);
        proxy.Silence(CuttingProxy.Worker);
        if (bySilenceOfBoth)
        {
            proxy.Silence(CuttingProxy.Lock);
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => run.WaitAsync(TimeSpan.FromSeconds(25)));
        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);

        // The rerun is disturbed by nothing but a busy machine, which may fall silent itself for a second.
        await workspace.RunAsync(request => request with { Silence = TimeSpan.FromSeconds(5) });

        Assert.Equal(150, await workspace.ScalarAsync<long>("SELECT count(*) FROM effect"));
    }
}
