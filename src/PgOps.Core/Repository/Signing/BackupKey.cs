using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PgOps.Core.Repository.Signing;

/// <summary>
/// The key that signs backups and drills, and that their signatures are held against: a certificate (RSA-PSS or ECDSA, with SHA-256) or
/// a shared secret (HMAC-SHA256). It appears in no log line and no error.
/// </summary>
public sealed class BackupKey : IDisposable
{
    /// <summary>The shortest secret that is taken; whoever has a signature can try secrets as fast as he can compute.</summary>
    public const int ShortestSecret = 16;

    private const string RsaPss = "RSA-PSS-SHA256";
    private const string Ecdsa = "ECDSA-SHA256";
    private const string Hmac = "HMAC-SHA256";
    private const int Iterations = 600_000;
    private const int KeyBytes = 32;

    // One salt for all, because the key is derived once for a ledger of many signatures; the secret's length makes up for it.
    private static readonly byte[] Salt = "PgOps signing key 1"u8.ToArray();

    private readonly X509Certificate2? _certificate;
    private readonly byte[] _secret;

    private BackupKey(X509Certificate2? certificate, byte[] secret, string algorithm, string id)
    {
        _certificate = certificate;
        _secret = secret;
        Algorithm = algorithm;
        Id = id;
    }

    /// <summary>How it signs.</summary>
    internal string Algorithm { get; }

    /// <summary>The certificate's thumbprint, or an id of the secret that does not tell it.</summary>
    public string Id { get; }

    /// <summary>Whether it can sign, not only check.</summary>
    internal bool CanSign => _certificate is null || _certificate.HasPrivateKey;

    /// <summary>Takes a certificate; without its private key it can only check.</summary>
    /// <param name="certificate">The certificate; not disposed with the key.</param>
    /// <exception cref="PgOpsException">InvalidArgument when its key is neither RSA nor of an elliptic curve.</exception>
    public static BackupKey From(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new BackupKey(
            certificate,
            [],
            AlgorithmOf(certificate) ?? throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The certificate {certificate.Thumbprint} has neither an RSA key nor one of an elliptic curve.",
                nextStep: "Give another certificate."),
            certificate.Thumbprint);
    }

    /// <summary>Derives a key from a secret, by PBKDF2 with SHA-256.</summary>
    /// <param name="secret">At least <see cref="ShortestSecret"/> characters.</param>
    /// <exception cref="PgOpsException">InvalidArgument when it is shorter.</exception>
    public static BackupKey From(SecureString secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        if (secret.Length < ShortestSecret)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                FormattableString.Invariant($"The signing key is shorter than {ShortestSecret} characters."),
                nextStep: "Give a long random one: whoever reads a signature can try keys without end.");
        }

        var text = Marshal.SecureStringToGlobalAllocUnicode(secret);
        var characters = new char[secret.Length];
        var bytes = Array.Empty<byte>();
        try
        {
            Marshal.Copy(text, characters, 0, characters.Length);
            bytes = Encoding.UTF8.GetBytes(characters);
            var key = Rfc2898DeriveBytes.Pbkdf2(bytes, Salt, Iterations, HashAlgorithmName.SHA256, KeyBytes);
            return new BackupKey(null, key, Hmac, Convert.ToHexString(HMACSHA256.HashData(key, "id"u8))[..16]);
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(text);
            Array.Clear(characters);
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    /// <inheritdoc/>
    public override string ToString() => $"{Algorithm} {Id}";

    /// <summary>Signs.</summary>
    /// <param name="subject">What kind of thing it is, so that one thing's signature does not fit another.</param>
    /// <param name="content">Its bytes.</param>
    /// <exception cref="PgOpsException">InvalidArgument when there is no private key, or it cannot be used.</exception>
    internal BackupSignature Sign(SignedSubject subject, ReadOnlySpan<byte> content)
    {
        RequirePrivateKey();
        try
        {
            return new BackupSignature
            {
                Algorithm = Algorithm,
                KeyId = Id,
                Certificate = _certificate is null ? null : Convert.ToBase64String(_certificate.RawData),
                Value = Convert.ToBase64String(Compute(Message(subject, content))),
            };
        }
        catch (CryptographicException error)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The private key of the certificate {Id} cannot be used: {error.Message}",
                nextStep: "Check that this user may read it.",
                innerException: error);
        }
    }

    /// <summary>Refuses a certificate that can only check.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal void RequirePrivateKey()
    {
        if (!CanSign)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The certificate {Id} comes without its private key, so it can check signatures but not make them.",
                nextStep: "Give the certificate with its key, for example from a .pfx file.");
        }
    }

    /// <summary>Whether this key made a signature; what the signature says about itself is not trusted.</summary>
    internal bool Made(BackupSignature signature, SignedSubject subject, ReadOnlySpan<byte> content)
    {
        if (signature.KeyId != Id || signature.Algorithm != Algorithm || Decode(signature.Value) is not { } value)
        {
            return false;
        }

        if (signature.Certificate is { } brought && (_certificate is null || brought != Convert.ToBase64String(_certificate.RawData)))
        {
            return false;
        }

        var message = Message(subject, content);
        return _certificate is null
            ? CryptographicOperations.FixedTimeEquals(value, HMACSHA256.HashData(_secret, message))
            : Fits(_certificate, value, message);
    }

    /// <summary>Whether a signature fits the certificate that it brings itself, whoever's that is.</summary>
    internal static bool IsWhole(BackupSignature signature, SignedSubject subject, ReadOnlySpan<byte> content)
    {
        try
        {
            using var certificate = new X509Certificate2(Decode(signature.Certificate ?? "") ?? []);
            return certificate.Thumbprint == signature.KeyId && AlgorithmOf(certificate) == signature.Algorithm
                && Decode(signature.Value) is { } value && Fits(certificate, value, Message(subject, content));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private byte[] Compute(byte[] message)
    {
        if (_certificate is null)
        {
            return HMACSHA256.HashData(_secret, message);
        }

        using var rsa = _certificate.GetRSAPrivateKey();
        if (rsa is not null)
        {
            return rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        }

        using var curve = _certificate.GetECDsaPrivateKey();
        return curve?.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            ?? throw new CryptographicException("its kind is not known");
    }

    private static bool Fits(X509Certificate2 certificate, byte[] value, byte[] message)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var curve = certificate.GetECDsaPublicKey();
        return rsa is not null
            ? rsa.VerifyData(message, value, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)
            : curve is not null && curve.VerifyData(message, value, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private static string? AlgorithmOf(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var curve = certificate.GetECDsaPublicKey();
        return rsa is not null ? RsaPss : curve is not null ? Ecdsa : null;
    }

    private static byte[] Message(SignedSubject subject, ReadOnlySpan<byte> content)
        => [.. Encoding.UTF8.GetBytes(subject == SignedSubject.Backup ? "pgops-backup\n" : "pgops-drill\n"), .. content];

    private static byte[]? Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : null;
    }
}
