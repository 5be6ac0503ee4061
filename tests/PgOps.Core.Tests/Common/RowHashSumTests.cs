using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Tests.Common;

public sealed class RowHashSumTests
{
    [Fact]
    public void Chunk_borders_make_no_difference()
    {
        var text = Encoding.UTF8.GetBytes("1\tone\n2\ttwo\\nlines\n\n\n3\tä\n" + new string('x', 5000) + "\n");
        var whole = Sum(text, text.Length);
        Assert.Equal(6, whole.Rows);
        for (var size = 1; size < 64; size++)
        {
            var pieces = Sum(text, size);
            Assert.Equal(whole.Rows, pieces.Rows);
            Assert.Equal(whole.Digest, pieces.Digest);
        }
    }

    // Reference values of XXH3_128bits (xxhsum -H128), seed 0; two rows add up modulo 2^128.
    [Theory]
    [InlineData("", "00000000000000000000000000000000")]
    [InlineData("\n", "99aa06d3014798d86001c324468d497f")]
    [InlineData("a\n", "a96faf705af16834e6c632b61e964e1f")]
    [InlineData("abc\n", "06b05ab6733a618578af5f94892f3950")]
    [InlineData("a\nabc\n", "b0200a26ce2bc9ba5f75924aa7c5876f")]
    public void A_row_counts_by_its_hash(string text, string expected) => Assert.Equal(expected, Sum(text).Digest);

    [Fact]
    public void Order_does_not_matter()
        => Assert.Equal(Sum("a\nb\nc\n").Digest, Sum("c\na\nb\n").Digest);

    [Fact]
    public void A_duplicate_shows_even_when_the_count_is_the_same()
    {
        Assert.NotEqual(Sum("a\na\nb\n").Digest, Sum("a\nb\nb\n").Digest);
        Assert.NotEqual(Sum("a\na\n").Digest, Sum("b\nb\n").Digest);
    }

    [Fact]
    public void Nothing_read_is_zero() => Assert.Equal(new string('0', 32), new RowHashSum().Digest);

    [Fact]
    public void A_stream_that_breaks_off_inside_a_row_is_an_error()
    {
        var sum = new RowHashSum();
        sum.Append("a\nb"u8);
        Assert.Throws<InvalidDataException>(sum.Complete);
    }

    private static RowHashSum Sum(string text) => Sum(Encoding.UTF8.GetBytes(text), 3);

    private static RowHashSum Sum(byte[] text, int size)
    {
        var sum = new RowHashSum();
        foreach (var chunk in text.Chunk(size))
        {
            sum.Append(chunk);
        }

        sum.Complete();
        return sum;
    }
}
