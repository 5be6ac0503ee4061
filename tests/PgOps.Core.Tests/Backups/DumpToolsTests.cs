using PgOps.Core.Backups;

namespace PgOps.Core.Tests.Backups;

public sealed class DumpToolsTests
{
    [Theory]
    [InlineData("15.18", 15, 150019, "pg_dump 15.18 is older than the server, PostgreSQL 15.19")]
    [InlineData("15.18", 15, 150020, "pg_attver")]
    [InlineData("15.19", 15, 150019, null)]
    [InlineData("15.20", 15, 150019, null)]
    [InlineData("16.1", 16, 150019, null)]
    [InlineData("18beta1", 18, 180001, null)]
    public void A_pg_dump_of_an_older_minor_release_than_the_server_is_warned_of(string tool, int major, int server, string? said)
    {
        var tools = new DumpTools(new("pg_dump", "/pg_dump", tool, major), new("pg_restore", "/pg_restore", tool, major), null);

        var remark = tools.RemarkOn(new() { Version = $"{server / 10000}.{server % 10000}", VersionNumber = server });

        Assert.Equal(said is null, remark is null);
        Assert.Contains(said ?? "", remark ?? "", StringComparison.Ordinal);
        Assert.True(remark is null || remark.Contains("-BinPath", StringComparison.Ordinal));
    }
}
