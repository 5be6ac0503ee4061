using System.Text;
using PgOps.Core.Common.Streams;
using PgOps.Core.Tests.Peers;

namespace PgOps.Core.Tests.Common;

/// <summary>
/// The system's libzstd behind a stream; a whole zstd archive is hashed where the sandbox's pg_dump has zstd (from 16 on).
/// </summary>
public sealed class ZstdStreamTests
{
    // 200,000 times "row\t1\n", by zstd -1 --no-check.
    private static readonly byte[] Packed = Convert.FromBase64String(
        "KLUv/YBIgE8SAHQAADByb3cJMQoBAPf/yUsRTAAACHcBAPz/ORACTAAACDEBAPz/ORACTAAACHIBAPz/ORACTAAACHcBAPz/ORAC"
        + "TAAACDEBAPz/ORACTAAACHIBAPz/ORACTAAACHcBAPz/ORACTAAACDEBAPz/ORACRQAACHIBAHzPDoQ=");

    [ZstdFact]
    public async Task Unpacks_what_is_larger_than_any_buffer()
    {
        var text = await UnpackAsync(Packed);

        Assert.Equal(200_000, text.Count(c => c == '\n'));
        Assert.Equal("", text.Replace("row\t1\n", "", StringComparison.Ordinal));
    }

    [ZstdFact]
    public async Task Frames_may_follow_each_other()
        => Assert.Equal(2_400_000, (await UnpackAsync([.. Packed, .. Packed])).Length);

    [ZstdFact]
    public async Task A_missing_end_is_found_wherever_it_breaks_off()
    {
        for (var length = 1; length < Packed.Length; length++)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => UnpackAsync(Packed[..length]));
        }
    }

    [ZstdFact]
    public async Task Damage_is_an_error_that_says_so()
    {
        byte[] damaged = [.. Packed];
        damaged[4] ^= 0x08;

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => UnpackAsync(damaged));

        Assert.Contains("zstd", error.Message, StringComparison.Ordinal);
    }

    private static async Task<string> UnpackAsync(byte[] packed)
    {
        await using var stream = new ZstdStream(new MemoryStream(packed));
        using var unpacked = new MemoryStream();
        await stream.CopyToAsync(unpacked);
        return Encoding.ASCII.GetString(unpacked.ToArray());
    }
}

/// <summary>A test that needs libzstd.</summary>
public sealed class ZstdFactAttribute() : PeerFactAttribute(Peer.Missing("libzstd.so.1", ZstdStream.IsAvailable ? "" : null));
