using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class SqlProblemFacts
{
    [Theory]
    [InlineData("A; 'b", nameof(SqlProblemKind.UnterminatedString), 1, 4)]
    [InlineData("A;\n\"b", nameof(SqlProblemKind.UnterminatedIdentifier), 2, 1)]
    [InlineData("A; DO $x$ $X$;", nameof(SqlProblemKind.UnterminatedDollarQuote), 1, 7)]
    [InlineData("A; (/* /* */", nameof(SqlProblemKind.UnterminatedComment), 1, 5)]
    [InlineData("A; B (c; D;", nameof(SqlProblemKind.UnclosedParenthesis), 1, 6)]
    [InlineData("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 END; B;", nameof(SqlProblemKind.UnterminatedRoutineBody), 1, 21)]
    [InlineData("COPY t FROM STDIN;\n1\n", nameof(SqlProblemKind.UnterminatedCopyData), 1, 1)]
    [InlineData("COPY t FROM STDIN", nameof(SqlProblemKind.UnterminatedCopyData), 1, 1)]
    [InlineData("COPY t FROM STDIN; B;\n1\n\\.\n", nameof(SqlProblemKind.TextAfterCopy), 1, 20)]
    [InlineData("A;\0", nameof(SqlProblemKind.NulCharacter), 1, 3)]
    [InlineData("A;\n  \\c shop\nB;", nameof(SqlProblemKind.PsqlMetaCommand), 2, 3)]
    [InlineData("SELECT 1 \\gset\nB", nameof(SqlProblemKind.PsqlMetaCommand), 1, 10)]
    [InlineData("\\restrict abc\nA;", nameof(SqlProblemKind.RestrictLine), 1, 1)]
    [InlineData("A;\n\\unrestrict abc\n", nameof(SqlProblemKind.RestrictLine), 2, 1)]
    [InlineData("SELECT * FROM t WHERE a = :'b'", nameof(SqlProblemKind.PsqlVariable), 1, 27)]
    [InlineData("INSERT INTO t VALUES (:b)", nameof(SqlProblemKind.PsqlVariable), 1, 23)]
    [InlineData("CREATE SCHEMA :name", nameof(SqlProblemKind.PsqlVariable), 1, 15)]
    public void Is_found_at_its_place(string text, string kind, int line, int column)
    {
        var problem = Assert.Single(SqlScript.Parse(text).Problems);

        Assert.Equal((kind, line, column), (problem.Kind.ToString(), problem.Line, problem.Column));
        Assert.EndsWith(".", problem.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", problem.NextStep, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT a[1:n], a[:n], a::int, b::text, f(x := 1), JSON_OBJECT('a':b), JSON_OBJECT(a:b)")]
    [InlineData("SELECT E'\\\\', '\\', \"\\\" -- \\c")]
    public void SQL_has_none(string text) => Assert.Empty(SqlScript.Parse(text).Problems);

    [Theory]
    [InlineData("\\c shop", "-Target")]
    [InlineData("\\i other.sql", "migration of its own")]
    [InlineData("\\ir other.sql", "migration of its own")]
    [InlineData("\\copy t from 'x'", "COPY ... FROM STDIN")]
    [InlineData("\\set a 1", ":variable")]
    [InlineData("\\echo 'it", "Delete the line")]
    [InlineData("\\.", "Delete the line")]
    [InlineData("\\restrict x", "Delete the line")]
    [InlineData("SELECT 'SELECT 1' \\gexec", "DO block")]
    public void A_meta_command_comes_with_the_way_out(string text, string words) =>
        Assert.Contains(words, Assert.Single(SqlScript.Parse(text).Problems).NextStep, StringComparison.Ordinal);

    [Fact]
    public void Statements_around_restrict_lines_are_whole()
    {
        var script = SqlScript.Parse("\\restrict k\n\nSET a = 1;\nCOPY t FROM stdin;\n1\n\\.\n\n\\unrestrict k\n\n");

        Assert.Equal(["SET a = 1", "COPY t FROM stdin"], script.Statements.Select(statement => statement.Text));
        Assert.All(script.Problems, problem => Assert.Equal(SqlProblemKind.RestrictLine, problem.Kind));
        Assert.Equal(2, script.Problems.Count);
    }

    [Fact]
    public void Data_of_a_copy_meta_command_are_passed_over()
    {
        var script = SqlScript.Parse("\\copy t from stdin\nit's; (\n\\.\nA;");

        Assert.Single(script.Problems);
        Assert.Equal("A", Assert.Single(script.Statements).Text);
    }

    [Fact]
    public void All_are_reported_in_order_of_place()
    {
        var script = SqlScript.Parse("A (\n\\c x\nB :c \0");

        Assert.Equal(
            [SqlProblemKind.UnclosedParenthesis, SqlProblemKind.PsqlMetaCommand, SqlProblemKind.NulCharacter],
            script.Problems.Select(problem => problem.Kind));
    }
}
