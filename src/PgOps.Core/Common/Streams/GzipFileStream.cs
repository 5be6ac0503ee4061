using System.IO.Compression;

namespace PgOps.Core.Common.Streams;

/// <summary>
/// Unpacks a gzip file of one member or several (<c>cat a.gz b.gz</c>, pigz, bgzip), with zeros behind the last one where it came from a
/// tape or by dd, and misses its end where that is cut off. .NET's own stream takes a file that breaks off for one that ends: so a member
/// of our own goes behind the last, and is found again only where everything before it was whole.
/// </summary>
internal sealed class GzipFileStream : ReadOnlyStream
{
    private static readonly byte[] EndMark = Guid.NewGuid().ToByteArray();
    private static readonly byte[] EndMember = Pack(EndMark);

    private readonly Packed _packed;
    private readonly GZipStream _unpacked;
    private bool _ended;

    /// <param name="file">Can be sought in; disposed of with this.</param>
    internal GzipFileStream(Stream file)
    {
        _packed = new Packed(file);
        _unpacked = new GZipStream(_packed, CompressionMode.Decompress);
    }

    /// <summary>Whether data begin as a gzip member does.</summary>
    internal static bool IsGzip(ReadOnlySpan<byte> beginning) => beginning is [0x1f, 0x8b, ..];

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The data are damaged, their end is missing, or something else follows them.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.IsEmpty)
        {
            return 0;
        }

        int read;
        try
        {
            read = await _unpacked.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0 && !_packed.IsInEndMember)
            {
                return read;
            }

            if (_packed.IsInEndMember)
            {
                await RequireEndMarkAsync(buffer[..read].ToArray(), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (InvalidDataException error) when (_packed.IsInEndMember)
        {
            throw EndMissing(error);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException("its gzip data are damaged: " + error.Message, error);
        }

        _ended = true;
        return _packed.IsInEndMember || _packed.IsInZeros
            ? 0
            : throw new InvalidDataException("behind its gzip data is something that is not gzip");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _unpacked.Dispose();
        }

        base.Dispose(disposing);
    }

    private static byte[] Pack(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.NoCompression))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private static InvalidDataException EndMissing(Exception? cause = null) => new("the end of its gzip data is missing", cause);

    /// <summary>What is unpacked from the end member alone must be the mark; a member cut off before takes it for its own.</summary>
    private async Task RequireEndMarkAsync(byte[] begun, CancellationToken cancellationToken)
    {
        var found = new byte[EndMark.Length + 1];
        var length = Math.Min(begun.Length, found.Length);
        begun.AsSpan(0, length).CopyTo(found);
        length += await _unpacked.ReadAtLeastAsync(
            found.AsMemory(length), found.Length - length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (!found.AsSpan(0, length).SequenceEqual(EndMark))
        {
            throw EndMissing();
        }
    }

    /// <summary>
    /// The file's bytes, then the end member's. The zeros at its end come one at a time: some belong to the last member, and .NET stops
    /// reading at the first that does not.
    /// </summary>
    private sealed class Packed : ReadOnlyStream
    {
        private const int Block = 64 * 1024;

        private readonly Stream _file;
        private readonly long _zerosFrom;
        private long _position;
        private int _taken;

        internal Packed(Stream file)
        {
            _file = file;
            _zerosFrom = BeginningOfZeros(file);
            file.Position = 0;
        }

        internal bool IsInEndMember => _taken > 0;

        internal bool IsInZeros => _position > _zerosFrom;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var most = _position < _zerosFrom ? (int)Math.Min(buffer.Length, _zerosFrom - _position) : 1;
            var read = await _file.ReadAsync(buffer[..most], cancellationToken).ConfigureAwait(false);
            _position += read;
            if (read > 0)
            {
                return read;
            }

            read = Math.Min(buffer.Length, EndMember.Length - _taken);
            EndMember.AsSpan(_taken, read).CopyTo(buffer.Span);
            _taken += read;
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _file.Dispose();
            }

            base.Dispose(disposing);
        }

        private static long BeginningOfZeros(Stream file)
        {
            var block = new byte[Block];
            for (var end = file.Length; end > 0;)
            {
                var from = Math.Max(0, end - Block);
                file.Position = from;
                var read = file.ReadAtLeast(block.AsSpan(0, (int)(end - from)), (int)(end - from), throwOnEndOfStream: false);
                if (block.AsSpan(0, read).LastIndexOfAnyExcept((byte)0) is >= 0 and var last)
                {
                    return from + last + 1;
                }

                end = from;
            }

            return 0;
        }
    }
}
