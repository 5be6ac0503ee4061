using System.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Tests.Support;

/// <summary>Keys of every kind, made on the spot.</summary>
internal static class Signer
{
    internal static X509Certificate2 Certificate(bool curve = false)
    {
        var now = DateTimeOffset.UtcNow;
        if (curve)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return new CertificateRequest("CN=backups", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        }

        using var rsa = RSA.Create(2048);
        return new CertificateRequest("CN=backups", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    internal static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (var character in text)
        {
            secret.AppendChar(character);
        }

        return secret;
    }

    internal static BackupKey Key(string kind) => kind switch
    {
        "rsa" => BackupKey.From(Certificate()),
        "ecdsa" => BackupKey.From(Certificate(curve: true)),
        _ => BackupKey.From(Secret("a long and random secret, made up for this test: " + kind)),
    };
}
