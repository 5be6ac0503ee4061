using PgOps.Core.Common.Text;

namespace PgOps.Core.Tests.Common;

public sealed class NameListTests
{
    [Fact]
    public void What_is_not_shown_is_counted()
    {
        Assert.Equal("a, b", NameList.InSentence(["a", "b"], 2));
        Assert.Equal("a, b and 1 more", NameList.InSentence(["a", "b", "c"], 2));
        Assert.Equal("\n  a\n  b\n  … and 1 more", NameList.Lines(["a", "b", "c"], 2));
    }

    [Fact]
    public void Lines_of_one_thing_keep_together_and_those_left_out_are_not_made()
    {
        var made = 0;

        var lines = NameList.Lines([1, 2, 3], 1, number =>
        {
            made++;
            return $"{number}\n  ^";
        });

        Assert.Equal("\n  1\n    ^\n  … and 2 more", lines);
        Assert.Equal(1, made);
    }
}
