using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>Decisions are made on codes; the few texts without a code stand in one file, with what programs really write.</summary>
public sealed partial class UncodedMessageTests
{
    // Puts the target's name before an error that does not say it; nothing is decided by it.
    private static readonly string[] Others = ["FleetRun.cs"];

    [Theory]
    [InlineData("HINT:  You might need to increase max_locks_per_transaction.")]
    [InlineData("HINT:  You might need to increase \"max_locks_per_transaction\".")]
    [InlineData("TIPP:  Sie müssen möglicherweise max_locks_per_transaction erhöhen.")]
    public void Too_few_locks(string said) => Assert.True(UncodedMessages.IsOutOfLocks(said));

    [Fact]
    public void Another_shortage_of_memory_is_none_of_locks()
        => Assert.False(UncodedMessages.IsOutOfLocks("Failed on request of size 1048576."));

    [Fact]
    public void A_full_disk()
        => Assert.True(UncodedMessages.IsDiskFull("pg_dump: error: could not write to file \"data/3001.dat\": No space left on device"));

    [Theory]
    [InlineData("pg_dump: error: invalid compression specification: this build does not support compression with zstd", true)]
    [InlineData("pg_dump: error: unrecognized compression algorithm: \"zstd\"", true)]
    [InlineData("pg_dump: error: connection to server on socket \"/nonexistent/.s.PGSQL.5432\" failed: No such file or directory", false)]
    public void A_way_to_compress_that_a_build_lacks(string said, bool refused)
        => Assert.Equal(refused, UncodedMessages.IsAboutCompression(said));

    [Fact]
    public void Keys_that_AWS_client_does_not_find()
        => Assert.True(UncodedMessages.IsWithoutCredentials(
            "Failed to resolve AWS credentials. The credential providers used to search for credentials returned the following errors:"));

    [Fact]
    public void Nothing_else_is_decided_on_the_text_of_an_error()
    {
        var sources = Path.Combine(SourceFolder(), "..", "..", "..", "..", "src");
        var wrong = Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(path => !Others.Contains(Path.GetFileName(path)) && ReadsText().IsMatch(File.ReadAllText(path)))
            .ToList();
        Assert.Empty(wrong);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [GeneratedRegex(
        @"\.(?:Message|MessageText|Problem|NextStep|Detail|Hint)\??"
        + @"(?:\.(?:Contains|StartsWith|EndsWith|IndexOf|Equals)\(| (?:is|is not|==|!=) "")"
        + @"|IsMatch\(\w+\.(?:Message|MessageText|Problem|Detail|Hint)")]
    private static partial Regex ReadsText();
}
