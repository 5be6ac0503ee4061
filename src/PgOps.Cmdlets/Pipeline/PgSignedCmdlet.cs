using System.Management.Automation;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Repository.Signing;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Base of the cmdlets that hold backups against a key.</summary>
public abstract class PgSignedCmdlet : PgCmdlet
{
    private BackupKey? _key;

    /// <summary>
    /// The certificate that must have signed, with or without its private key: the certificate, its file, or its thumbprint in the user's
    /// or the machine's store.
    /// </summary>
    [Parameter]
    [CertificateTransformation]
    public X509Certificate2? SigningCertificate { get; set; }

    /// <summary>The secret that must have signed, instead of a certificate; at least 16 characters.</summary>
    [Parameter]
    public SecureString? SigningKey { get; set; }

    /// <summary>The key that must have signed; null when none is asked for.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    private protected BackupKey? Key() => _key ??= SigningParameters.Key(SigningCertificate, SigningKey);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _key?.Dispose();
        }

        base.Dispose(disposing);
    }
}
