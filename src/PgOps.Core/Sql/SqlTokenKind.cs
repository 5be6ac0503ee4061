namespace PgOps.Core.Sql;

/// <summary>What a <see cref="SqlToken"/> is.</summary>
internal enum SqlTokenKind
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
