using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Sandbox;

[Collection(MigrationTests.Name)]
public sealed class SandboxServerTests
{
    private readonly SandboxServer _server;

    public SandboxServerTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task Hands_out_an_empty_database_to_each_test()
    {
        var one = await _server.CreateDatabaseAsync();
        var other = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(one, "CREATE TABLE t (x int)");
        Assert.Null(await SandboxServer.ExecuteAsync(other, "SELECT to_regclass('t')::text") as string);
        Assert.NotEqual(one.Database, other.Database);
    }
}
