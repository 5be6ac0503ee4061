namespace PgOps.Core.Common.Streams;

/// <summary>
/// Passes a stream through, forward only, at the pace of a <see cref="Throttle"/>; asynchronous reading and writing alone.
/// </summary>
internal sealed class ThrottledStream : Stream
{
    private readonly Stream _inner;
    private readonly Throttle _throttle;
    private readonly Action<long>? _onBytes;

    /// <summary>Wraps a stream and takes it over.</summary>
    /// <param name="inner">The stream.</param>
    /// <param name="throttle">The pace.</param>
    /// <param name="onBytes">Is told how many bytes passed.</param>
    internal ThrottledStream(Stream inner, Throttle throttle, Action<long>? onBytes = null)
    {
        _inner = inner;
        _throttle = throttle;
        _onBytes = onBytes;
    }

    /// <inheritdoc/>
    public override bool CanRead => _inner.CanRead;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => _inner.CanWrite;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _inner.ReadAsync(buffer[..Math.Min(buffer.Length, _throttle.Portion)], cancellationToken).ConfigureAwait(false);
        await _throttle.WaitAsync(read, cancellationToken).ConfigureAwait(false);
        _onBytes?.Invoke(read);
        return read;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var portion = buffer[..Math.Min(buffer.Length, _throttle.Portion)];
            await _throttle.WaitAsync(portion.Length, cancellationToken).ConfigureAwait(false);
            await _inner.WriteAsync(portion, cancellationToken).ConfigureAwait(false);
            _onBytes?.Invoke(portion.Length);
            buffer = buffer[portion.Length..];
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
