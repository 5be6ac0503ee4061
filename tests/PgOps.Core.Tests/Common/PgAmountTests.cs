namespace PgOps.Core.Tests.Common;

public sealed class PgAmountTests
{
    [Theory]
    [InlineData(0, "row", "0 rows")]
    [InlineData(1, "row", "1 row")]
    [InlineData(20000, "table", "20,000 tables")]
    [InlineData(1, "index", "1 index")]
    [InlineData(2, "index", "2 indexes")]
    [InlineData(2, "entry", "2 entries")]
    [InlineData(3, "query", "3 queries")]
    [InlineData(2, "key", "2 keys")]
    [InlineData(2, "large object", "2 large objects")]
    public void One_is_singular_and_more_are_plural(long number, string thing, string text)
        => Assert.Equal(text, PgAmount.Of(number, thing));

    [Fact]
    public void One_row_in_a_result_is_no_rows()
    {
        var table = new PgTableComparison
        {
            Schema = "public",
            Name = "t",
            Verdict = PgTableVerdict.Equal,
            ReferenceRows = 1,
            DifferenceRows = 1,
        };
        Assert.Equal("public.t: equal, 1 row", $"{table}");
        Assert.Equal("public.t: 1 row expected, 0 found", $"{table with { Verdict = PgTableVerdict.RowsDiffer, DifferenceRows = 0 }}");
        Assert.Equal("public.t: equal, 44,159 rows", $"{table with { ReferenceRows = 44159 }}");
    }

    /// <summary>A number put before a plural by hand says "1 rows" one day.</summary>
    [Fact]
    public void No_text_of_the_code_puts_a_number_before_a_plural_by_hand()
    {
        const string Things = "rows|tables|files|bytes|sessions|statements|results|backups|keys|entries|lines|queries|indexes|objects|"
            + "migrations|targets|columns|sequences|checks|drills|jobs|definitions|constraints|roles|characters|databases|schemas";
        var byHand = new System.Text.RegularExpressions.Regex($@"\{{[^{{}}]+\}} (?:{Things})\b(?! (?:\w+ )?=>)");
        var folder = Path.GetFullPath(Path.Combine(SourceFolder(), "..", "..", ".."));
        string[] allowed =
        [
            "{Opening}{Lines} lines of data",                   // read back from stored scripts
            "{folder.Shape} migrations", "{LongestName} bytes", "{ShortestSecret} characters", "{ShortestSeed} characters",    // constants
            "{PgAmount.Of(",
        ];
        var wrong = Directory.EnumerateFiles(Path.Combine(folder, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))
            .SelectMany(file => File.ReadLines(file)
                .Where(line => line.Contains('"', StringComparison.Ordinal) && byHand.Match(line) is { Success: true } found
                    && line.IndexOf('"', StringComparison.Ordinal) < found.Index
                    && !allowed.Any(text => line.Contains(text, StringComparison.Ordinal)))
                .Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"))
            .ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
