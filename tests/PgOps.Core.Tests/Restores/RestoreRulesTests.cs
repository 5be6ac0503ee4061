using System.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Tests.Restores;

public sealed class RestoreRulesTests
{
    [Theory]
    [InlineData("\"$user\", public", "$user|public")]
    [InlineData("a,b", "a|b")]
    [InlineData("\"with \"\"quotes\"\", and comma\", x", "with \"quotes\", and comma|x")]
    [InlineData("\"\"", "")]
    [InlineData("", "")]
    public void Splits_a_quoted_list_as_the_server_does(string list, string elements)
        => Assert.Equal(elements.Split('|'), DatabaseSettings.SplitList(list));

    [Theory]
    [InlineData("search_path=\"$user\", public", "ALTER DATABASE \"d\" SET \"search_path\" TO '$user', 'public'")]
    [InlineData("myapp.motto=it's; a=b", "ALTER DATABASE \"d\" SET \"myapp\".\"motto\" TO 'it''s; a=b'")]
    [InlineData("DateStyle=ISO, DMY", "ALTER DATABASE \"d\" SET \"DateStyle\" TO 'ISO, DMY'")]
    [InlineData("x\" TO 1; DROP DATABASE d; --=1", "ALTER DATABASE \"d\" SET \"x\"\" TO 1; DROP DATABASE d; --\" TO '1'")]
    public void A_setting_becomes_one_statement(string setting, string statement)
        => Assert.Equal(statement, DatabaseSettings.Statement("d", setting));

    [Fact]
    public void Names_fit_an_identifier_and_are_cut_at_a_character()
    {
        foreach (var name in new[]
        {
            "shop",
            new string('x', 63),
            string.Concat(Enumerable.Repeat("ü", 31)),
            string.Concat(Enumerable.Repeat("🐘", 15)),
        })
        {
            var staging = DatabaseNames.Staging(name);
            var replaced = DatabaseNames.Replaced(name, new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
            Assert.True(Encoding.UTF8.GetByteCount(staging) <= 63, staging);
            Assert.True(Encoding.UTF8.GetByteCount(replaced) <= 63, replaced);
            Assert.True(DatabaseNames.IsStaging(staging));
            Assert.EndsWith("_replaced_20260102030405", replaced, StringComparison.Ordinal);
            Assert.DoesNotContain('\ufffd', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(staging)));
        }
    }

    [Theory]
    [InlineData(100, true, 1, 101, false, true)]
    [InlineData(100, true, 1, 100, false, false)]
    [InlineData(100, false, 1, 100, true, true)]
    [InlineData(100, true, -1, 101, true, false)]
    [InlineData(100, true, -1, 99, true, true)]
    [InlineData(long.MaxValue, true, 1, long.MaxValue, true, true)]
    public void A_restored_sequence_must_not_be_behind(
        long last, bool called, long increment, long foundLast, bool foundCalled, bool passes)
    {
        var comparison = Compare(
            [], [], new PgSequencePosition { Schema = "s", Name = "q", LastValue = last, IsCalled = called, Increment = increment },
            new PgSequencePosition { Schema = "s", Name = "q", LastValue = foundLast, IsCalled = foundCalled, Increment = increment });
        Assert.Equal(passes, comparison.Passed);
    }

    [Fact]
    public void A_lone_missing_hash_is_not_taken_for_equality()
    {
        var hashed = new PgTableFingerprint { Schema = "s", Name = "a", Rows = 1, Hash = "00" };
        var plain = new PgTableFingerprint { Schema = "s", Name = "b", Rows = 1 };
        var comparison = Compare([hashed, plain], [hashed, plain]);
        Assert.False(comparison.Passed);
        Assert.Contains("s.b", comparison.Checks.Single(check => check.Name == "content").Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_lists_of_tables_are_cut_in_the_sentence_only()
    {
        PgTableFingerprint[] Many(long rows)
            => [.. Enumerable.Range(0, 50).Select(n => new PgTableFingerprint { Schema = "s", Name = $"t{n}", Rows = rows, Hash = "00" })];
        var comparison = Compare(Many(1), Many(2));
        Assert.Equal(50, comparison.Tables.Count(table => !table.Passed));
        Assert.EndsWith("and 30 more", comparison.Checks.Single(check => check.Name == "row-counts").Detail, StringComparison.Ordinal);
    }

    private static ContentComparison Compare(
        IReadOnlyList<PgTableFingerprint> reference, IReadOnlyList<PgTableFingerprint> difference, PgSequencePosition? expected = null,
        PgSequencePosition? found = null)
        => ContentComparison.Compare(
            new DatabaseContent(reference, expected is null ? [] : [expected], []),
            new DatabaseContent(difference, found is null ? [] : [found], []),
            PgFingerprintDepth.Source,
            SequenceRule.NotBehind,
            TimeSpan.Zero);
}
