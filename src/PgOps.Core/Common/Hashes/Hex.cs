namespace PgOps.Core.Common.Hashes;

/// <summary>Bytes as lower-case hex, which sha256sum writes and manifests, ledgers and histories hold.</summary>
internal static class Hex
{
    /// <summary>Two digits a byte.</summary>
    internal static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes).ToLowerInvariant();
}
