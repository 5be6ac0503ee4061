namespace PgOps.Core.Sql;

/// <summary>One lexical element of SQL.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it begins: UTF-16 index into the tokenizer's text.</param>
/// <param name="Length">Its length in UTF-16 units.</param>
/// <param name="IsTerminated">False when the text ended inside quotes or a comment.</param>
internal readonly record struct SqlToken(SqlTokenKind Kind, int Offset, int Length, bool IsTerminated = true)
{
    /// <summary>The index just behind the token.</summary>
    public int End => Offset + Length;

    /// <summary>The token's text.</summary>
    /// <param name="text">The text the tokenizer read.</param>
    /// <returns>A slice, no copy.</returns>
    public ReadOnlySpan<char> In(ReadOnlySpan<char> text) => text.Slice(Offset, Length);
}
