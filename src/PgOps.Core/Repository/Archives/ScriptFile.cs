using System.Buffers.Binary;
using System.IO.Compression;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Archives;

/// <summary>A file that is read from end to end, packed or not: a plain dump, or a table's file of an archive.</summary>
internal static class ScriptFile
{
    private const int Block = 256 * 1024;

    /// <summary>Opens a plain dump's text or a table's file of an archive, decompressed where it is compressed.</summary>
    internal static Stream Open(string path)
    {
        var file =
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        Span<byte> beginning = stackalloc byte[4];
        beginning = beginning[..file.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false)];
        file.Position = 0;
        return beginning is [0x1f, 0x8b, ..] ? new GZipStream(file, CompressionMode.Decompress)
            : ZstdStream.IsZstd(beginning) && ZstdStream.IsAvailable ? new ZstdStream(file)
            : file;
    }

    /// <summary>Reads a plain dump to its end.</summary>
    /// <param name="path">The dump.</param>
    /// <param name="onBlock">Receives the text piece by piece.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The text's length in bytes.</returns>
    /// <exception cref="InvalidDataException">It does not unpack, or its end is missing.</exception>
    internal static async Task<long> ReadAsync(string path, Action<ReadOnlyMemory<byte>, long> onBlock, CancellationToken cancellationToken)
    {
        var stream = Open(path);
        await using var closed = stream.ConfigureAwait(false);
        var buffer = new byte[Block];
        long bytes = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            bytes += read;
            onBlock(buffer.AsMemory(0, read), bytes);
        }

        if (stream is GZipStream && SizeInTrailer(path) != (uint)bytes)
        {
            // .NET does not miss the eight bytes that end a gzip file.
            throw new InvalidDataException(
                "the end of its gzip data is missing (or it is made of several gzip files, which PgOps does not take)");
        }

        return bytes;
    }

    /// <summary>The last four bytes of a gzip file: the length of what it holds, modulo 2^32 (RFC 1952).</summary>
    private static uint SizeInTrailer(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var size = new byte[sizeof(uint)];
        file.Position = Math.Max(0, file.Length - size.Length);
        file.ReadAtLeast(size, size.Length, throwOnEndOfStream: false);
        return BinaryPrimitives.ReadUInt32LittleEndian(size);
    }
}
