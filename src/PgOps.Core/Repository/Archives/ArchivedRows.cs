using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// Takes what pg_restore writes as a script and hashes the rows of each COPY in it. Rows are never held; only lines outside of data are.
/// </summary>
internal sealed class ArchivedRows : Stream
{
    private readonly Action<string, RowHashSum> _onTable;
    private readonly Action<long>? _onBytes;
    private readonly Action<string>? _onLine;
    private readonly List<byte> _line = [];
    private readonly StringBuilder _statement = new();
    private RowHashSum? _rows;

    // Of the data's line at hand: whether it can still be the end mark, and how much of that has been seen.
    private int _mark;

    /// <param name="onTable">Receives each COPY statement and its rows, in the script's order.</param>
    /// <param name="onBytes">Hears of the bytes taken.</param>
    /// <param name="onLine">Receives every line that belongs to no COPY.</param>
    /// <param name="inData">Whether it begins with rows: a table's file in an archive holds no COPY statement.</param>
    internal ArchivedRows(
        Action<string, RowHashSum> onTable, Action<long>? onBytes = null, Action<string>? onLine = null, bool inData = false)
    {
        _rows = inData ? new RowHashSum() : null;
        _onTable = onTable;
        _onBytes = onBytes;
        _onLine = onLine;
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Whether a COPY's data have begun and not ended.</summary>
    internal bool InData => _rows is not null;

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _onBytes?.Invoke(buffer.Length);
        while (!buffer.IsEmpty)
        {
            buffer = _rows is null ? TakeLine(buffer) : TakeRows(buffer, _rows);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private ReadOnlySpan<byte> TakeLine(ReadOnlySpan<byte> buffer)
    {
        var end = buffer.IndexOf((byte)'\n');
        _line.AddRange(end < 0 ? buffer : buffer[..end]);
        if (end < 0)
        {
            return [];
        }

        var line = Encoding.UTF8.GetString([.. _line]);
        _line.Clear();
        if (_statement.Length > 0 || line.StartsWith("COPY ", StringComparison.Ordinal))
        {
            // A name may hold a line end, and even the words FROM stdin; the statement ends where its quotes are even.
            _statement.Append(line).Append('\n');
            if (line.EndsWith(" FROM stdin;", StringComparison.Ordinal) && _statement.ToString().Count(c => c == '"') % 2 == 0)
            {
                _rows = new RowHashSum();
                _mark = 0;
            }
        }
        else
        {
            _onLine?.Invoke(line);
        }

        return buffer[(end + 1)..];
    }

    /// <summary>Rows up to the line <c>\.</c>. COPY writes a backslash of a value twice, so no row looks like it.</summary>
    private ReadOnlySpan<byte> TakeRows(ReadOnlySpan<byte> buffer, RowHashSum rows)
    {
        var mark = "\\.\n"u8;
        while (!buffer.IsEmpty)
        {
            if (_mark >= 0)
            {
                // At the start of a line: what may be the end mark is held back.
                if (buffer[0] == mark[_mark])
                {
                    buffer = buffer[1..];
                    if (++_mark == mark.Length)
                    {
                        rows.Complete();
                        _rows = null;
                        _onTable(_statement.ToString(), rows);
                        _statement.Clear();
                        return buffer;
                    }

                    continue;
                }

                rows.Append(mark[.._mark]);
                _mark = -1;
            }

            var found = buffer.IndexOf("\n\\."u8);
            var taken = found >= 0 ? found + 1 : buffer.EndsWith("\n\\"u8) ? buffer.Length - 1 : buffer.Length;
            rows.Append(buffer[..taken]);
            _mark = buffer[taken - 1] == '\n' ? 0 : -1;
            buffer = buffer[taken..];
        }

        return [];
    }
}
