using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Support;

/// <summary>A streaming standby of the test server, on a socket of its own.</summary>
internal sealed class Standby : IDisposable
{
    private readonly PrivateServer _server = new();

    private Standby()
    {
    }

    internal PgTarget Target { get; private set; } = null!;

    internal static async Task<Standby> StartAsync(SandboxServer server)
    {
        var standby = new Standby();
        try
        {
            var result = await ToolProcess.RunAsync(
                new ToolCommand(
                    PostgresBinaries.Client("pg_basebackup").Path,
                    "-D",
                    standby._server.Data,
                    "-R",
                    "-X",
                    "fetch",
                    "-c",
                    "fast",
                    "--no-sync")
                { Target = server.Target },
                CancellationToken.None);
            result.EnsureSuccess();
            standby.Target = await standby._server.StartAsync(server.Target);
            Assert.True((await new TestTarget().RunAsync(standby.Target, new CollectingSink(), CancellationToken.None)).InRecovery);
            return standby;
        }
        catch
        {
            standby.Dispose();
            throw;
        }
    }

    public void Dispose() => _server.Dispose();
}
