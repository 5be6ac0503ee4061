using System.Text;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Restores;

/// <summary>A script on its way to psql: something before it, lines of its head made harmless, and progress.</summary>
internal sealed class ScriptStream : Stream
{
    private const int HeadLength = 16 * 1024;

    private readonly Stream _script;
    private readonly ProgressActivity _progress;
    private readonly bool _hideUnknown;
    private ReadOnlyMemory<byte> _ahead;
    private bool _headRead;
    private long _bytes;

    /// <param name="script">The script; disposed with this.</param>
    /// <param name="prelude">What psql reads first.</param>
    /// <param name="hideUnknown">Whether the server does not know transaction_timeout, which pg_dump from 17 on sets to its
    /// default.</param>
    /// <param name="progress">Shows how much was read.</param>
    internal ScriptStream(Stream script, string prelude, bool hideUnknown, ProgressActivity progress)
    {
        _script = script;
        _progress = progress;
        _hideUnknown = hideUnknown;
        _ahead = Encoding.UTF8.GetBytes(prelude);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => _bytes;
        set => throw new NotSupportedException();
    }

    private static ReadOnlySpan<byte> Unknown => "\nSET transaction_timeout = 0;"u8;

    // pg_dump makes the schema where it was asked for by name, before all else; every new database has it.
    private static ReadOnlySpan<byte> MakesPublic => "\nCREATE SCHEMA public;\n"u8;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ahead.IsEmpty && !_headRead)
        {
            _headRead = true;
            _ahead = await ReadHeadAsync(cancellationToken).ConfigureAwait(false);
        }

        var read = Math.Min(_ahead.Length, buffer.Length);
        if (read > 0)
        {
            _ahead[..read].CopyTo(buffer);
            _ahead = _ahead[read..];
        }
        else
        {
            read = await _script.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        _bytes += read;
        _progress.Report($"{PgSize.Format(_bytes)} of the script");
        return read;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
        => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _script.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<ReadOnlyMemory<byte>> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = new byte[HeadLength];
        var length = await _script.ReadAtLeastAsync(head, HeadLength, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (_hideUnknown)
        {
            Hide(head.AsSpan(0, length), Unknown);
        }

        Hide(head.AsSpan(0, length), MakesPublic);
        return head.AsMemory(0, length);

        static void Hide(Span<byte> head, ReadOnlySpan<byte> line)
        {
            if (head.IndexOf(line) is >= 0 and var at)
            {
                head.Slice(at + 1, line.Length - 1).Fill((byte)' ');
            }
        }
    }
}
