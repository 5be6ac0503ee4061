using System.Buffers;
using System.Text;

namespace PgOps.Core.Sql;

/// <summary>
/// Takes a script of any length apart as psql would, by the same rules as <see cref="SqlScript"/>, from bytes as they come: statements,
/// comments, psql's own commands, and COPY data. Like psql it reads line by line; it holds the line and the statement at hand, and of a
/// long line only a piece.
/// </summary>
internal sealed class ScriptReader
{
    private const int PieceLength = 64 * 1024;
    private const int LongestToken = 16 * 1024 * 1024;

    /// <summary>At the end of a piece of a line, a token that ends so near to it may be half of one, or take another meaning.</summary>
    private const int Uncertain = 256;

    /// <summary>What may stand between the dollar signs of a literal's tag; any character beyond ASCII may, too.</summary>
    private static readonly SearchValues<char> TagCharacters = SearchValues.Create(
        [.. Enumerable.Range(0, char.MaxValue + 1).Select(c => (char)c)
            .Where(c => c > '\u007F' || c == '_' || char.IsAsciiLetterOrDigit(c))]);

    private readonly StatementBounds _bounds = new();
    private readonly StatementText _statement = new();
    private readonly StringSetting _strings = new(initial: true);
    private Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly ArrayBufferWriter<char> _line = new();
    private int _unread;
    private OpenLiteral? _open;
    private OpenLiteral? _closed;
    private bool _lineEnded;
    private bool _isPiece;
    private bool _begun;
    private char? _gap;
    private int _copies;
    private bool _inData;
    private CopyDataEnd _dataEnd;

    /// <param name="beginsWithData">Whether it begins with a COPY's data: a table's file in an archive holds no statement.</param>
    internal ScriptReader(bool beginsWithData = false)
    {
        _inData = beginsWithData;
        _copies = beginsWithData ? 1 : 0;
    }

    /// <summary>Receives data of a COPY, and whether they end here.</summary>
    internal delegate void DataHandler(ReadOnlySpan<byte> data, bool ends);

    /// <summary>
    /// Receives each statement that a semicolon ends. Comments are left out, and white space between words is one space; of literals
    /// of more than a few kilobytes, and of statements of hundreds of them, only what tells their kind is there.
    /// </summary>
    internal Action<SqlStatement>? OnStatement { get; init; }

    /// <summary>Receives each comment that runs to the end of its line, without its dashes.</summary>
    internal Action<string>? OnComment { get; init; }

    /// <summary>Receives each command of psql, to the end of its line, without its backslash.</summary>
    internal Action<string>? OnCommand { get; init; }

    /// <summary>Receives the data of the COPY that was the last statement.</summary>
    internal DataHandler? OnData { get; init; }

    /// <summary>The line that is being read, from 1.</summary>
    internal long Line { get; private set; } = 1;

    /// <summary>Whether the text so far ends outside of every literal, comment, statement and COPY.</summary>
    internal bool IsAtRest => _open is null && _statement.IsEmpty && _copies == 0;

    /// <summary>
    /// Whether the text so far ends inside of a literal, a comment or a COPY's data: a last statement may lack its semicolon.
    /// </summary>
    internal bool BreaksOff => _open is not null || _copies > 0;

    /// <summary>Whether a COPY's data have begun and not ended.</summary>
    internal bool InData => _inData;

    /// <summary>Takes the next bytes.</summary>
    /// <exception cref="InvalidDataException">A word of megabytes: no script of a person or of pg_dump.</exception>
    internal void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_inData)
            {
                ReadData(ref bytes);
                continue;
            }

            var end = bytes.IndexOf((byte)'\n') + 1;
            var length = end > 0 && end <= PieceLength ? end : Math.Min(bytes.Length, PieceLength);
            Decode(bytes[..length], isLast: false);
            if (length == end)
            {
                ReadLine();
                Line++;
                _inData = _copies > 0;
            }
            else if (_line.WrittenCount - _unread >= PieceLength)
            {
                ReadPiece();
            }

            bytes = bytes[length..];
        }
    }

    /// <summary>Reads a last line that has no end.</summary>
    internal void Complete()
    {
        if (!_inData)
        {
            Decode([], isLast: true);
            ReadLine();
        }
        else if (_dataEnd.IsAtMark)
        {
            EndData([]);
        }
    }

    private void Decode(ReadOnlySpan<byte> bytes, bool isLast)
    {
        var characters = _line.GetSpan(bytes.Length + 2);
        _line.Advance(_decoder.GetChars(bytes, characters, isLast));
    }

    private void ReadData(ref ReadOnlySpan<byte> bytes)
    {
        var ends = _dataEnd.Read(ref bytes, out var heldBack, out var data);
        if (!heldBack.IsEmpty)
        {
            OnData?.Invoke(heldBack, ends: false);
        }

        if (ends)
        {
            Line++;
            EndData(data);
        }
        else if (!data.IsEmpty)
        {
            Line += data.Count((byte)'\n');
            OnData?.Invoke(data, ends: false);
        }
    }

    private void EndData(ReadOnlySpan<byte> data)
    {
        _dataEnd = default;
        _inData = --_copies > 0;
        OnData?.Invoke(data, ends: true);
    }

    private void ReadLine()
    {
        _isPiece = false;
        Read(_line.WrittenSpan);
        _gap ??= ' ';
        _lineEnded = true;
        _line.ResetWrittenCount();
        _unread = 0;
    }

    /// <summary>Reads what is certain of a line that has not ended.</summary>
    private void ReadPiece()
    {
        _isPiece = true;
        var text = _line.WrittenSpan;
        var left = text[Read(text)..].ToArray();
        if (left.Length > LongestToken)
        {
            throw new InvalidDataException("it holds a word of more than 16 MB");
        }

        _line.ResetWrittenCount();
        _line.Write(left);
        _unread = left.Length;
    }

    /// <summary>Reads the tokens of a line, or those of a piece that what follows cannot change.</summary>
    /// <returns>Where to read on when more is there.</returns>
    private int Read(ReadOnlySpan<char> text)
    {
        var read = !_begun && text.StartsWith("\uFEFF") ? 1 : 0;
        _begun = true;
        var tokens = new SqlTokenizer(text, _strings.Conforming) { Position = read };
        for (var isResumed = _open is not null; ; isResumed = false)
        {
            var token = isResumed ? tokens.Resume(_open!.Value) : tokens.Next();
            _gap ??= token.Offset > read ? ' ' : null;
            _lineEnded |= _closed is not null && text[read..token.Offset].Contains('\r');
            if (token.Kind == SqlTokenKind.End)
            {
                return text.Length;
            }

            if (_closed is { } closed && _lineEnded && text[token.Offset] == '\'' && !isResumed)
            {
                // A string goes on behind a line's end: the second part is read as the first was.
                tokens.Position = token.Offset + 1;
                token = tokens.Resume(closed) with { Offset = token.Offset };
                token = token with { Length = (token.IsTerminated ? tokens.Position : text.Length) - token.Offset };
                _gap = '\n';
            }

            if (_isPiece && IsUncertain(token, text))
            {
                return read;
            }

            if (_closed is not null && (isResumed || token.Kind != SqlTokenKind.Comment || text[token.Offset] != '-'))
            {
                _closed = null;
            }

            Take(ref tokens, token, text, isResumed);
            if (!token.IsTerminated)
            {
                return text.Length - (_isPiece ? tokens.Literal.Kept : 0);
            }

            read = tokens.Position;
        }
    }

    /// <summary>Whether what follows a piece can change the token: make it longer, or another one.</summary>
    private static bool IsUncertain(SqlToken token, ReadOnlySpan<char> text) => token.Kind switch
    {
        _ when !token.IsTerminated => false,
        _ when token.End > text.Length - Uncertain => true,
        SqlTokenKind.Backslash => true,
        SqlTokenKind.Punctuation => text[token.Offset] == '$' && !text[token.End..].ContainsAnyExcept(TagCharacters),
        _ => false,
    };

    private void Take(ref SqlTokenizer tokens, SqlToken token, ReadOnlySpan<char> text, bool isResumed)
    {
        if (!token.IsTerminated)
        {
            _open = tokens.Literal;
        }
        else if (_open is not null)
        {
            _open = null;
        }

        var span = token.In(text);
        switch (token.Kind)
        {
            case SqlTokenKind.Comment:
                _gap ??= ' ';
                if (!isResumed && span[0] == '-')
                {
                    OnComment?.Invoke(span[2..].TrimEnd('\r').ToString());
                }

                break;
            case SqlTokenKind.Backslash:
                tokens.Position = ReadCommand(text, token.End);
                tokens.StandardConformingStrings = _strings.Conforming;
                break;
            case SqlTokenKind.Punctuation when _bounds.IsEnd(token.Kind, span):
                EndStatement();
                tokens.StandardConformingStrings = _strings.Conforming;
                break;
            case SqlTokenKind.String or SqlTokenKind.DollarString or SqlTokenKind.QuotedIdentifier:
                TakeLiteral(tokens.Literal, token, text, isResumed);
                break;
            default:
                _bounds.Take(token.Kind, span);
                _statement.Add(span, _gap, isOuter: _bounds.Parentheses == 0);
                _gap = null;
                break;
        }
    }

    private void TakeLiteral(OpenLiteral literal, SqlToken token, ReadOnlySpan<char> text, bool isResumed)
    {
        var span = token.In(text);
        if (!isResumed)
        {
            _bounds.Take(token.Kind, span);
        }

        span = token.IsTerminated || !_isPiece ? span : span[..^literal.Kept];
        if (isResumed)
        {
            _statement.GoOn(span, token.IsTerminated);
        }
        else
        {
            _statement.Begin(token.Kind, span, _gap, token.IsTerminated, isOuter: _bounds.Parentheses == 0);
        }

        _gap = null;
        if (token.IsTerminated && token.Kind == SqlTokenKind.String)
        {
            _closed = literal;
            _lineEnded = false;
        }
    }

    private int ReadCommand(ReadOnlySpan<char> text, int start)
    {
        var length = text[start..].IndexOfAny('\r', '\n');
        var end = length < 0 ? text.Length : start + length;
        var command = text[start..end].ToString();
        OnCommand?.Invoke(command);
        if (PsqlMetaCommand.SendsStatement('\\' + command.Split(' ', 2)[0]))
        {
            EndStatement();
        }

        return end;
    }

    private void EndStatement()
    {
        if (!_statement.IsEmpty)
        {
            var statement = Statement(_statement.Take());
            _strings.Follow(statement);
            FollowEncoding(statement);
            _copies += statement.Span[0] is 'c' or 'C' && SqlStatementTraits.CopiesFromStdin(statement) ? 1 : 0;
            OnStatement?.Invoke(statement);
        }

        _bounds.Reset();
        _gap = null;
    }

    /// <summary>The lines to come have the encoding that the script says, as for psql.</summary>
    private void FollowEncoding(SqlStatement statement)
    {
        if (statement.Span[0] is 's' or 'S' && SettingAssignment.In(statement) is [{ Name: "client_encoding", Value: { } encoding }])
        {
            _decoder = ServerEncoding.Of(encoding).GetDecoder();
        }
    }

    private SqlStatement Statement(string text) => new(text, 0, text.Length, (int)Math.Min(Line, int.MaxValue), 1, _strings.Conforming);
}
