using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// The client's certificate, key and chain, taken and refused as libpq takes and refuses them
/// (https://www.postgresql.org/docs/current/libpq-ssl.html), so that what PgOps' own sessions can do, pg_dump can do, too.
/// </summary>
internal static class ClientCertificate
{
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string EllipticCurve = "1.2.840.10045.2.1";

    /// <summary>Has the driver show the target's certificate.</summary>
    /// <param name="builder">The driver's data source.</param>
    /// <param name="target">The target.</param>
    /// <returns>A folder to be disposed of once the connection stands; null when there is none.</returns>
    /// <exception cref="PgOpsException">TargetInvalid: a file that libpq would not take; it is named.</exception>
    internal static IDisposable? Use(NpgsqlSlimDataSourceBuilder builder, PgTarget target)
    {
        // Without a file the driver would take one that PGSSLROOTCERT or the home folder has, and there "system" is a file's name.
        if (target.SslRootCertificate == TargetCertificates.System && TargetCertificates.Encrypts(target))
        {
            builder.UseRootCertificatesCallback(() =>
            {
                using var store = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
                return store.Certificates;
            });
        }

        if (Load(target) is not { } context)
        {
            return null;
        }

        builder.UseSslClientAuthenticationOptionsCallback(options => options.ClientCertificateContext = context);

        // The driver also reads PGSSLCERT and the usual file by itself, and stumbles over forms that libpq takes: it gets one to read
        // that is never shown.
        if (Environment.GetEnvironmentVariable("PGSSLCERT") is null && TargetCertificates.UsualFile("postgresql.crt") is null)
        {
            return null;
        }

        var folder = new PrivateFolder();
        var file = Path.Combine(folder.Path, "unused.pem");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var unused = new CertificateRequest("CN=unused", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(file, unused.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        (builder.ConnectionStringBuilder.SslCertificate, builder.ConnectionStringBuilder.SslKey) = (file, file);
        return folder;
    }

    /// <summary>Reads certificate, chain and key.</summary>
    /// <returns>Null where there is none to show.</returns>
    internal static SslStreamCertificateContext? Load(PgTarget target)
    {
        if (TargetCertificates.ClientFile(target) is not { } path)
        {
            return null;
        }

        var chain = Read(path);
        var leaf = chain[0];
        chain.RemoveAt(0);
        var keyPath = target.SslKey ?? TargetCertificates.UsualFile("postgresql.key") ?? throw TargetParser.Invalid(
            $"sslcert: there is a certificate, {path}, and no key to it: neither sslkey nor ~/.postgresql/postgresql.key.",
            $"Give sslkey, the file with its key. If {path} holds the key, too: sslkey={path}.");
        var key = new ClientKey(keyPath, target.SslPassword?.Reveal());
        return SslStreamCertificateContext.Create(WithKey(leaf, path, key), chain, offline: true);
    }

    private static X509Certificate2 WithKey(X509Certificate2 leaf, string path, ClientKey key)
    {
        var kind = leaf.PublicKey.Oid.Value;
        if (kind is not (Rsa or EllipticCurve))
        {
            throw TargetParser.Invalid(
                $"sslcert: {path} has a key of the kind {leaf.PublicKey.Oid.FriendlyName ?? kind}. PgOps' own sessions can show RSA and "
                    + "ECDSA only.",
                "Have a certificate made for an RSA or an ECDSA key.");
        }

        try
        {
            if (kind == Rsa)
            {
                using var rsa = key.Read(RSA.Create);
                return Usable(leaf.CopyWithPrivateKey(rsa));
            }

            using var ec = key.Read(ECDsa.Create);
            return Usable(leaf.CopyWithPrivateKey(ec));
        }
        catch (ArgumentException)
        {
            throw ClientKey.Mismatch(key.Path, path);
        }
    }

    // Windows shows no certificate whose key lives in memory only.
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        using (certificate)
        {
            return new X509Certificate2(certificate.Export(X509ContentType.Pkcs12));
        }
    }

    private static X509Certificate2Collection Read(string path)
    {
        var bytes = TargetCertificates.ReadFile(path, "sslcert");
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(System.Text.Encoding.Latin1.GetString(bytes));
        }
        catch (CryptographicException error)
        {
            throw TargetParser.Invalid($"sslcert: {path} cannot be read: {error.Message}", "Name a certificate in PEM form.");
        }

        return chain.Count > 0 ? chain : throw TargetParser.Invalid(
            $"sslcert: {path} is not a certificate in PEM form, and the programs of PostgreSQL take no other.", Conversion(path, bytes));
    }

    private static string Conversion(string path, byte[] bytes)
    {
        var kind = X509ContentType.Unknown;
        try
        {
            kind = X509Certificate2.GetCertContentType(bytes);
        }
        catch (CryptographicException)
        {
            // It is nothing of that kind.
        }

        return kind switch
        {
            X509ContentType.Cert => $"Convert it: openssl x509 -inform DER -in '{path}' -out '{path}.pem', then sslcert={path}.pem.",
            X509ContentType.Pkcs12 => $"Convert it: openssl pkcs12 -in '{path}' -nodes -out '{path}.pem'; chmod 600 '{path}.pem', then "
                + $"sslcert={path}.pem and sslkey={path}.pem.",
            _ => "Name the file with the client's certificate.",
        };
    }
}
