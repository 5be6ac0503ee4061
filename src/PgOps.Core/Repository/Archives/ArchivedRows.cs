using PgOps.Core.Common.Hashes;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// Takes what pg_restore writes as a script and hashes the rows of each COPY in it. Rows are never held.
/// </summary>
internal sealed class ArchivedRows : Stream
{
    private readonly ScriptReader _reader;
    private readonly Action<RowHashSum> _onTable;
    private readonly Action<long>? _onBytes;
    private RowHashSum? _rows;

    /// <param name="onTable">Receives the rows of each COPY, in the script's order.</param>
    /// <param name="onBytes">Hears of the bytes taken.</param>
    /// <param name="positions">Reads the positions of sequences.</param>
    /// <param name="onStatement">Receives every statement, a COPY before its rows.</param>
    /// <param name="onComment">Receives every comment, without its dashes, and whether it stands outside of all statements.</param>
    /// <param name="inData">Whether it begins with rows: a table's file in an archive holds no COPY statement.</param>
    internal ArchivedRows(
        Action<RowHashSum> onTable,
        Action<long>? onBytes = null,
        ArchivedPositions? positions = null,
        Action<SqlStatement>? onStatement = null,
        Action<string, bool>? onComment = null,
        bool inData = false)
    {
        _onTable = onTable;
        _onBytes = onBytes;
        _reader = new ScriptReader(inData)
        {
            OnStatement = statement =>
            {
                positions?.Read(statement);
                onStatement?.Invoke(statement);
            },
            OnComment = comment => onComment?.Invoke(comment, _reader!.IsAtRest),
            OnData = TakeRows,
        };
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
    internal bool InData => _reader.InData;

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _onBytes?.Invoke(buffer.Length);
        _reader.Add(buffer);
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

    private void TakeRows(ReadOnlySpan<byte> data, bool ends)
    {
        _rows ??= new RowHashSum();
        if (!data.IsEmpty)
        {
            _rows.Append(data);
        }

        if (ends)
        {
            _rows.Complete();
            var rows = _rows;
            _rows = null;
            _onTable(rows);
        }
    }
}
