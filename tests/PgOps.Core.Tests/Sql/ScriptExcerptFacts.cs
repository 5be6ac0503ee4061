using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class ScriptExcerptFacts
{
    [Fact]
    public void The_caret_stands_under_the_place()
    {
        const string Line = "ALTER TABLE orders ADD emial text REFERENCES custmers(id);";
        var text = "\n\n\r\n\r\r\r" + Line + "\nB;";

        var excerpt = ScriptExcerpt.At(text, text.IndexOf("custmers", StringComparison.Ordinal));

        Assert.Equal((7, 46, Line), (excerpt.Line, excerpt.Column, excerpt.LineText));
        Assert.Equal($"  7 | {Line}\n    | {new string(' ', 45)}^", excerpt.Rendered);
    }

    [Theory]
    [InlineData("\tSELECT\tx", 8, 9, "    | \t      \t^")]
    [InlineData("é表😀x", 4, 4, "    |      ^")]
    [InlineData("\uFEFFx", 1, 1, "    | ^")]
    [InlineData("ab", 9, 3, "    |   ^")]
    [InlineData("ab\r\nc", 3, 4, "    |   ^")]
    [InlineData("", 0, 1, "    | ^")]
    public void The_caret_keeps_tabs_and_minds_wide_characters(string text, int offset, int column, string caret)
    {
        var excerpt = ScriptExcerpt.At(text, offset);

        Assert.Equal(column, excerpt.Column);
        Assert.EndsWith("\n" + caret, excerpt.Rendered, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, false, true)]
    [InlineData(250, true, true)]
    [InlineData(499, true, false)]
    public void A_long_line_is_cut_around_the_place(int offset, bool left, bool right)
    {
        var text = new string('a', offset) + "X" + new string('a', 499 - offset);

        var excerpt = ScriptExcerpt.At(text, offset);
        var lines = excerpt.Rendered.Split('\n');

        Assert.InRange(excerpt.LineText.Length, 160, 162);
        Assert.Equal(left, excerpt.LineText.StartsWith('…'));
        Assert.Equal(right, excerpt.LineText.EndsWith('…'));
        Assert.Equal(lines[0].IndexOf('X', StringComparison.Ordinal), lines[1].IndexOf('^', StringComparison.Ordinal));
        Assert.Equal(offset + 1, excerpt.Column);
    }
}
