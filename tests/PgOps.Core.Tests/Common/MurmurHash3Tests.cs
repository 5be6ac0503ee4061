using System.Globalization;
using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Tests.Common;

public sealed class MurmurHash3Tests
{
    // Vectors that Go's, Guava's and the reference implementation agree on (seed 0).
    [Theory]
    [InlineData("", "00000000000000000000000000000000")]
    [InlineData("hello", "cbd8a7b341bd9b025b1e906a48ae1d19")]
    [InlineData("hello, world", "342fac623a5ebc8e4cdcbc079642414d")]
    [InlineData("19 Jan 2038 at 3:14:07 AM", "b89e5988b737affc664fc2950231b2cb")]
    [InlineData("The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9695da1a38987b6e7")]
    [InlineData("The quick brown fox jumps over the lazy dog", "e34bbc7bbc071b6c7a433ca9c49a9347")]
    public void Gives_the_reference_values(string text, string expected)
        => Assert.Equal(expected, MurmurHash3.Hash(Encoding.UTF8.GetBytes(text)).ToString("x32", CultureInfo.InvariantCulture));

    [Fact]
    public void Pieces_give_the_same_value_as_the_whole_wherever_they_break()
    {
        var random = new Random(1);
        for (var round = 0; round < 2000; round++)
        {
            var data = new byte[random.Next(0, 100)];
            random.NextBytes(data);
            var hash = default(MurmurHash3);
            for (var at = 0; at < data.Length;)
            {
                var length = random.Next(0, Math.Min(40, data.Length - at) + 1);
                hash.Append(data.AsSpan(at, length));
                at += length;
            }

            Assert.Equal(MurmurHash3.Hash(data), hash.Finish());
            Assert.Equal(0UL, hash.Length);
        }
    }
}
