namespace PgOps.Core.Sql;

/// <summary>What a <see cref="SqlToken"/> is.</summary>
public enum SqlTokenKind
{
    /// <summary>The end of the text.</summary>
    End,

    /// <summary>An unquoted identifier or a keyword.</summary>
    Word,

    /// <summary>A <c>"..."</c> or <c>U&amp;"..."</c> identifier.</summary>
    QuotedIdentifier,

    /// <summary>A string constant in single quotes with its prefix (<c>E B X N U&amp;</c>) and its continuations on later lines.</summary>
    String,

    /// <summary>A dollar-quoted string constant.</summary>
    DollarString,

    /// <summary>A numeric constant, with whatever junk trails it.</summary>
    Number,

    /// <summary>A parameter such as <c>$1</c>.</summary>
    Parameter,

    /// <summary>An operator, also <c>::</c>, <c>:=</c> and <c>..</c>.</summary>
    Operator,

    /// <summary>A single character: parenthesis, bracket, comma, semicolon, dot, colon, or one PostgreSQL has no rule for.</summary>
    Punctuation,

    /// <summary>A <c>--</c> comment without its line end, or a <c>/* */</c> comment.</summary>
    Comment,

    /// <summary>A backslash outside quotes, which begins a psql meta-command.</summary>
    Backslash,
}

/// <summary>One lexical element of SQL.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it begins: UTF-16 index into the tokenizer's text.</param>
/// <param name="Length">Its length in UTF-16 units.</param>
/// <param name="IsTerminated">False when the text ended inside quotes or a comment.</param>
public readonly record struct SqlToken(SqlTokenKind Kind, int Offset, int Length, bool IsTerminated = true)
{
    /// <summary>The index just behind the token.</summary>
    public int End => Offset + Length;

    /// <summary>The token's text.</summary>
    /// <param name="text">The text the tokenizer read.</param>
    /// <returns>A slice, no copy.</returns>
    public ReadOnlySpan<char> In(ReadOnlySpan<char> text) => text.Slice(Offset, Length);
}
