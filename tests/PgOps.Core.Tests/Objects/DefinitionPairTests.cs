using PgOps.Core.Objects;

namespace PgOps.Core.Tests.Objects;

public sealed class DefinitionPairTests
{
    [Theory]
    [InlineData("integer at 1", "bigint at 1", "expected: integer at 1 / found: bigint at 1")]
    [InlineData("a\n  b\tc", "a b d", "expected: a b c / found: a b d")]
    [InlineData("a\nb", "a b", "expected: a\\nb / found: a b")]
    [InlineData("", "x", "expected: nothing / found: x")]
    [InlineData(null, "x", "expected: not known, only its hash was kept / found: x")]
    [InlineData("x", null, "expected: x / found: not known, only its hash was kept")]
    [InlineData("a\u001b[31mb", "c", "expected: a [31mb / found: c")]
    [InlineData("(ARRAY['a'::varchar])::text[]", "1", "expected: ARRAY[('a'::varchar)::text] / found: 1")]
    public void Shows_both(string? expected, string? found, string shown) => Assert.Equal(shown, DefinitionPair.Describe(expected, found));

    [Fact]
    public void Long_ones_are_cut_to_where_they_part()
    {
        var same = string.Concat(Enumerable.Range(0, 100).Select(n => $"word{n} "));
        var shown = DefinitionPair.Describe(same + "ONE" + same, same + "OTHER" + same);
        Assert.Contains("word99 ONEword0", shown, StringComparison.Ordinal);
        Assert.Contains("word99 OTHERword0", shown, StringComparison.Ordinal);
        Assert.StartsWith("expected: …", shown, StringComparison.Ordinal);
        Assert.True(shown.Length < 300, shown);

        // The end is shown where they part near it.
        Assert.Equal(
            $"expected: …{same[^(DefinitionPair.Width - 1)..^1]} / found: …{(same + "x")[^DefinitionPair.Width..]}",
            DefinitionPair.Describe(same, same + "x"));
    }
}
