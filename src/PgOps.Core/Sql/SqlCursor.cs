using System.Globalization;

namespace PgOps.Core.Sql;

/// <summary>Walks over a statement's tokens, comments left out, as far as classifying it needs.</summary>
internal ref struct SqlCursor
{
    private readonly ReadOnlySpan<char> _text;
    private SqlTokenizer _tokens;
    private SqlToken _token;

    public SqlCursor(SqlStatement statement)
    {
        _text = statement.Span;
        _tokens = statement.Tokenize();
        Advance();
    }

    public SqlCursor(string text)
    {
        _text = text;
        _tokens = new SqlTokenizer(text);
        Advance();
    }

    public readonly bool AtEnd => _token.Kind == SqlTokenKind.End;

    /// <summary>Whether the token at hand is this keyword.</summary>
    public readonly bool At(string keyword) =>
        _token.Kind == SqlTokenKind.Word && _token.In(_text).Equals(keyword, StringComparison.OrdinalIgnoreCase);

    /// <summary>Goes on when the token at hand is this keyword.</summary>
    public bool Accept(string keyword) => AdvanceIf(At(keyword));

    /// <summary>Goes on when these keywords stand next, one behind the other.</summary>
    public bool Accept(string first, string second)
    {
        var before = this;
        if (Accept(first) && Accept(second))
        {
            return true;
        }

        this = before;
        return false;
    }

    /// <summary>Goes on when these keywords stand next, one behind the other.</summary>
    public bool Accept(string first, string second, string third)
    {
        var before = this;
        if (Accept(first, second) && Accept(third))
        {
            return true;
        }

        this = before;
        return false;
    }

    /// <summary>Goes on when the token at hand is this operator or punctuation.</summary>
    public bool AcceptSymbol(string symbol) =>
        AdvanceIf(_token.Kind is SqlTokenKind.Punctuation or SqlTokenKind.Operator && _token.In(_text).SequenceEqual(symbol));

    /// <summary>Reads a setting's Boolean: on, off, true, false, yes, no, 1, 0, quoted or not.</summary>
    /// <returns>Null when the token at hand is none.</returns>
    public bool? AcceptBoolean()
    {
        bool? value = _token.In(_text).Trim('\'').ToString().ToUpperInvariant() switch
        {
            "ON" or "TRUE" or "T" or "YES" or "Y" or "1" => true,
            "OFF" or "FALSE" or "F" or "NO" or "N" or "0" => false,
            _ => null,
        };
        AdvanceIf(value is not null);
        return value;
    }

    /// <summary>Reads a possibly qualified name.</summary>
    /// <returns>Its parts as the catalog holds them; empty when no name stands here.</returns>
    public List<string> AcceptName()
    {
        var parts = new List<string>(2);
        while (_token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier)
        {
            parts.Add(SqlIdentifier.ToName(_token.In(_text)));
            Advance();
            if (!AcceptSymbol("."))
            {
                break;
            }
        }

        return parts;
    }

    /// <summary>Goes on behind the opening parenthesis of a call of a function, in quotes or not.</summary>
    /// <param name="function">The function as the catalog has it, without its schema.</param>
    public bool AcceptCall(string function)
    {
        var before = this;
        if (_token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier && SqlIdentifier.ToName(_token.In(_text)) == function)
        {
            Advance();
            if (AcceptSymbol("("))
            {
                return true;
            }
        }

        this = before;
        return false;
    }

    /// <summary>Reads a string literal.</summary>
    /// <returns>The text that it stands for; null when the token at hand is none.</returns>
    public string? AcceptText()
    {
        var text = _token is { Kind: SqlTokenKind.String or SqlTokenKind.DollarString, IsTerminated: true }
            ? SqlLiteral.ToText(_token.In(_text))
            : null;
        AdvanceIf(text is not null);
        return text;
    }

    /// <summary>Reads a whole number with its sign.</summary>
    /// <returns>Null when none stands here.</returns>
    public long? AcceptNumber()
    {
        var before = this;
        var sign = AcceptSymbol("-") ? "-" : "";
        if (_token.Kind == SqlTokenKind.Number
            && long.TryParse(
                sign + _token.In(_text).ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            Advance();
            return number;
        }

        this = before;
        return null;
    }

    /// <summary>Goes on behind the closing one when an opening parenthesis stands here.</summary>
    public bool AcceptParentheses()
    {
        if (!AcceptSymbol("("))
        {
            return false;
        }

        for (var depth = 1; depth > 0 && !AtEnd;)
        {
            if (AcceptSymbol("("))
            {
                depth++;
            }
            else if (AcceptSymbol(")"))
            {
                depth--;
            }
            else
            {
                Advance();
            }
        }

        return true;
    }

    /// <summary>Goes on to the next token.</summary>
    public void Advance()
    {
        do
        {
            _token = _tokens.Next();
        }
        while (_token.Kind == SqlTokenKind.Comment);
    }

    private bool AdvanceIf(bool condition)
    {
        if (condition)
        {
            Advance();
        }

        return condition;
    }
}
