using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>A server that lets in by certificate only: PgOps' own sessions and PostgreSQL's programs come in with the same files.</summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class ClientCertificateTests(SandboxServer server) : IDisposable
{
    private const string Password = "keeper-of-keys";
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task PgOps_and_the_programs_take_and_refuse_the_same_files()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var certified = await PrivateServer.CreateAsync(server.Target, port, Protect);
        var socket = await certified.StartAsync(server.Target);
        await SandboxServer.ExecuteAsync(socket, "CREATE ROLE ann SUPERUSER LOGIN; CREATE TABLE t AS SELECT 1 AS i");
        var target = socket with
        {
            Host = "localhost",
            Username = "ann",
            Password = null,
            SslMode = PgSslMode.VerifyFull,
            SslRootCertificate = At("root.pem"),
            SslCertificate = At("chain.pem"),
            SslKey = At("key.pem"),
        };
        var locked = target with { SslKey = At("locked.pem"), SslPassword = new PgSecret(Password) };

        await EqualAsync(target, null);
        await EqualAsync(target with { SslKey = At("key.der") }, null);
        await EqualAsync(locked, null);
        await EqualAsync(target with { SslMode = PgSslMode.Require }, null);
        await EqualAsync(locked with { SslPassword = new PgSecret("wrong") }, "locked.pem does not open with the sslpassword");
        await EqualAsync(target with { SslKey = At("open.pem") }, "open.pem is open to others (644)");
        await EqualAsync(target with { SslKey = At("other.pem") }, "other.pem is not the key of the certificate");
        await EqualAsync(target with { SslKey = At("none.pem") }, "there is no file " + At("none.pem"));
        await EqualAsync(target with { SslKey = _folder.Path }, "is a folder");
        await EqualAsync(target with { SslCertificate = At("leaf.pem") }, "when it was shown the certificate " + At("leaf.pem"));
        await EqualAsync(target with { SslCertificate = At("leaf.der") }, "leaf.der is not a certificate in PEM form");
        await EqualAsync(target with { SslCertificate = null, SslKey = null }, "No certificate was shown");
        await EqualAsync(target with { SslRootCertificate = At("root.der") }, "root.der is not in PEM form");
        await EqualAsync(target with { SslRootCertificate = At("other-root.pem") }, "It is verified by " + At("other-root.pem"));
        await EqualAsync(target with { SslRootCertificate = null }, "sslmode=verify-full needs the authority's certificate");

        // With several jobs pg_dump connects again and again; the restoring programs need the password, too.
        var backup = await OddDatabase.BackUpAsync(locked, _folder, PgBackupFormat.Directory);
        var drill = await new TestRestore().RunAsync(new() { Backup = backup, Server = locked }, _sink, CancellationToken.None);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
    }

    private async Task EqualAsync(PgTarget target, string? refusal)
    {
        var programs = new List<string>();
        var psql = await ToolProcess.RunAsync(
            new ToolCommand(PostgresBinaries.Client("psql").Path, "-wXAtc", "SELECT 1") { Target = target, OnError = programs.Add },
            CancellationToken.None);
        var test = await new TestTarget().RunAsync(target, _sink, CancellationToken.None);
        var said = test.Checks[0].Detail ?? "";

        Assert.Equal((refusal is null, ""), (psql.ExitCode == 0, refusal is null ? string.Join('\n', programs) : ""));
        Assert.True(test.Checks[0].Status == (refusal is null ? PgCheckStatus.Passed : PgCheckStatus.Failed), said);
        Assert.Contains(refusal ?? "connected as ann", said, StringComparison.Ordinal);
        Assert.DoesNotContain(Password, said, StringComparison.Ordinal);
        Assert.Equal(refusal is null, test.Encrypted == true);
    }

    private string At(string name) => Path.Combine(_folder.Path, name);

    private void Protect(string data)
    {
        using var root = new Authority("root", null);
        using var other = new Authority("other", null);
        using var between = new Authority("between", root);
        var (serverCertificate, serverKey) = root.Sign("localhost");
        File.WriteAllText(Path.Combine(data, "server.crt"), serverCertificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(data, "server.key"), serverKey.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(data, "clients.crt"), root.Certificate.ExportCertificatePem());
        var (certificate, key) = between.Sign("ann");
        File.WriteAllText(At("root.pem"), root.Certificate.ExportCertificatePem());
        File.WriteAllText(At("other-root.pem"), other.Certificate.ExportCertificatePem());
        File.WriteAllBytes(At("root.der"), root.Certificate.RawData);
        File.WriteAllText(At("leaf.pem"), certificate.ExportCertificatePem());
        File.WriteAllBytes(At("leaf.der"), certificate.RawData);
        File.WriteAllText(At("chain.pem"), certificate.ExportCertificatePem() + "\n" + between.Certificate.ExportCertificatePem());
        File.WriteAllText(At("key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(At("open.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllBytes(At("key.der"), key.ExportECPrivateKey());
        File.WriteAllText(At("other.pem"), serverKey.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(At("locked.pem"), key.ExportEncryptedPkcs8PrivateKeyPem(
            Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        foreach (var name in new[] { Path.Combine(data, "server.key"), At("key.pem"), At("key.der"), At("other.pem"), At("locked.pem") })
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(name, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
        }

        File.AppendAllText(Path.Combine(data, "postgresql.conf"), "ssl = on\nssl_ca_file = 'clients.crt'\nfsync = off\n");
        File.WriteAllText(Path.Combine(data, "pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 cert\n");
    }

    private sealed class Authority : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        internal Authority(string name, Authority? by)
        {
            var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            Certificate = by is null
                ? request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(20))
                : by.Issue(request).CopyWithPrivateKey(_key);
        }

        internal X509Certificate2 Certificate { get; }

        public void Dispose()
        {
            Certificate.Dispose();
            _key.Dispose();
        }

        internal (X509Certificate2 Certificate, ECDsa Key) Sign(string name)
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            return (Issue(request), key);
        }

        private X509Certificate2 Issue(CertificateRequest request) => request.Create(
            Certificate, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10), RandomNumberGenerator.GetBytes(8));
    }
}
