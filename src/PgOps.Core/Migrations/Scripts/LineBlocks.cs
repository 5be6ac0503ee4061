using System.Text.Unicode;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Reads a UTF-8 file in blocks of whole lines, each block about 128 KiB unless a line is longer, and normalises them: no byte order
/// mark, line ends LF. Memory does not grow with the file.
/// </summary>
internal sealed class LineBlocks : IDisposable
{
    private const int BlockSize = 128 * 1024;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly long _end;
    private byte[] _buffer = new byte[BlockSize];
    private byte[] _normalised = [];
    private int _filled;
    private int _used;
    private long _bufferOffset;

    /// <param name="path">The file.</param>
    /// <param name="offset">Where to begin: the start of a line, in bytes.</param>
    /// <param name="length">How many bytes to read, up to the end of a line; null reads to the file's end.</param>
    internal LineBlocks(string path, long offset = 0, long? length = null)
    {
        _path = path;
        _file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
        _file.Position = offset;
        _bufferOffset = offset;
        _end = length is { } bytes ? offset + bytes : _file.Length;
    }

    /// <summary>The whole lines at hand as the file has them; empty at its end.</summary>
    internal ReadOnlySpan<byte> Raw => _buffer.AsSpan(_used, LineEnd() - _used);

    /// <summary>Where <see cref="Raw"/> begins in the file.</summary>
    internal long Offset => _bufferOffset + _used;

    /// <summary>Goes on, reading more when no whole line is left.</summary>
    /// <param name="bytes">How much of <see cref="Raw"/> has been dealt with.</param>
    internal void Advance(int bytes)
    {
        _used += bytes;
        if (_used < _filled && LineEnd() > _used)
        {
            return;
        }

        _buffer.AsSpan(_used, _filled - _used).CopyTo(_buffer);
        (_bufferOffset, _filled, _used) = (_bufferOffset + _used, _filled - _used, 0);
        do
        {
            if (_filled == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var wanted = (int)Math.Min(_buffer.Length - _filled, _end - _bufferOffset - _filled);
            var read = wanted == 0 ? 0 : _file.Read(_buffer, _filled, wanted);
            Check(_filled, read);
            _filled += read;
            if (read == 0)
            {
                break;
            }
        }
        while (LineEnd() == 0);
        CheckText();
    }

    /// <summary>Bytes of <see cref="Raw"/> with LF for CRLF; valid until the next call.</summary>
    internal ReadOnlyMemory<byte> Normalise(int start, int length)
    {
        var raw = _buffer.AsMemory(_used + start, length);
        if (!raw.Span.Contains((byte)'\r'))
        {
            return raw;
        }

        if (_normalised.Length < length)
        {
            _normalised = new byte[length];
        }

        var source = raw.Span;
        var written = 0;
        for (var index = 0; index < source.Length; index++)
        {
            if (source[index] != '\r' || index + 1 == source.Length || source[index + 1] != '\n')
            {
                _normalised[written++] = source[index];
            }
        }

        return _normalised.AsMemory(0, written);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private int LineEnd()
    {
        var lines = _buffer.AsSpan(0, _filled).LastIndexOf((byte)'\n') + 1;
        return _bufferOffset + _filled == _end ? _filled : lines;
    }

    private void Check(int start, int length)
    {
        if (_buffer.AsSpan(start, length).IndexOf((byte)0) is >= 0 and var nul)
        {
            throw ScriptContent.HoldsNul(_path, _bufferOffset + start + nul);
        }
    }

    /// <summary>Refuses what is not UTF-8; whole lines never end within a character.</summary>
    private void CheckText()
    {
        if (!Utf8.IsValid(Raw))
        {
            throw ScriptContent.NoUtf8(_path, Offset + ScriptContent.FirstInvalid(Raw));
        }
    }
}
