using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class SqlTokenizerFacts
{
    [Theory]
    [InlineData("SELECT a", "Word:SELECT Word:a")]
    [InlineData("a\fb\vc\rd", "Word:a Word:b Word:c Word:d")]
    [InlineData("a\u00A0b", "Word:a\u00A0b")]
    [InlineData("größe $1$2", "Word:größe Parameter:$1 Parameter:$2")]
    [InlineData("a$b$ c", "Word:a$b$ Word:c")]
    [InlineData("$a$ ' $b$ $a$x", "DollarString:$a$ ' $b$ $a$ Word:x")]
    [InlineData("$$$a$$", "DollarString:$$$a$$")]
    [InlineData("$ä1$;$ä1$", "DollarString:$ä1$;$ä1$")]
    [InlineData("$1a", "Parameter:$1a")]
    [InlineData("$-", "Punctuation:$ Operator:-")]
    [InlineData("'it''s' ''", "String:'it''s' String:''")]
    [InlineData(@"'\' ''", @"String:'\' String:''")]
    [InlineData(@"E'\'' e'\\'", @"String:E'\'' String:e'\\'")]
    [InlineData(
        @"N'a' B'01''1' x'1F' U&'\0061' u&""d\0061t""",
        @"String:N'a' String:B'01' String:'1' String:x'1F' String:U&'\0061' QuotedIdentifier:u&""d\0061t""")]
    [InlineData("u&1 u& 'x'", "Word:u Operator:& Number:1 Word:u Operator:& String:'x'")]
    [InlineData("te'x'", "Word:te String:'x'")]
    [InlineData("\"a\"\"b\" \"\"", "QuotedIdentifier:\"a\"\"b\" QuotedIdentifier:\"\"")]
    [InlineData("/* a /* b */ c */d", "Comment:/* a /* b */ c */ Word:d")]
    [InlineData("/***/a/*/*/**/*/*/b", "Comment:/***/ Word:a Comment:/*/*/**/*/*/ Word:b")]
    [InlineData("a--b\rc", "Word:a Comment:--b Word:c")]
    [InlineData("1+-2", "Number:1 Operator:+ Operator:- Number:2")]
    [InlineData("a@-b", "Word:a Operator:@- Word:b")]
    [InlineData("a<--b", "Word:a Operator:< Comment:--b")]
    [InlineData("a+/*c*/b", "Word:a Operator:+ Comment:/*c*/ Word:b")]
    [InlineData("a::b:=c..d => <>", "Word:a Operator::: Word:b Operator::= Word:c Operator:.. Word:d Operator:=> Operator:<>")]
    [InlineData(
        "1_000 0x1F 1.5e10 .5 1. 1..2 1e5 123abc 1e-",
        "Number:1_000 Number:0x1F Number:1.5e10 Number:.5 Number:1. Number:1 Operator:.. Number:2 Number:1e5 Number:123abc Number:1e-")]
    [InlineData(@"a\b", @"Word:a Backslash:\ Word:b")]
    public void Reads_what_scan_l_reads(string text, string expected)
    {
        var tokens = new List<string>();
        foreach (var token in new SqlTokenizer(text))
        {
            tokens.Add($"{token.Kind}:{token.In(text)}");
        }

        Assert.Equal(expected, string.Join(' ', tokens));
    }

    [Theory]
    [InlineData("'a'\n'b'", 1)]
    [InlineData("'a' -- c\r  -- d\n 'b' ", 1)]
    [InlineData("'a' 'b'", 2)]
    [InlineData("'a' /* c */\n'b'", 3)]
    [InlineData("'a'\n- 'b'", 3)]
    [InlineData("E'a'\n'\\''", 1)]
    [InlineData("B'0'\n'1''2'", 2)]
    public void A_string_goes_on_only_behind_a_line_end(string text, int expected)
    {
        var count = 0;
        foreach (var token in new SqlTokenizer(text))
        {
            Assert.True(token.IsTerminated);
            count++;
        }

        Assert.Equal(expected, count);
    }

    [Theory]
    [InlineData("'a")]
    [InlineData("'a''")]
    [InlineData(@"E'a\'")]
    [InlineData(@"E'a\")]
    [InlineData("\"a\"\"")]
    [InlineData("$a$ $b$")]
    [InlineData("$$ $")]
    [InlineData("/* /* */")]
    [InlineData("/*/")]
    public void Says_when_the_text_ends_inside_quotes(string text)
    {
        var token = new SqlTokenizer(text).Next();

        Assert.False(token.IsTerminated);
        Assert.Equal(text.Length, token.End);
    }

    [Fact]
    public void Backslash_escapes_in_plain_quotes_without_standard_conforming_strings() =>
        Assert.Equal(5, new SqlTokenizer(@"'a\''b", standardConformingStrings: false).Next().End);

    [Fact]
    public void Unicode_strings_never_take_backslash_as_escape() =>
        Assert.Equal(5, new SqlTokenizer(@"U&'\' '", standardConformingStrings: false).Next().End);
}
