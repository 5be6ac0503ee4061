using System.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class CopyDataEndFacts
{
    [Theory]
    [InlineData("", -1)]
    [InlineData("\\.", 0)]
    [InlineData("\\.\n", 0)]
    [InlineData("a\n\\.\r\n", 2)]
    [InlineData("a\n\\.\r", 2)]
    [InlineData("a\\.\n\\.b\n\\\\.\n \\.\n\\.\r\r\n", -1)]
    [InlineData("\n\n\\\n\\.\nx", 4)]
    public void Only_a_line_of_its_own_ends_the_data(string data, int at)
    {
        Assert.Equal(at, CopyDataEnd.IndexIn(data.AsSpan()));
        Assert.Equal(at, CopyDataEnd.IndexIn<byte>(Encoding.UTF8.GetBytes(data)));
    }

    [Fact]
    public void In_pieces_the_end_is_where_it_is_in_the_whole()
    {
        var random = new Random(3);
        for (var count = 0; count < 20_000; count++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => "\\.\n\r\nab\n\\."[random.Next(10)])) + "\nend\n";
            var found = CopyDataEnd.IndexIn(text.AsSpan());
            var (data, ended) = Read(Encoding.ASCII.GetBytes(text), random.Next(1, 6));
            Assert.Equal(found >= 0, ended);
            Assert.Equal(found >= 0 ? text[..found] : text, data);
        }
    }

    private static (string Data, bool Ended) Read(ReadOnlySpan<byte> text, int piece)
    {
        var data = new StringBuilder();
        var end = default(CopyDataEnd);
        for (; !text.IsEmpty; text = text[Math.Min(piece, text.Length)..])
        {
            var part = text[..Math.Min(piece, text.Length)];
            while (!part.IsEmpty)
            {
                var ended = end.Read(ref part, out var heldBack, out var read);
                data.Append(Encoding.ASCII.GetString(heldBack)).Append(Encoding.ASCII.GetString(read));
                if (ended)
                {
                    return (data.ToString(), true);
                }
            }
        }

        return (data.ToString(), false);
    }
}
