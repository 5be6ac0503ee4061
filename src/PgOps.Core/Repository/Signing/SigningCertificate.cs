using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PgOps.Core.Repository.Signing;

/// <summary>Finds a certificate by what a person writes.</summary>
public static class SigningCertificate
{
    private const int ThumbprintLength = 40;

    /// <summary>
    /// Loads it: a file (.pfx or .p12 without password, .pem, .cer, .crt), or by thumbprint from the user's or the machine's store.
    /// </summary>
    /// <param name="name">A full path, or a thumbprint.</param>
    /// <exception cref="PgOpsException">PathNotFound or InvalidArgument.</exception>
    public static X509Certificate2 Load(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (File.Exists(name))
        {
            return FromFile(name);
        }

        var thumbprint = name.Replace(" ", "", StringComparison.Ordinal);
        return (thumbprint.Length == ThumbprintLength && thumbprint.All(char.IsAsciiHexDigit)
                ? FromStore(StoreLocation.CurrentUser, thumbprint) ?? FromStore(StoreLocation.LocalMachine, thumbprint)
                : null)
            ?? throw new PgOpsException(
                PgErrorCode.PathNotFound,
                $"There is no certificate {name}: no such file, and no such thumbprint in the store My of the user or the machine.",
                nextStep: "Give a file, a thumbprint, or the certificate itself (Get-Item Cert:\\CurrentUser\\My\\…, Get-PfxCertificate).");
    }

    private static X509Certificate2 FromFile(string path)
    {
        try
        {
            return File.ReadAllText(path).Contains("-----BEGIN", StringComparison.Ordinal) ? FromPem(path) : new X509Certificate2(path);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The certificate {path} cannot be read: {error.Message}",
                nextStep: "If the file has a password, read it with Get-PfxCertificate -Password and give that object.",
                innerException: error);
        }
    }

    private static X509Certificate2 FromPem(string path)
        => File.ReadAllText(path).Contains("PRIVATE KEY-----", StringComparison.Ordinal)
            ? X509Certificate2.CreateFromPemFile(path)
            : X509Certificate2.CreateFromPem(File.ReadAllText(path));

    private static X509Certificate2? FromStore(StoreLocation location, string thumbprint)
    {
        try
        {
            using var store = new X509Store(StoreName.My, location);
            store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
            return store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false).FirstOrDefault();
        }
        catch (CryptographicException)
        {
            // No such store on this machine.
            return null;
        }
    }
}
