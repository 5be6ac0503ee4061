using System.Buffers;

namespace PgOps.Core.Sql;

/// <summary>
/// PostgreSQL's lexical rules as of version 16 (src/backend/parser/scan.l; psql's psqlscan.l holds the same ones), over a span and
/// without allocation. White space is skipped, comments are tokens. Every UTF-16 unit from U+0080 up is an identifier character,
/// as every byte from 0x80 up is to the server: a no-break space does not separate words.
/// </summary>
internal ref partial struct SqlTokenizer
{
    private static readonly SearchValues<char> QuoteOrBackslash = SearchValues.Create("'\\");
    private static readonly SearchValues<char> CommentMarks = SearchValues.Create("*/");
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\r\n");
    private static readonly SearchValues<char> SqlOnlyOperators = SearchValues.Create("+-*/<>=");
    private static readonly Class[] Classes = CreateClasses();

    private readonly ReadOnlySpan<char> _text;

    /// <summary>Begins at the text's start.</summary>
    /// <param name="text">The SQL text.</param>
    /// <param name="standardConformingStrings">The server's standard_conforming_strings.</param>
    public SqlTokenizer(ReadOnlySpan<char> text, bool standardConformingStrings = true)
    {
        _text = text;
        StandardConformingStrings = standardConformingStrings;
    }

    [Flags]
    private enum Class : byte
    {
        Other = 0,
        Space = 1,
        IdentifierStart = 2,
        Digit = 4,
        Dollar = 8,
        Operator = 16,
        IdentifierPart = IdentifierStart | Digit | Dollar,
    }

    /// <summary>When false, a backslash escapes within plain <c>'...'</c>; takes effect from the next token on.</summary>
    public bool StandardConformingStrings { get; set; }

    /// <summary>Where the next token is looked for: UTF-16 index into the text.</summary>
    public int Position { get; set; }

    /// <summary>The token <see cref="MoveNext"/> read.</summary>
    public SqlToken Current { get; private set; }

    /// <summary>How the last literal was read, or a comment or literal that the text does not end.</summary>
    internal OpenLiteral Literal { get; private set; }

    /// <summary>Lets foreach run over the remaining tokens.</summary>
    /// <returns>A copy of this tokenizer.</returns>
    public readonly SqlTokenizer GetEnumerator() => this;

    /// <summary>Reads the next token into <see cref="Current"/>.</summary>
    /// <returns>False at the end of the text.</returns>
    public bool MoveNext()
    {
        Current = Next();
        return Current.Kind != SqlTokenKind.End;
    }

    /// <summary>Reads the next token.</summary>
    /// <returns>The token; of kind <see cref="SqlTokenKind.End"/> at the end of the text, however often it is asked.</returns>
    public SqlToken Next()
    {
        var start = Position;
        while (start < _text.Length && ClassOf(_text[start]) == Class.Space)
        {
            start++;
        }

        Position = start;
        if (start >= _text.Length)
        {
            return new SqlToken(SqlTokenKind.End, _text.Length, 0);
        }

        var first = _text[start];
        return ClassOf(first) switch
        {
            Class.IdentifierStart => PrefixedOrWord(start, first),
            Class.Digit => Number(start),
            Class.Dollar => Dollar(start),
            Class.Operator => OperatorOrComment(start, first),
            _ => Special(start, first),
        };
    }

    /// <summary>Reads on within a literal or comment that an earlier text has left open.</summary>
    /// <param name="open">What is open.</param>
    /// <returns>The rest of it.</returns>
    internal SqlToken Resume(OpenLiteral open) => open.Kind switch
    {
        SqlTokenKind.String => String(Position, Position, open.Escapes, open.Doubling),
        SqlTokenKind.QuotedIdentifier => QuotedIdentifier(Position, Position),
        SqlTokenKind.DollarString => DollarString(Position, Position, open.Delimiter, open),
        _ => BlockComment(Position, Position, open.Depth),
    };

    private static Class[] CreateClasses()
    {
        var classes = new Class[128];
        for (var c = 0; c < 128; c++)
        {
            classes[c] = (char)c switch
            {
                ' ' or '\t' or '\n' or '\r' or '\f' or '\v' => Class.Space,
                (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_' => Class.IdentifierStart,
                >= '0' and <= '9' => Class.Digit,
                '$' => Class.Dollar,
                '~' or '!' or '@' or '#' or '^' or '&' or '|' or '`' or '?' or '+' or '-' or '*' or '/' or '%' or '<' or '>' or '=' =>
                    Class.Operator,
                _ => Class.Other,
            };
        }

        return classes;
    }

    private static Class ClassOf(char c) => c < 128 ? Classes[c] : Class.IdentifierStart;

    private readonly char At(int index) => index < _text.Length ? _text[index] : '\0';

    private readonly bool IsDigit(int index) => ClassOf(At(index)) == Class.Digit;

    private SqlToken Token(SqlTokenKind kind, int start, int end)
    {
        Position = end;
        return new SqlToken(kind, start, end - start);
    }

    /// <summary>A literal or comment whose end does not stand in the text.</summary>
    /// <param name="literal">How it is read on, if there is more.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="kept">How many characters at the text's end must be read again with what follows.</param>
    private SqlToken Unterminated(OpenLiteral literal, int start, int kept = 0)
    {
        Position = _text.Length;
        Literal = literal with { Kept = kept };
        return new SqlToken(literal.Kind, start, _text.Length - start, IsTerminated: false);
    }

    private SqlToken PrefixedOrWord(int start, char first)
    {
        var next = At(start + 1);
        if (next == '\'')
        {
            switch (first)
            {
                case 'e' or 'E':
                    return String(start, start + 2, escapes: true, doubling: true);
                case 'b' or 'B' or 'x' or 'X':
                    return String(start, start + 2, escapes: false, doubling: false);
                case 'n' or 'N':
                    return String(start, start + 2, !StandardConformingStrings, doubling: true);
            }
        }
        else if (next == '&' && first is 'u' or 'U')
        {
            switch (At(start + 2))
            {
                case '\'':
                    return String(start, start + 3, escapes: false, doubling: true);
                case '"':
                    return QuotedIdentifier(start, start + 3);
            }
        }

        return Token(SqlTokenKind.Word, start, IdentifierEnd(start + 1));
    }

    private readonly int IdentifierEnd(int index)
    {
        while (index < _text.Length && (ClassOf(_text[index]) & Class.IdentifierPart) != 0)
        {
            index++;
        }

        return index;
    }

    private SqlToken String(int start, int index, bool escapes, bool doubling)
    {
        Literal = new OpenLiteral(SqlTokenKind.String, escapes, doubling);
        while (true)
        {
            var rest = _text[index..];
            var found = escapes ? rest.IndexOfAny(QuoteOrBackslash) : rest.IndexOf('\'');
            if (found < 0)
            {
                return Unterminated(Literal, start);
            }

            index += found + 1;
            if (_text[index - 1] == '\\')
            {
                if (index == _text.Length)
                {
                    return Unterminated(Literal, start, kept: 1);
                }

                index++;
            }
            else if (doubling && At(index) == '\'')
            {
                index++;
            }
            else
            {
                var continued = ContinuationAt(index);
                if (continued < 0)
                {
                    return Token(SqlTokenKind.String, start, index);
                }

                index = continued;
            }
        }
    }

    /// <summary>
    /// The index behind the quote that continues a string closed at <paramref name="index"/>, or -1: between the two may stand
    /// only white space with a line end in it, and line comments.
    /// </summary>
    private readonly int ContinuationAt(int index)
    {
        var lineEnded = false;
        while (index < _text.Length)
        {
            var c = _text[index];
            if (ClassOf(c) == Class.Space)
            {
                lineEnded |= c is '\n' or '\r';
                index++;
            }
            else if (c == '-' && At(index + 1) == '-')
            {
                index = LineEnd(index);
            }
            else
            {
                return lineEnded && c == '\'' ? index + 1 : -1;
            }
        }

        return -1;
    }

    private readonly int LineEnd(int index)
    {
        var found = _text[index..].IndexOfAny(LineEnds);
        return found < 0 ? _text.Length : index + found;
    }

    private SqlToken QuotedIdentifier(int start, int index)
    {
        while (true)
        {
            var found = _text[index..].IndexOf('"');
            if (found < 0)
            {
                return Unterminated(new OpenLiteral(SqlTokenKind.QuotedIdentifier), start);
            }

            index += found + 1;
            if (At(index) != '"')
            {
                return Token(SqlTokenKind.QuotedIdentifier, start, index);
            }

            index++;
        }
    }

    private SqlToken Dollar(int start)
    {
        var index = start + 1;
        if (IsDigit(index))
        {
            return Token(SqlTokenKind.Parameter, start, JunkEnd(DigitsEnd(index)));
        }

        if (ClassOf(At(index)) == Class.IdentifierStart)
        {
            while ((ClassOf(At(index)) & (Class.IdentifierStart | Class.Digit)) != 0)
            {
                index++;
            }
        }

        if (At(index) != '$')
        {
            return Token(SqlTokenKind.Punctuation, start, start + 1);
        }

        index++;
        return DollarString(start, index, _text[start..index], null);
    }

    /// <param name="start">Where the token begins.</param>
    /// <param name="index">Where its content is read on.</param>
    /// <param name="delimiter">The dollar signs and the tag between them.</param>
    /// <param name="resumed">The same, where the literal began in an earlier text.</param>
    private SqlToken DollarString(int start, int index, ReadOnlySpan<char> delimiter, OpenLiteral? resumed)
    {
        var found = _text[index..].IndexOf(delimiter);
        return found < 0
            ? Unterminated(
                resumed ?? new OpenLiteral(SqlTokenKind.DollarString, Delimiter: delimiter.ToString()),
                start,
                Math.Min(delimiter.Length - 1, _text.Length - index))
            : Token(SqlTokenKind.DollarString, start, index + found + delimiter.Length);
    }

    private SqlToken Number(int start)
    {
        var index = DigitsEnd(start);
        if (At(index) == '.' && At(index + 1) != '.')
        {
            index++;
            index = IsDigit(index) ? DigitsEnd(index) : index;
        }

        if (At(index) is 'e' or 'E')
        {
            var exponent = At(index + 1) is '+' or '-' ? index + 2 : index + 1;
            if (IsDigit(exponent))
            {
                index = DigitsEnd(exponent);
            }
            else if (exponent == index + 2)
            {
                return Token(SqlTokenKind.Number, start, exponent);
            }
        }

        return Token(SqlTokenKind.Number, start, JunkEnd(index));
    }

    private readonly int DigitsEnd(int index)
    {
        while (IsDigit(index) || (At(index) == '_' && IsDigit(index + 1)))
        {
            index++;
        }

        return index;
    }

    /// <summary>An identifier directly behind a number belongs to it; so do the digits of 0x1F, which need no rule of their own.</summary>
    private readonly int JunkEnd(int index) => ClassOf(At(index)) == Class.IdentifierStart ? IdentifierEnd(index + 1) : index;
}
