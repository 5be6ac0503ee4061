using PgOps.Core.Backups;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>A backup of PostgreSQL 15 or newer on a server before 15, whose schema public begins with others.</summary>
[Trait("Category", "Slow")]
public sealed class OlderServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose() => _folder.Dispose();

    [ServersTheory]
    [InlineData(15, 14)]
    [InlineData(15, 13)]
    [InlineData(18, 14)]
    public async Task What_the_schema_public_begins_with_is_named_with_the_way_out(int newer, int older)
    {
        var tools = PeerServers.Clients.First(client => client.Major >= newer).BinPath;
        var source = await StartAsync(newer);
        var target = await StartAsync(older);
        try
        {
            await SandboxServer.ExecuteAsync(source.Target, "CREATE DATABASE shop");
            await SandboxServer.ExecuteAsync(source.Target.WithDatabase("shop"), "CREATE TABLE t AS SELECT generate_series(1, 10) AS a");
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source.Target.WithDatabase("shop"), Path = _folder.Path, BinPath = tools }, _sink,
                CancellationToken.None);
            var request = new RestoreDatabaseRequest
            {
                Backup = backup,
                Target = target.Target,
                Database = "shop",
                BinPath = tools,
                Force = true,
            };

            var error = await Assert.ThrowsAsync<PgOpsException>(
                () => new RestoreDatabase().RunAsync(request, _sink, CancellationToken.None));
            Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
            Assert.Contains("since 15 the schema public begins with the owner pg_database_owner", error.Problem, StringComparison.Ordinal);
            Assert.Equal(
                "Restore to PostgreSQL 15 or newer; or restore with -NoOwner and -NoPrivileges, then in the copy REVOKE CREATE ON SCHEMA "
                    + "public FROM PUBLIC, and set owners and grants.",
                error.NextStep);

            var restore = await new RestoreDatabase().RunAsync(
                request with { NoOwner = true, NoPrivileges = true }, _sink, CancellationToken.None);
            Assert.Equal(10L, await SandboxServer.ExecuteAsync(restore.Target, "SELECT count(*) FROM t"));
            await SandboxServer.ExecuteAsync(restore.Target, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        }
        finally
        {
            await StopAsync(source);
            await StopAsync(target);
        }
    }

    private Task<PgSandbox> StartAsync(int major) => new StartSandbox().RunAsync(
        new StartSandboxRequest { BinPath = PeerServers.Newest.Single(server => server.Major == major).BinPath }, _sink,
        CancellationToken.None);

    private Task StopAsync(PgSandbox sandbox)
        => new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
}
