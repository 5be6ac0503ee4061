using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>
/// A server that takes nothing but encrypted connections (hostssl), with a certificate of an authority of the test's own.
/// </summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class EncryptedServerTests : IDisposable
{
    private const string Password = "longsecret";
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public EncryptedServerTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Everything_goes_through_with_the_authority_given_and_nothing_without()
    {
        var port = FreePort();
        using var encrypted = await PrivateServer.CreateAsync(_server.Target, port, Protect);
        var socket = await encrypted.StartAsync(_server.Target);
        await SandboxServer.ExecuteAsync(socket, $"ALTER ROLE {socket.Username} PASSWORD '{Password}'");
        await SandboxServer.ExecuteAsync(socket, "CREATE DATABASE shop");
        var target = (socket with
        {
            Host = "localhost",
            Database = "shop",
            SslMode = PgSslMode.VerifyFull,
            SslRootCertificate = Certificate("root"),
        })
            .WithPassword(new PgSecret(Password));
        await SandboxServer.ExecuteAsync(
            socket with { Database = "shop" },
            "CREATE TABLE t AS SELECT g AS id, 'row ' || g AS what FROM generate_series(1, 500) g; "
                + "ALTER TABLE t ADD PRIMARY KEY (id); CREATE SEQUENCE s");

        var test = await new TestTarget().RunAsync(target, _sink, CancellationToken.None);
        Assert.True(test.Passed, string.Join('\n', test.Checks));
        foreach (var format in Enum.GetValues<PgBackupFormat>())
        {
            var backup = await OddDatabase.BackUpAsync(target, _folder, format);
            var drill = await new TestRestore().RunAsync(new() { Backup = backup, Server = target }, _sink, CancellationToken.None);
            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            var name = $"copy_{format}".ToLowerInvariant();
            var restore = await new RestoreDatabase().RunAsync(
                new() { Backup = backup, Target = target, Database = name }, _sink, CancellationToken.None);
            Assert.Equal(
                (500L, target.SslMode, target.SslRootCertificate),
                (restore.Rows, restore.Target.SslMode, restore.Target.SslRootCertificate));
            var comparison = await new CompareDatabase().RunAsync(
                new() { ReferenceTarget = target, Difference = restore.Target }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        }

        await RefusedAsync(target with { SslMode = PgSslMode.Disable }, "encrypted connections only", "pg_hba.conf");
        await RefusedAsync(target with { SslRootCertificate = Certificate("other") }, "sslrootcert", "certificate verify failed");
        await RefusedAsync(target with { Host = "127.0.0.1" }, "host name of the certificate", "does not match host name");
    }

    /// <summary>Neither PgOps nor a program of PostgreSQL's own comes in, and PgOps says why and how to.</summary>
    private async Task RefusedAsync(PgTarget target, string wayOut, string toolSays)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => OddDatabase.BackUpAsync(target, _folder));
        Assert.Contains($"{target.Host}:{target.Port}", error.Problem, StringComparison.Ordinal);
        Assert.Contains(wayOut, error.NextStep, StringComparison.Ordinal);
        var dump = await ToolProcess.RunAsync(
            new ToolCommand(PostgresBinaries.Client("pg_dump").Path, "--schema-only") { Target = target }, CancellationToken.None);
        Assert.NotEqual(0, dump.ExitCode);
        Assert.Contains(toolSays, string.Join('\n', dump.Errors), StringComparison.Ordinal);
    }

    private string Certificate(string authority) => Path.Combine(_folder.Path, authority + ".pem");

    /// <summary>Makes two authorities, of which one speaks for the server, and a server that demands encryption.</summary>
    private void Protect(string data)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        foreach (var name in new[] { "other", "root" })
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
            using var authority = request.CreateSelfSigned(from, to);
            File.WriteAllText(Certificate(name), authority.ExportCertificatePem());
            if (name == "root")
            {
                using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                var wish = new CertificateRequest("CN=localhost", own, HashAlgorithmName.SHA256);
                var names = new SubjectAlternativeNameBuilder();
                names.AddDnsName("localhost");
                wish.CertificateExtensions.Add(names.Build());
                using var certificate = wish.Create(authority, from, to.AddDays(-1), [1, 2, 3, 4]);
                File.WriteAllText(Path.Combine(data, "server.crt"), certificate.ExportCertificatePem());
                File.WriteAllText(Path.Combine(data, "server.key"), own.ExportPkcs8PrivateKeyPem());
            }
        }

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(data, "server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.AppendAllText(Path.Combine(data, "postgresql.conf"), "ssl = on\nfsync = off\n");
        File.WriteAllText(Path.Combine(data, "pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
