using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace PgOps.Core.Common.Hashes;

/// <summary>
/// MurmurHash3 x64 128 (Austin Appleby, public domain; https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp), seed 0.
/// Either in one go or fed piece by piece, so that a row of any length is hashed without being held.
/// </summary>
internal struct MurmurHash3
{
    private const ulong C1 = 0x87c37b91114253d5;
    private const ulong C2 = 0x4cf5ad432745937f;

    private ulong _h1;
    private ulong _h2;
    private ulong _length;
    private Tail _tail;

    /// <summary>Bytes fed since the last <see cref="Finish"/>.</summary>
    internal readonly ulong Length => _length;

    /// <summary>Hashes data that is at hand as a whole.</summary>
    /// <param name="data">The data.</param>
    /// <returns>The reference implementation's two words, the first one upmost.</returns>
    internal static UInt128 Hash(ReadOnlySpan<byte> data)
    {
        ulong h1 = 0;
        ulong h2 = 0;
        var rest = data;
        while (rest.Length >= 16)
        {
            Block(ref h1, ref h2, rest);
            rest = rest[16..];
        }

        return Final(h1, h2, rest, (ulong)data.Length);
    }

    /// <summary>Feeds the next piece.</summary>
    /// <param name="data">The piece.</param>
    internal void Append(ReadOnlySpan<byte> data)
    {
        var held = (int)(_length & 15);
        _length += (ulong)data.Length;
        Span<byte> tail = _tail;
        if (held > 0)
        {
            var taken = Math.Min(16 - held, data.Length);
            data[..taken].CopyTo(tail[held..]);
            data = data[taken..];
            if (held + taken < 16)
            {
                return;
            }

            Block(ref _h1, ref _h2, tail);
        }

        while (data.Length >= 16)
        {
            Block(ref _h1, ref _h2, data);
            data = data[16..];
        }

        data.CopyTo(tail);
    }

    /// <summary>Gives the hash of all pieces and starts anew.</summary>
    /// <returns>The same value as <see cref="Hash"/> over the pieces joined.</returns>
    internal UInt128 Finish()
    {
        Span<byte> tail = _tail;
        var hash = Final(_h1, _h2, tail[..(int)(_length & 15)], _length);
        this = default;
        return hash;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(ref ulong h1, ref ulong h2, ReadOnlySpan<byte> data)
    {
        var k1 = BinaryPrimitives.ReadUInt64LittleEndian(data);
        var k2 = BinaryPrimitives.ReadUInt64LittleEndian(data[8..]);

        h1 ^= MixFirst(k1);
        h1 = BitOperations.RotateLeft(h1, 27) + h2;
        h1 = (h1 * 5) + 0x52dce729;

        h2 ^= MixSecond(k2);
        h2 = BitOperations.RotateLeft(h2, 31) + h1;
        h2 = (h2 * 5) + 0x38495ab5;
    }

    private static UInt128 Final(ulong h1, ulong h2, ReadOnlySpan<byte> tail, ulong length)
    {
        if (tail.Length > 0)
        {
            Span<byte> padded = stackalloc byte[16];
            padded.Clear();
            tail.CopyTo(padded);
            h2 ^= MixSecond(BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]));
            h1 ^= MixFirst(BinaryPrimitives.ReadUInt64LittleEndian(padded));
        }

        h1 ^= length;
        h2 ^= length;
        h1 += h2;
        h2 += h1;
        h1 = Avalanche(h1);
        h2 = Avalanche(h2);
        h1 += h2;
        h2 += h1;
        return new UInt128(h1, h2);
    }

    private static ulong MixFirst(ulong k) => BitOperations.RotateLeft(k * C1, 31) * C2;

    private static ulong MixSecond(ulong k) => BitOperations.RotateLeft(k * C2, 33) * C1;

    private static ulong Avalanche(ulong k)
    {
        k ^= k >> 33;
        k *= 0xff51afd7ed558ccd;
        k ^= k >> 33;
        k *= 0xc4ceb9fe1a85ec53;
        return k ^ (k >> 33);
    }

    [InlineArray(16)]
    private struct Tail
    {
        private byte _first;
    }
}
