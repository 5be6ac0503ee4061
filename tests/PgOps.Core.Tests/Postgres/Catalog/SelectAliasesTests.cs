using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Tests.Postgres.Catalog;

/// <summary>Names of columns that nobody can name are left out, and no other.</summary>
public sealed class SelectAliasesTests
{
    [Theory]
    [InlineData("SELECT a.x AS y FROM a UNION ALL SELECT NULL::integer AS int4", "SELECT a.x AS y FROM a UNION ALL SELECT NULL::integer")]
    [InlineData("SELECT 1 AS a UNION (SELECT 2 AS b EXCEPT SELECT 3 AS c)", "SELECT 1 AS a UNION (SELECT 2 EXCEPT SELECT 3)")]
    [InlineData("(SELECT 1 AS a) INTERSECT (SELECT 2 AS b)", "(SELECT 1 AS a) INTERSECT (SELECT 2)")]
    [InlineData("((SELECT 1 AS a) UNION SELECT 2 AS b) EXCEPT SELECT 3 AS \"c c\"", "((SELECT 1 AS a) UNION SELECT 2) EXCEPT SELECT 3")]
    [InlineData("SELECT x IN ( SELECT NULL::integer AS int4) AS e", "SELECT x IN ( SELECT NULL::integer) AS e")]
    [InlineData("SELECT ARRAY( SELECT 1 AS a), (SELECT 2 AS b) AS c FROM t", "SELECT ARRAY( SELECT 1), (SELECT 2) AS c FROM t")]
    [InlineData(
        "SELECT q.x FROM ( SELECT a.x AS x FROM a UNION SELECT 1 AS z) q, (SELECT 2 AS y) r JOIN LATERAL (SELECT 3 AS w) s ON true",
        "SELECT q.x FROM ( SELECT a.x AS x FROM a UNION SELECT 1) q, (SELECT 2 AS y) r JOIN LATERAL (SELECT 3 AS w) s ON true")]
    [InlineData(
        "WITH c AS MATERIALIZED ( SELECT 1 AS x UNION ALL SELECT c_1.x + 1 AS y FROM c c_1) SELECT c.x AS x FROM c",
        "WITH c AS MATERIALIZED ( SELECT 1 AS x UNION ALL SELECT c_1.x + 1 FROM c c_1) SELECT c.x AS x FROM c")]
    [InlineData(
        "SELECT 1 AS a WHERE EXISTS ( SELECT 2 AS b FROM (t t_1 JOIN ( SELECT 3 AS c) u ON (t_1.a IN ( SELECT 4 AS d))))",
        "SELECT 1 AS a WHERE EXISTS ( SELECT 2 FROM (t t_1 JOIN ( SELECT 3 AS c) u ON (t_1.a IN ( SELECT 4))))")]
    [InlineData(
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 AS a; SELECT (2 AS b); END",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT (2 AS b); END")]
    [InlineData(
        "CREATE RULE r AS ON INSERT TO t DO ( SELECT 1 AS a; SELECT q.b FROM ( SELECT 2 AS b) q)",
        "CREATE RULE r AS ON INSERT TO t DO ( SELECT 1; SELECT q.b FROM ( SELECT 2 AS b) q)")]
    [InlineData("SELECT 'UNION SELECT 1 AS a' AS \"UNION\" FROM t AS u", "SELECT 'UNION SELECT 1 AS a' AS \"UNION\" FROM t AS u")]
    [InlineData(
        "SELECT xmlforest(t.a AS b) AS c FROM t UNION SELECT xmlforest(t.a AS d) AS e FROM t u(a)",
        "SELECT xmlforest(t.a AS b) AS c FROM t UNION SELECT xmlforest(t.a AS d) FROM t u(a)")]
    [InlineData("SELECT 1 AS a UNION SELECT", "SELECT 1 AS a UNION SELECT")]
    [InlineData(")) SELECT 1 AS a", ")) SELECT 1 AS a")]
    public void Leaves_out_names_that_nobody_sees(string text, string expected) => Assert.Equal(expected, SelectAliases.LeaveOut(text));
}
