using System.Globalization;
using System.Text.RegularExpressions;
using PgOps.Core.Migrations.Running;

namespace PgOps.Core.Tests.Migrations;

public sealed partial class ScriptDifferenceTests
{
    [Fact]
    public void Is_written_as_diff_writes_it()
    {
        const string Before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n";
        var after = Before.Replace("2\n3\n", "2\nzwei\n3\n", StringComparison.Ordinal)
            .Replace("13\n", "dreizehn\n", StringComparison.Ordinal);
        Assert.Equal(
            """
            --- a
            +++ b
            @@ -1,5 +1,6 @@
             1
             2
            +zwei
             3
             4
             5
            @@ -10,7 +11,7 @@
             10
             11
             12
            -13
            +dreizehn
             14
             15
             16
            """.ReplaceLineEndings("\n"),
            ScriptDifference.Between(Before, after, "a", "b"));
        Assert.Null(ScriptDifference.Between(Before, Before, "a", "b"));
        Assert.Equal("--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file", ScriptDifference.Between("", "x", "a", "b"));
        Assert.Equal("--- a\n+++ b\n@@ -1 +0,0 @@\n-x", ScriptDifference.Between("x\n", "", "a", "b"));
    }

    [Fact]
    public void Applied_to_the_one_text_it_gives_the_other()
    {
        var random = new Random(20251120);
        for (var round = 0; round < 300; round++)
        {
            var (before, after) = (Text(), Text());
            if (ScriptDifference.Between(before, after, "a", "b") is { } difference)
            {
                Assert.Equal(after, Apply(before, difference));
            }
        }

        string Text()
            => string.Join('\n', Enumerable.Range(0, random.Next(30)).Select(_ => random.Next(5).ToString(CultureInfo.InvariantCulture)))
            + (random.Next(2) == 0 ? "\n" : "");
    }

    /// <summary>What patch does.</summary>
    private static string Apply(string before, string difference)
    {
        var old = before.Length == 0
            ? []
            : before.TrimEnd('\n').Length == 0 && before.Length == 1 ? [""] : before[..^(before.EndsWith('\n') ? 1 : 0)].Split('\n');
        var lines = new List<string>();
        var at = 0;
        var ends = before.EndsWith('\n');
        var mark = ' ';
        foreach (var line in difference.Split('\n').Skip(2))
        {
            if (Hunk().Match(line) is { Success: true } hunk)
            {
                var start = int.Parse(hunk.Groups[1].Value, CultureInfo.InvariantCulture) - (hunk.Groups[2].Value == ",0" ? 0 : 1);
                lines.AddRange(old[at..start]);
                at = start;
                continue;
            }

            if (line[0] == '\\')
            {
                ends = mark != '-' ? false : ends;
                continue;
            }

            mark = line[0];
            if (mark is ' ' or '-')
            {
                Assert.Equal(old[at++], line[1..]);
            }

            if (mark is ' ' or '+')
            {
                lines.Add(line[1..]);
                ends = true;
            }
        }

        ends = at < old.Length ? before.EndsWith('\n') : ends;
        lines.AddRange(old[at..]);
        return string.Join('\n', lines) + (ends && lines.Count > 0 ? "\n" : "");
    }

    [GeneratedRegex(@"^@@ -(\d+)(,\d+)? \+\d+(?:,\d+)? @@$")]
    private static partial Regex Hunk();
}
