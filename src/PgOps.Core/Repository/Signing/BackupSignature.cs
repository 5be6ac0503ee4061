using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgOps.Core.Repository.Signing;

/// <summary>A signature as it is stored: who signed, how, and the value.</summary>
internal sealed record BackupSignature
{
    /// <summary>The format this PgOps writes.</summary>
    internal const string CurrentFormat = "pgops-signature/1";

    /// <summary>Always <see cref="CurrentFormat"/>.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>RSA-PSS-SHA256, ECDSA-SHA256 or HMAC-SHA256.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The certificate's thumbprint, or the HMAC key's id.</summary>
    public required string KeyId { get; init; }

    /// <summary>The certificate (DER, base64), without its private key; null for HMAC.</summary>
    public string? Certificate { get; init; }

    /// <summary>The signature, base64.</summary>
    public required string Value { get; init; }

    /// <summary>The file's bytes.</summary>
    internal byte[] ToBytes()
        => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(this, SignatureJson.Default.BackupSignature).ReplaceLineEndings("\n") + "\n");

    /// <summary>Reads a signature; null when these bytes are none that PgOps wrote.</summary>
    internal static BackupSignature? Read(byte[] bytes)
    {
        try
        {
            // Only one spelling is right, so that a changed byte anywhere shows.
            var signature = JsonSerializer.Deserialize(bytes, SignatureJson.Default.BackupSignature);
            return signature is { Format: CurrentFormat } && signature.ToBytes().AsSpan().SequenceEqual(bytes) ? signature : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Writes and reads signatures.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(BackupSignature))]
internal sealed partial class SignatureJson : JsonSerializerContext;
