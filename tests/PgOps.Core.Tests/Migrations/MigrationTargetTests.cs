using PgOps.Core.Connections;
using PgOps.Core.Tests.Sandbox;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Targets that a migration must refuse, or may use: poolers and standbys.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class MigrationTargetTests
{
    private readonly SandboxServer _server;

    public MigrationTargetTests(SandboxServer server)
    {
        _server = server;
    }

    [PgBouncerTheory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task A_transaction_pooler_is_detected_and_refused_with_the_way_out(int poolSize)
    {
        // Prisma #6053, golang-migrate #992, flyway #2895: session locks behind a transaction pooler protect nothing.
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        using var bouncer = await PgBouncer.StartAsync(workspace.Target, "transaction", poolSize);

        var error = await workspace.FailAsync(PgErrorCode.PoolerDetected, request => request with { Target = bouncer.Target });

        Assert.Contains("DIRECT_URL", error.NextStep, StringComparison.Ordinal);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regnamespace('pgops')::text"));
        var test = await new TestTarget().RunAsync(bouncer.Target, workspace.Sink, CancellationToken.None);
        Assert.True(test.TransactionPooler);
        Assert.False(test.Passed);
    }

    [PgBouncerTheory]
    [InlineData(5)]
    public async Task A_pool_in_session_mode_serves(int poolSize)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        workspace.Write("2_b.sql", "CREATE INDEX CONCURRENTLY a_b ON a (b);");
        using var bouncer = await PgBouncer.StartAsync(workspace.Target, "session", poolSize);

        var run = await workspace.RunAsync(request => request with { Target = bouncer.Target });

        Assert.Equal(2, run.Applied.Count);
    }

    [PostgresFact]
    public async Task An_address_that_names_a_pooler_is_refused_without_asking()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");

        await workspace.FailAsync(PgErrorCode.PoolerDetected, request => request with { Target = request.Target with { Pooled = true } });
    }

    [PostgresFact]
    public async Task Nothing_that_answers_a_wrong_password_and_a_missing_database_are_told_apart()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        var secret = new PgSecret("wrong-secret");

        var errors = new List<PgOpsException>();
        foreach (var target in new[]
        {
            workspace.Target with { Host = "127.0.0.1", Port = 1 },
            workspace.Target.WithPassword(secret),
            workspace.Target.WithDatabase("nowhere"),
        })
        {
            errors.Add(await workspace.FailAsync(request => request with { Target = target }));
        }

        Assert.Equal(
            [PgErrorCode.ConnectionFailed, PgErrorCode.PermissionDenied, PgErrorCode.ConnectionFailed], errors.Select(error => error.Code));
        Assert.All(errors, error => Assert.False(string.IsNullOrEmpty(error.NextStep)));
        Assert.DoesNotContain("wrong-secret", string.Concat(errors), StringComparison.Ordinal);
        Assert.DoesNotContain(workspace.Target.Password!.Reveal(), string.Concat(errors), StringComparison.Ordinal);
    }

    [LinuxPostgresFact]
    public async Task A_standby_is_refused()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        using var standby = await Standby.StartAsync(_server);

        var error = await workspace.FailAsync(
            PgErrorCode.ServerVersionUnsupported, request => request with { Target = standby.Target.WithDatabase("postgres") });

        Assert.Contains("is a standby", error.Problem, StringComparison.Ordinal);
        var test = await new TestTarget().RunAsync(standby.Target, workspace.Sink, CancellationToken.None);
        Assert.True(test.InRecovery);
    }
}
