using System.Security;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Repository.Signing;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>The key that -SigningCertificate and -SigningKey mean together.</summary>
internal static class SigningParameters
{
    /// <summary>Makes the key; null when neither is given.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static BackupKey? Key(X509Certificate2? certificate, SecureString? secret)
        => (certificate, secret) switch
        {
            (null, null) => null,
            ({ } given, null) => BackupKey.From(given),
            (null, { } given) => BackupKey.From(given),
            _ => throw new PgOpsException(
                PgErrorCode.InvalidArgument, "Both -SigningCertificate and -SigningKey are given.", nextStep: "Give one of them."),
        };
}
