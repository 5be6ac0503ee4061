using System.Buffers;
using System.Threading.Channels;

namespace PgOps.Core.Common.Streams;

/// <summary>A pipe inside this process: what is written to it is read from it, a bounded amount ahead.</summary>
internal sealed class BoundedPipeStream : Stream
{
    private const int ChunksAhead = 8;

    private readonly Channel<ArraySegment<byte>> _chunks = Channel.CreateBounded<ArraySegment<byte>>(
        new BoundedChannelOptions(ChunksAhead) { SingleReader = true, SingleWriter = true });

    private ArraySegment<byte> _current;
    private byte[]? _rented;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>The writer's or the reader's end of it: a reader then finds the end, and what is written goes nowhere.</summary>
    internal void End() => _chunks.Writer.TryComplete();

    /// <summary>The reader has gone: a writer that waits for room goes on.</summary>
    internal void Abandon()
    {
        End();
        while (_chunks.Reader.TryRead(out var chunk))
        {
            ArrayPool<byte>.Shared.Return(chunk.Array!);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        var chunk = ArrayPool<byte>.Shared.Rent(buffer.Length);
        buffer.CopyTo(chunk);
        try
        {
            await _chunks.Writer.WriteAsync(new ArraySegment<byte>(chunk, 0, buffer.Length), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_current.Count == 0)
        {
            Return();
            if (!await _chunks.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }

            if (_chunks.Reader.TryRead(out _current))
            {
                _rented = _current.Array;
            }
        }

        var count = Math.Min(buffer.Length, _current.Count);
        _current.AsMemory(0, count).CopyTo(buffer);
        _current = _current[count..];
        return count;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Return()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = null;
        }
    }
}
