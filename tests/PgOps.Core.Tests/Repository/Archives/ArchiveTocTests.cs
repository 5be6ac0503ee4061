using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Repository.Archives;

public sealed class ArchiveTocTests
{
    [Theory]
    [InlineData("ALTER TABLE public.\"OWNER TO x\" OWNER TO \"a \"\" b\"", "a \" b")]
    [InlineData("ALTER FUNCTION public.owner(\"to\" text, integer) OWNER TO granted", "granted")]
    [InlineData("GRANT SELECT(\"to\"),UPDATE(id) ON TABLE public.\"FROM\" TO \"TO\" WITH GRANT OPTION", "TO")]
    [InlineData("GRANT ALL ON SCHEMA s TO PUBLIC", "")]
    [InlineData("GRANT ALL ON SCHEMA s TO \"public\", b, \"c,d\"", "b|c,d")]
    [InlineData("REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM \"x;y\" CASCADE", "x;y")]
    [InlineData("ALTER DEFAULT PRIVILEGES FOR ROLE \"a b\" IN SCHEMA \"FOR ROLE\" GRANT SELECT ON TABLES  TO granted", "a b|granted")]
    [InlineData("CREATE POLICY \"TO\" ON public.t AS RESTRICTIVE FOR ALL TO a, \"b c\" USING ((owner = 'TO x'::text))", "a|b c")]
    [InlineData("CREATE POLICY p ON public.t USING ((a IN ( SELECT b FROM c)))", "")]
    [InlineData("CREATE USER MAPPING FOR \"Ann\" SERVER s OPTIONS (\"user\" 'TO x')", "Ann")]
    [InlineData("SET SESSION AUTHORIZATION \"a b\"", "a b")]
    [InlineData("CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$GRANT x TO y$$", "")]
    [InlineData("COMMENT ON TABLE public.t IS 'OWNER TO x'", "")]
    [InlineData("ALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('x'::regclass)", "")]
    public void Finds_the_roles_where_they_stand(string statement, string roles)
    {
        var map = new RoleMap(new Dictionary<string, string> { ["a b"] = "new \" one", ["granted"] = "x" });
        var parsed = SqlScript.Parse(statement + ";").Statements.Single();

        Assert.Equal(roles, string.Join('|', RoleNames.Of(parsed)));
        var rewritten = map.Rewrite(parsed);
        Assert.Equal(
            string.Join('|', roles.Split('|').Select(role => role.Length == 0 ? "" : map[role])),
            string.Join('|', RoleNames.Of(SqlScript.Parse(rewritten + ";").Statements.Single())));
        Assert.True(roles.Contains("a b", StringComparison.Ordinal) || roles.Contains("granted", StringComparison.Ordinal)
            || rewritten == statement);
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData("a", "")]
    [InlineData("public", "x")]
    [InlineData("a", "none")]
    public void Refuses_what_is_no_role(string old, string now)
        => Assert.Equal(
            PgErrorCode.InvalidArgument,
            Assert.Throws<PgOpsException>(() => new RoleMap(new Dictionary<string, string> { [old] = now })).Code);

    [Fact]
    public void Tells_schema_name_and_owner_apart_with_spaces_in_all_of_them()
    {
        var toc = ArchiveToc.Parse(
            [
                "; Archive created at 2026-11-20",
                "7; 2615 16388 SCHEMA - my s a b",
                "8; 2615 16389 SCHEMA - my postgres",
                "218; 1259 16395 TABLE my s t b a b",
                ";\tdepends on: 7 218",
                "9; 0 0 COMMENT - EXTENSION pgcrypto ",
                "3421; 0 16395 TABLE DATA my s t postgres",
                "3270; 2606 16405 FK CONSTRAINT public u u_id_fkey postgres",
            ],
            ["a b", "b", "postgres"]);

        Assert.Equal(
            ["SCHEMA - my s", "SCHEMA - my", "TABLE my s t b", "COMMENT - EXTENSION pgcrypto", "TABLE DATA my s t",
             "FK CONSTRAINT public u u_id_fkey"],
            toc.Entries.Select(entry => entry.ToString()));
        Assert.Equal("my s", toc.Find(218)!.Schema);
        Assert.Equal([7, 218], toc.Find(218)!.Needs);
    }

    [Theory]
    [InlineData("3350; 0 16390 TABLE DATA public t the owner", 3350, 16390u, "TABLE DATA", "public t the owner")]
    [InlineData("12; 0 16405 MATERIALIZED VIEW DATA public v o", 12, 16405u, "MATERIALIZED VIEW DATA", "public v o")]
    [InlineData("3; 2605 4294967295 CAST - CAST (a AS b) ", 3, 4294967295u, "CAST", "- CAST (a AS b) ")]
    [InlineData("9; 0 0 ENCODING", 9, 0u, "ENCODING", "")]
    public void One_reader_takes_a_line_of_the_list_apart(string line, int id, uint oid, string kind, string text)
    {
        Assert.Equal(new TocLine(id, oid, kind, text), TocLine.Read(line));
        var contents = new ArchiveContents();
        contents.Add(line);
        Assert.Equal(kind, ArchiveToc.Parse([line], ["o"]).Entries.Single().Kind);
        Assert.Equal(kind == "TABLE DATA" ? [oid] : Array.Empty<uint>(), contents.TableOids);
    }

    [Fact]
    public void What_is_no_entry_is_passed_over_and_numbers_make_the_list_that_pg_restore_uses()
    {
        Assert.All(
            (string[])["", ";", "; Archive created at 2026-11-20", ";     dbname: 7; 1 2 TABLE", ";\tdepends on: 7 218", "x7; 1 2 TABLE"],
            line => Assert.Null(TocLine.Read(line)));
        Assert.Equal([7, 218], TocLine.ReadNeeds(";\tdepends on: 7 218"));
        Assert.Equal("3;\n1;\n", TocLine.List([3, 1]));
    }
}
