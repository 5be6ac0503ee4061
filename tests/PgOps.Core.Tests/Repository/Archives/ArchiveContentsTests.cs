using PgOps.Core.Backups;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Archives;

public sealed class ArchiveContentsTests
{
    [Fact]
    public void Names_with_spaces_and_line_ends_are_found_in_the_table_of_contents()
    {
        var contents = new ArchiveContents();
        foreach (var line in new[]
        {
            "; Archive created at 2025-10-15", ";", "215; 1259 16390 TABLE public t postgres",
            "3350; 0 16390 TABLE DATA public t the owner",
            "3351; 0 16393 TABLE DATA my schema a b c postgres", "3352; 0 16394 TABLE DATA public two lines postgres",
        })
        {
            contents.Add(line);
        }

        Assert.Equal(4, contents.Entries);
        Assert.Equal(3, contents.TableCount);
        Assert.True(contents.TableOids.SetEquals([16390u, 16393u, 16394u]));
        Assert.Equal(["public.u"], contents.Missing(
            [Table("public", "t"), Table("my schema", "a b c"), Table("public", "two\nlines"), Table("public", "u")], "UTF8")
            .Select(table => table.ToString()));
    }

    [Fact]
    public void Warnings_of_pg_dump_are_kept_with_their_details_and_chatter_is_not()
    {
        using var progress = new ProgressActivity(new CollectingSink(), "dump");
        var run = new DumpRun([], progress);
        foreach (var line in new[]
        {
            "pg_dump: last built-in OID is 16383", "pg_dump: warning: there are circular foreign-key constraints on this table:",
            "pg_dump: detail: t",
            "pg_dump: hint: You might not be able to restore the dump", "pg_dump: dumping contents of table \"public.t\"",
            "pg_dump: error: no", "more of it",
        })
        {
            run.Listen(line);
        }

        var warning = Assert.Single(run.Warnings);
        Assert.Contains("hint", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("error", warning, StringComparison.Ordinal);
    }

    private static PgTableFingerprint Table(string schema, string name) => new() { Schema = schema, Name = name, Rows = 0 };
}
