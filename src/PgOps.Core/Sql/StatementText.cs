namespace PgOps.Core.Sql;

/// <summary>
/// Puts a statement's text together from tokens, with a bound on its length: of a long literal its delimiters stay, of a long statement
/// its beginning and then what stands outside of parentheses. What is left is still the statement's kind and valid in its quotes.
/// </summary>
internal sealed class StatementText
{
    private const int LongestLiteral = 4 * 1024;
    private const int Longest = 256 * 1024;

    private char[] _text = new char[1024];
    private int _length;
    private SqlTokenKind _literal;
    private int _literalStart;
    private int _literalOpening;
    private bool _literalKept;
    private bool _literalCut;

    internal bool IsEmpty => _length == 0;

    /// <summary>Adds a token.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="gap">What stands before it.</param>
    /// <param name="isOuter">Whether it stands outside of parentheses, or closes the last one.</param>
    internal void Add(ReadOnlySpan<char> token, char? gap, bool isOuter)
    {
        if (HasRoom(isOuter))
        {
            Separate(gap);
            Append(token.Length > LongestLiteral ? token[..LongestLiteral] : token);
        }
    }

    /// <summary>Adds a literal or a quoted identifier, or its beginning.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="piece">The text.</param>
    /// <param name="gap">What stands before it.</param>
    /// <param name="isTerminated">Whether it ends here.</param>
    /// <param name="isOuter">Whether it stands outside of parentheses.</param>
    internal void Begin(SqlTokenKind kind, ReadOnlySpan<char> piece, char? gap, bool isTerminated, bool isOuter)
    {
        _literalKept = HasRoom(isOuter);
        _literalCut = false;
        if (_literalKept)
        {
            Separate(gap);
            _literal = kind;
            _literalStart = _length;
            _literalOpening = kind == SqlTokenKind.DollarString ? piece[1..].IndexOf('$') + 2 : piece.IndexOfAny('\'', '"') + 1;
            Append(piece[.._literalOpening]);
            GoOn(piece[_literalOpening..], isTerminated);
        }
    }

    /// <summary>Adds the next piece of the literal.</summary>
    /// <param name="piece">The text.</param>
    /// <param name="isTerminated">Whether it ends here.</param>
    internal void GoOn(ReadOnlySpan<char> piece, bool isTerminated)
    {
        if (!_literalKept)
        {
            return;
        }

        if (!_literalCut && _length - _literalStart + piece.Length <= LongestLiteral)
        {
            Append(piece);
            return;
        }

        if (!_literalCut)
        {
            _literalCut = true;
            _length = _literalStart + _literalOpening;
        }

        if (isTerminated)
        {
            Append(_literal switch
            {
                SqlTokenKind.DollarString => _text.AsSpan(_literalStart, _literalOpening).ToString(),
                SqlTokenKind.QuotedIdentifier => "\"",
                _ => "'",
            });
        }
    }

    /// <summary>The text; what is added next begins another one.</summary>
    internal string Take()
    {
        var text = _text.AsSpan(0, _length).ToString();
        _length = 0;
        return text;
    }

    private void Separate(char? gap)
    {
        if (gap is { } character && _length > 0)
        {
            Append([character]);
        }
    }

    private void Append(ReadOnlySpan<char> text)
    {
        if (_text.Length - _length < text.Length)
        {
            Array.Resize(ref _text, Math.Max(2 * _text.Length, _length + text.Length));
        }

        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
    }

    private bool HasRoom(bool isOuter) => _length < (isOuter ? 2 * Longest : Longest);
}
