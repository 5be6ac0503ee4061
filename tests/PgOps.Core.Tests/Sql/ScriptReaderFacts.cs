using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Sql.Reference;

namespace PgOps.Core.Tests.Sql;

/// <summary>Dumps come in pieces and are read by the same rules as a script that is there as a whole.</summary>
[Trait("Category", "Slow")]
public sealed partial class ScriptReaderFacts
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(1 << 20)]
    public void A_script_in_pieces_has_the_statements_of_the_whole(int piece)
    {
        var random = new RandomSql(20261130, reservedLabels: true);
        for (var count = 0; count < 3000; count++)
        {
            var text = (count % 3 == 0 ? random.NextMutated() : random.Next()).Replace("\0", "", StringComparison.Ordinal) + "\n;\n";
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)); // No half surrogates.
            var whole = SqlScript.Parse(text);
            if (whole.Problems.Count == 0)
            {
                Assert.Equal(whole.Statements.Select(Tokens), Read(text, piece).Statements.Select(Tokens));
            }
        }
    }

    [Theory]
    [InlineData("'{0}'", 'a')]
    [InlineData("'{0}'", '\'')]
    [InlineData("E'{0}'", '\\')]
    [InlineData("E'{0}'\n'{0}'", '\\')]
    [InlineData("\"{0}\"", '"')]
    [InlineData("$x$ {0} $y$ $x $x$", '$')]
    [InlineData("/*{0}*/", '*')]
    [InlineData("/* /*{0} */ {0} /**/ */", '/')]
    [InlineData("(a{0})", ',')]
    [InlineData("a -- {0}", '\'')]
    [InlineData("1 {0}", '\r')]
    [InlineData("E'a'\r{0}'b\\' c'", ' ')]
    public void A_line_longer_than_a_piece_ends_where_it_ends(string form, char filling)
    {
        foreach (var length in (int[])[1000, 65_400, 65_402, 65_530, 65_534, 65_536, 65_538, 131_072, 131_074, 300_000])
        {
            var body = string.Format(CultureInfo.InvariantCulture, form, new string(filling, length));
            var text = $"SELECT 1, {body}\n; SELECT 'a\\' \\! b\n; SELECT 2;\n";
            var whole = SqlScript.Parse(text);
            foreach (var piece in (int[])[4096, 1 << 20])
            {
                var read = Read(text, piece);
                Assert.Equal(whole.Statements.Count, read.Statements.Count);
                Assert.Equal(
                    whole.Statements.Select(one => string.Join(' ', one.Keywords)),
                    read.Statements.Select(one => string.Join(' ', one.Keywords)));
                Assert.Equal(["! b"], read.Commands);
            }
        }
    }

    [Fact]
    public void A_long_tag_at_the_end_of_a_piece_opens_its_literal()
    {
        var tag = "$" + new string('t', 400) + "$";
        for (var before = 65_000; before < 65_600; before += 7)
        {
            var read = Read($"SELECT{new string(' ', before)}{tag}'{tag} \\! rm\n;\n", 1 << 20);
            Assert.Equal(["! rm"], read.Commands);
        }
    }

    [Fact]
    public void Of_long_literals_and_statements_the_kind_is_kept_and_the_rest_is_not_held()
    {
        var columns = string.Join(", ", Enumerable.Range(0, 60_000).Select(number => $"\"column {number}\""));
        var text = $"INSERT INTO t VALUES ('{new string('x', 1_000_000)}', $a${new string('y', 100_000)}$a$, 'z');\n"
            + $"COPY public.t ({columns}) FROM stdin;\n1\n\\.\nSELECT 1;\n";
        var read = Read(text, 10_000);

        Assert.Equal("INSERT INTO t VALUES ('', $a$$a$, 'z')", read.Statements[0].Text);
        Assert.True(read.Statements[1].Length < 600_000);
        Assert.Equal(["1\n"], read.Data);
        Assert.Equal("SELECT 1", read.Statements[2].Text);
    }

    [Fact]
    public void Comments_commands_data_and_lines_are_told()
    {
        var read = Read("\uFEFF-- a\nSELECT /* b */ 1 -- c\n;\nCOPY t FROM stdin; -- d\n1\n\\.x\n\\\\.\n\\.\r\n\\restrict key\nCOPY u FROM "
            + "stdin;\n\\.\nSELECT 2", 2);

        Assert.Equal([" a", " c", " d"], read.Comments);
        Assert.Equal(["restrict key"], read.Commands);
        Assert.Equal(["1\n\\.x\n\\\\.\n", ""], read.Data);
        Assert.Equal([3, 4, 10], read.Statements.Select(statement => statement.Line));
        Assert.False(read.IsAtRest);
    }

    [Theory]
    [InlineData("SELECT 'a", false)]
    [InlineData("COPY t FROM stdin;\n1\n", false)]
    [InlineData("COPY t FROM stdin;\n1\n\\.", true)]
    [InlineData("/* ", false)]
    [InlineData("SELECT 1; -- x", true)]
    public void A_script_is_at_rest_outside_of_everything(string text, bool expected) => Assert.Equal(expected, Read(text, 3).IsAtRest);

    /// <summary>The tokens. What stands between the parts of a string that goes on behind a line's end is the same for all.</summary>
    private static string Tokens(SqlStatement statement)
    {
        var text = new StringBuilder();
        foreach (var token in statement.Tokenize())
        {
            if (token.Kind != SqlTokenKind.Comment)
            {
                text.Append(token.Kind).Append(' ').Append(BetweenParts().Replace(token.In(statement.Span).ToString(), "'\n'")).Append('|');
            }
        }

        return text.ToString();
    }

    private static Parts Read(string text, int piece)
    {
        var parts = new Parts();
        var data = new StringBuilder();
        var reader = new ScriptReader
        {
            OnStatement = parts.Statements.Add,
            OnComment = parts.Comments.Add,
            OnCommand = parts.Commands.Add,
            OnData = (bytes, ends) =>
            {
                data.Append(Encoding.UTF8.GetString(bytes));
                if (ends)
                {
                    parts.Data.Add(data.ToString());
                    data.Clear();
                }
            },
        };
        var all = Encoding.UTF8.GetBytes(text);
        for (var at = 0; at < all.Length; at += piece)
        {
            reader.Add(all.AsSpan(at, Math.Min(piece, all.Length - at)));
        }

        reader.Complete();
        parts.IsAtRest = reader.IsAtRest;
        return parts;
    }

    [GeneratedRegex(@"'(?:[ \t\r\n\f\v]|--[^\r\n]*[\r\n])+'")]
    private static partial Regex BetweenParts();

    private sealed class Parts
    {
        public List<SqlStatement> Statements { get; } = [];

        public List<string> Comments { get; } = [];

        public List<string> Commands { get; } = [];

        public List<string> Data { get; } = [];

        public bool IsAtRest { get; set; }
    }
}
