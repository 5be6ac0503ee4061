using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// A client certificate's key in each form that OpenSSL, and with it libpq, reads: PEM by PKCS #8, PKCS #1 and SEC 1, encrypted or not
/// (also as OpenSSL did before PKCS #8), and the same without encryption in DER.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="password">What opens it; null when nothing was given.</param>
internal sealed partial class ClientKey(string path, string? password)
{
    /// <summary>The file.</summary>
    internal string Path { get; } = path;

    /// <summary>Certificate and key are not of one pair.</summary>
    internal static PgOpsException Mismatch(string key, string certificate) => TargetParser.Invalid(
        $"sslkey: {key} is not the key of the certificate {certificate}.",
        "Name the key that belongs to the certificate. These print the same text for a pair: "
            + $"openssl x509 -noout -pubkey -in '{certificate}'; openssl pkey -pubout -in '{key}'");

    /// <summary>Reads the key.</summary>
    /// <typeparam name="T">The certificate's kind of key.</typeparam>
    /// <param name="create">Makes an empty one.</param>
    /// <exception cref="PgOpsException">TargetInvalid.</exception>
    internal T Read<T>(Func<T> create)
        where T : AsymmetricAlgorithm
    {
        RequireRights();
        var bytes = TargetCertificates.ReadFile(Path, "sslkey");
        var (label, header, der) = Block(Encoding.Latin1.GetString(bytes)) ?? ("", null, bytes);
        var locked = header is not null || label == "ENCRYPTED PRIVATE KEY";
        if (locked && string.IsNullOrEmpty(password))
        {
            throw TargetParser.Invalid(
                $"sslkey: {Path} is encrypted, and no sslpassword was given.",
                $"Give sslpassword in the target, or a key without one: openssl pkey -in '{Path}' -out '{Path}.open'; "
                    + $"chmod 600 '{Path}.open', then sslkey={Path}.open.");
        }

        var key = create();
        try
        {
            if (label == "ENCRYPTED PRIVATE KEY")
            {
                key.ImportEncryptedPkcs8PrivateKey(password, der, out _);
                return key;
            }

            der = header is null ? der : Decrypt(header, der);
        }
        catch (CryptographicException error)
        {
            key.Dispose();
            throw TargetParser.Invalid(
                $"sslkey: {Path} does not open with the sslpassword: {error.Message}",
                $"Correct sslpassword. This asks for it: openssl pkey -noout -in '{Path}'");
        }

        if (Imported(key, der))
        {
            return key;
        }

        key.Dispose();
        throw TargetParser.Invalid(
            locked ? $"sslkey: {Path} does not open with the sslpassword, or is not of the certificate's kind."
                : $"sslkey: {Path} is not a key of the certificate's kind, in PEM form or in DER.",
            $"Name the key's file. This says what a file holds: openssl pkey -noout -text -in '{Path}'");
    }

    private static bool Imported(AsymmetricAlgorithm key, byte[] der)
        => Try(() => key.ImportPkcs8PrivateKey(der, out _))
            || Try(() =>
            {
                if (key is RSA rsa)
                {
                    rsa.ImportRSAPrivateKey(der, out _);
                }
                else
                {
                    ((ECDsa)key).ImportECPrivateKey(der, out _);
                }
            });

    private static bool Try(Action import)
    {
        try
        {
            import();
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    // The first block that is a key; a header stands above the key of one that OpenSSL encrypted in its old way.
    private static (string Label, string? Header, byte[] Der)? Block(string text)
    {
        const string Begin = "-----BEGIN ";
        for (var at = text.IndexOf(Begin, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Begin, at + 1, StringComparison.Ordinal))
        {
            var start = at + Begin.Length;
            var labelEnd = text.IndexOf("-----", start, StringComparison.Ordinal);
            var label = labelEnd < 0 ? "" : text[start..labelEnd];
            var end = text.IndexOf($"-----END {label}-----", start, StringComparison.Ordinal);
            if (!label.EndsWith("PRIVATE KEY", StringComparison.Ordinal) || end < 0)
            {
                continue;
            }

            var lines = text[(labelEnd + 5)..end].Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var body = string.Concat(lines.Where(line => !line.Contains(':', StringComparison.Ordinal)));
            return Base64.IsValid(body)
                ? (label, lines.FirstOrDefault(line => line.StartsWith("DEK-Info:", StringComparison.Ordinal)),
                    Convert.FromBase64String(body))
                : null;
        }

        return null;
    }

    // https://docs.openssl.org/3.0/man3/PEM_read_bio_PrivateKey/#pem-encryption-format: the key is made by MD5 from password and salt,
    // which is the beginning of the vector.
    private byte[] Decrypt(string header, byte[] data)
    {
        var words = header["DEK-Info:".Length..].Split(',', StringSplitOptions.TrimEntries);
        using var cipher = Cipher(words[0]);
        cipher.IV = Convert.FromHexString(words[^1]);
        cipher.Key = KeyOf(cipher.IV.AsSpan(0, 8), cipher.KeySize / 8);
        return cipher.DecryptCbc(data, cipher.IV);
    }

#pragma warning disable CA5350, CA5351 // What the file was encrypted with is not ours to choose.
    private SymmetricAlgorithm Cipher(string name)
    {
        SymmetricAlgorithm? cipher = name switch
        {
            "DES-EDE3-CBC" => TripleDES.Create(),
            "DES-CBC" => DES.Create(),
            "AES-128-CBC" or "AES-192-CBC" or "AES-256-CBC" => Aes.Create(),
            _ => null,
        };
        if (cipher is Aes)
        {
            cipher.KeySize = int.Parse(name.AsSpan(4, 3), CultureInfo.InvariantCulture);
        }

        return cipher ?? throw TargetParser.Invalid(
            $"sslkey: {Path} is encrypted with {name}, which PgOps' own sessions cannot read.",
            $"Convert it: openssl pkcs8 -topk8 -in '{Path}' -out '{Path}.p8'; chmod 600 '{Path}.p8', then sslkey={Path}.p8.");
    }

    private byte[] KeyOf(ReadOnlySpan<byte> salt, int length)
    {
        byte[] given = [.. Encoding.UTF8.GetBytes(password!), .. salt];
        byte[] key = [];
        byte[] last = [];
        while (key.Length < length)
        {
            last = MD5.HashData([.. last, .. given]);
            key = [.. key, .. last];
        }

        return key[..length];
    }
#pragma warning restore CA5350, CA5351

    private void RequireRights()
    {
        if (Directory.Exists(Path))
        {
            throw TargetParser.Invalid($"sslkey: {Path} is a folder.", "Name the file with the client certificate's key.");
        }

        if (OperatingSystem.IsWindows() || !File.Exists(Path))
        {
            return;
        }

        var mode = File.GetUnixFileMode(Path);
        var open = mode & TargetCertificates.OfOthers;
        if (open != 0 && (open != UnixFileMode.GroupRead || !IsRoots(Path)))
        {
            throw TargetParser.Invalid(
                $"sslkey: {Path} is open to others ({Convert.ToString((int)mode, 8)}), and such a key is not taken.",
                $"chmod 600 '{Path}' (0640 is enough for a file of root's).");
        }
    }

    /// <summary>Whether a file is root's; the framework does not say so, but its own library knows.</summary>
    internal static bool IsRoots(string path)
    {
        const int UserAt = 2;
        var status = new uint[64];
        return Stat(path, status) == 0 && status[UserAt] == 0;
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Stat(string path, [Out] uint[] status);
}
