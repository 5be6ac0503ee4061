using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A theory that needs PgBouncer: skipped with a reason where it is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PgBouncerTheoryAttribute()
    : PeerTheoryAttribute(PostgresAvailability.Missing ?? Peer.Missing("PgBouncer", PgBouncer.Program), PostgresAvailability.OnlyOnLinux);

/// <summary>A PgBouncer before the test server, on a loopback port.</summary>
internal sealed class PgBouncer : IDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private PgBouncer(Process process, string folder, PgTarget target)
    {
        _process = process;
        _folder = folder;
        Target = target;
    }

    internal static string? Program { get; } = ProgramSearch.OnPath("pgbouncer")
        ?? (File.Exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : null);

    /// <summary>The database, by way of the pooler.</summary>
    internal PgTarget Target { get; }

    internal static async Task<PgBouncer> StartAsync(PgTarget target, string mode, int poolSize)
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        var folder = Directory.CreateTempSubdirectory("pgops-bouncer-").FullName;
        var settings = Path.Combine(folder, "pgbouncer.ini");
        await File.WriteAllTextAsync(settings, $"""
            [databases]
            * = host={target.Host} port={target.Port} user={target.Username} password={target.Password!.Reveal()}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {mode}
            default_pool_size = {poolSize}
            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                folder, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        string[] command = Environment.IsPrivilegedProcess
            ? ["setpriv", $"--reuid={SandboxAccount.Current().Name}", "--regid=nogroup", "--clear-groups", Program!, "-q", settings]
            : [Program!, "-q", settings];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]))!;
        await Eventually.HoldsAsync(() => Answers(port), "PgBouncer listens");
        return new PgBouncer(process, folder, target with { Host = "127.0.0.1", Port = port });
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
