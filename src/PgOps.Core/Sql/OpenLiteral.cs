namespace PgOps.Core.Sql;

/// <summary>A literal, quoted identifier or block comment that the text at hand leaves open: what reading on needs to know.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Escapes">Of a string: whether a backslash escapes.</param>
/// <param name="Doubling">Of a string: whether a quote written twice stands for itself.</param>
/// <param name="Depth">Of a comment: how many are open, one within the other.</param>
/// <param name="Delimiter">Of a dollar-quoted string: the dollar signs and the tag between them.</param>
/// <param name="Kept">How many characters at the text's end must be read again with what follows: they may be half a mark.</param>
internal readonly record struct OpenLiteral(
    SqlTokenKind Kind, bool Escapes = false, bool Doubling = false, int Depth = 0, string? Delimiter = null, int Kept = 0);
