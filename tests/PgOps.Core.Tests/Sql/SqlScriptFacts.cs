using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class SqlScriptFacts
{
    private static string[] Split(string text) => [.. SqlScript.Parse(text).Statements.Select(statement => statement.Text)];

    [Theory]
    [InlineData("")]
    [InlineData(" ;; -- a;\n/* b; */ ;\r\n")]
    [InlineData("\uFEFF")]
    public void Empty_statements_are_dropped(string text) => Assert.Empty(Split(text));

    [Theory]
    [InlineData("SELECT 1;SELECT 2", "SELECT 1|SELECT 2")]
    [InlineData("-- a\nSELECT 1 -- b;\n ; /* c */ SELECT 2 /* d */", "SELECT 1|SELECT 2")]
    [InlineData("SELECT ';'';', \";\", E'\\';', $a$;$a$; B", "SELECT ';'';', \";\", E'\\';', $a$;$a$|B")]
    [InlineData("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); B", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)|B")]
    [InlineData("A ); B (;)) ; C", "A )|B (;))|C")]
    [InlineData("DO $x$ BEGIN; $$; END $x$; B", "DO $x$ BEGIN; $$; END $x$|B")]
    [InlineData("BEGIN; SELECT CASE WHEN a THEN b END; END; C", "BEGIN|SELECT CASE WHEN a THEN b END|END|C")]
    public void A_semicolon_ends_a_statement_outside_quotes_comments_and_parentheses(string text, string expected) =>
        Assert.Equal(expected.Split('|'), Split(text));

    [Theory]
    [InlineData("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 ELSE 2 END; END")]
    [InlineData("create or replace procedure p() begin /* c */ atomic insert into t values (1); end")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end, x.end, 2 end; RETURN 3; END")]
    [InlineData("CREATE FUNCTION f() RETURNS void BEGIN ATOMIC END")]
    [InlineData("CREATE FUNCTION f() RETURNS void BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC RETURN 1; END; SELECT 1; END")]
    [InlineData("CREATE FUNCTION \"begin\"(a int DEFAULT (CASE WHEN true THEN 1 END)) RETURNS int RETURN CASE a WHEN 1 THEN 2 END")]
    [InlineData("CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'")]
    public void A_routine_body_in_SQL_is_one_statement(string routine) => Assert.Equal([routine, "B"], Split($"{routine}; B;"));

    [Fact]
    public void Statements_know_their_place_in_characters()
    {
        var script = SqlScript.Parse("\uFEFFSELECT 1;\r\n\t'😀é' ; B;\rC;\n\nD");

        Assert.Equal(
            [(1, 1, 1), (13, 2, 2), (21, 2, 9), (24, 3, 1), (28, 5, 1)],
            script.Statements.Select(statement => (statement.Offset, statement.Line, statement.Column)));
        Assert.Equal("'😀é'", script.Statements[1].Text);
    }

    [Fact]
    public void A_server_position_counts_characters_from_the_statement()
    {
        var script = SqlScript.Parse("A; SELECT '😀' x FROM y");

        Assert.Equal(script.Text.IndexOf('x', StringComparison.Ordinal), script.Statements[1].OffsetOf(12));
        Assert.Equal(3, script.Statements[1].OffsetOf(0));
        Assert.Equal(script.Text.Length, script.Statements[1].OffsetOf(99));
    }

    [Fact]
    public void Keywords_are_the_first_unquoted_words()
    {
        var statement = SqlScript.Parse("create /* x */ table \"Order\" (a int)").Statements[0];

        Assert.Equal(["CREATE", "TABLE", "A", "INT"], statement.Keywords);
    }

    [Theory]
    [InlineData("SET standard_conforming_strings = off; SELECT '\\';'; B", 3)]
    [InlineData("SET SESSION standard_conforming_strings TO 'off'; SELECT '\\';'; B", 3)]
    [InlineData("SET standard_conforming_strings = off; RESET ALL; SELECT '\\'; B", 4)]
    [InlineData("SET standard_conforming_strings = off; SET standard_conforming_strings TO DEFAULT; SELECT '\\'; B", 4)]
    [InlineData("BEGIN; SET LOCAL standard_conforming_strings = off; SELECT '\\';'; COMMIT; SELECT '\\'; B", 6)]
    [InlineData("BEGIN; SET standard_conforming_strings = off; SELECT '\\';'; ROLLBACK; SELECT '\\'; B", 6)]
    [InlineData("BEGIN; SET standard_conforming_strings = off; SELECT '\\';'; COMMIT; SELECT '\\';'; B", 6)]
    public void Standard_conforming_strings_follows_the_scripts_own_statements(string text, int expected)
    {
        var script = SqlScript.Parse(text);

        Assert.Empty(script.Problems);
        Assert.Equal(expected, script.Statements.Count);
    }

    [Fact]
    public void Standard_conforming_strings_can_be_off_from_the_start() =>
        Assert.Equal(2, SqlScript.Parse("SELECT '\\';'; B", standardConformingStrings: false).Statements.Count);

    [Theory]
    [InlineData("COPY t FROM STDIN;\n1\t;\n\\.\nB;", "1\t;\n")]
    [InlineData("copy public.\"T\" (a, \"b)\") from stdin with (format csv); -- c\r\n'\r\n\\.x\r\n\\.\r\nB;", "'\r\n\\.x\r\n")]
    [InlineData("COPY BINARY t FROM STDIN;\n\\.\nB", "")]
    public void Inline_data_reach_to_the_end_of_data_line(string text, string data)
    {
        var script = SqlScript.Parse(text);

        Assert.Empty(script.Problems);
        Assert.Equal(2, script.Statements.Count);
        Assert.Equal("B", script.Statements[1].Text);
        var copy = Assert.NotNull(script.Statements[0].CopyData);
        Assert.Equal(data, text.Substring(copy.Offset, copy.Length));
    }

    [Theory]
    [InlineData("COPY t TO STDOUT;\nB")]
    [InlineData("COPY (SELECT a FROM stdin) TO STDOUT;\nB")]
    [InlineData("COPY t FROM '/stdin';\nB")]
    [InlineData("SELECT copy FROM stdin;\nB")]
    public void Only_COPY_FROM_STDIN_has_data(string text)
    {
        var script = SqlScript.Parse(text);

        Assert.Equal(2, script.Statements.Count);
        Assert.Null(script.Statements[0].CopyData);
    }

    [Fact]
    public void Directives_stand_before_the_first_statement()
    {
        var script = SqlScript.Parse(
            "\uFEFF-- pgops: no-transaction\r\n-- other\r\n--PGOPS: Lock-Timeout  5s \r\n/* -- pgops: x */\r\nA;\r\n-- pgops: late");

        Assert.Equal([new SqlDirective("no-transaction", "", 1), new SqlDirective("lock-timeout", "5s", 3)], script.Directives);
    }
}
