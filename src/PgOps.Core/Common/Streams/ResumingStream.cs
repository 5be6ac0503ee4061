namespace PgOps.Core.Common.Streams;

/// <summary>
/// Reads a file over an unsteady line: a read that fails, or brings nothing for a while, is taken up again at the same place by a new
/// request, with a growing pause, until several in a row have failed.
/// </summary>
internal sealed class ResumingStream : ReadOnlyStream
{
    private const int Attempts = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Func<long, CancellationToken, Task<Stream>> _open;
    private readonly long _length;
    private Stream? _current;
    private long _position;

    private ResumingStream(Func<long, CancellationToken, Task<Stream>> open, Stream first, long length)
    {
        _open = open;
        _current = first;
        _length = length;
    }

    /// <inheritdoc/>
    public override long Length => _length;

    /// <inheritdoc/>
    public override long Position { get => _position; set => throw new NotSupportedException(); }

    /// <summary>Wraps the first stream.</summary>
    /// <param name="open">Opens the file at an offset; must see to it that it is still the same file.</param>
    /// <param name="first">The stream at offset 0.</param>
    /// <param name="length">The file's length.</param>
    internal static ResumingStream Over(Func<long, CancellationToken, Task<Stream>> open, Stream first, long length)
        => new(open, first, length);

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            try
            {
                _current ??= await _open(_position, patience.Token).ConfigureAwait(false);
                var read = await _current.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
                if (read == 0 && _position < _length && buffer.Length > 0)
                {
                    throw new EndOfStreamException($"The connection ended after {_position} of {PgAmount.Of(_length, "byte")}.");
                }

                _position += read;
                return read;
            }
            catch (Exception error) when (error is not PgOpsException && !cancellationToken.IsCancellationRequested && attempt < Attempts)
            {
                await DropAsync().ConfigureAwait(false);
                await Task.Delay(Backoff.Pause(attempt), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _current?.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task DropAsync()
    {
        if (_current is not null)
        {
            await _current.DisposeAsync().ConfigureAwait(false);
            _current = null;
        }
    }
}
