using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Tests.Restores.Masking;

public sealed class MaskRulesTests
{
    [Fact]
    public void Reads_names_as_SQL_writes_them()
    {
        var problems = new List<string>();
        var rules = MaskRules.Parse(
            """
            {
              // with comments
              "format": "pgops-mask/1",
              "columns": {
                "Customers.Email": "email",
                "\"Odd \"\"schema\"\"\".\"T.x\".\"Column A\"": { "rule": "fixed", "value": 7 },
                "a.b.c": { "rule": "expression", "sql": "c + 1" },
                "a.b.d": "keep",
              },
            }
            """,
            problems);

        Assert.Empty(problems);
        Assert.Equal(
            [
                new MaskRule("public", "customers", "email", MaskKind.Email),
                new MaskRule("Odd \"schema\"", "T.x", "Column A", MaskKind.Fixed, "7"),
                new MaskRule("a", "b", "c", MaskKind.Expression, "c + 1"),
                new MaskRule("a", "b", "d", MaskKind.Keep),
            ],
            rules);
    }

    [Fact]
    public void Names_every_problem_at_once()
    {
        var problems = new List<string>();
        MaskRules.Parse(
            """
            {
              "format": "pgops-mask/1", "extra": 1,
              "columns": {
                "email": "email", "a.b": "scramble", "a.c": "2", "a.d": "fixed", "a.e": { "rule": "email", "value": "x" },
                "a.f": { "rule": "expression", "sql": 4 }, "a.g": null, "a.h": "hash", "A.H": "hash",
                "a.i": { "rule": "hash", "with": "key" }
              }
            }
            """,
            problems);

        Assert.Equal(11, problems.Count);
        foreach (var part in new[]
        {
            "\"extra\"",
            "\"email\" is not",
            "scramble",
            "a.c",
            "fixed needs",
            "only fixed",
            "a.f: \"sql\"",
            "a.g",
            "public.a.h has 2",
            "\"with\"",
        })
        {
            Assert.Contains(problems, problem => problem.Contains(part, StringComparison.Ordinal));
        }
    }

    // What closes the parenthesis that it stands in would set columns that have no rule, or be a statement of its own.
    [Theory]
    [InlineData("'x'), city = ('leaked'")]
    [InlineData("'x'); DROP TABLE orders; SELECT (1")]
    [InlineData("'x'; SELECT 1")]
    [InlineData("upper(name")]
    [InlineData("'x' /* ")]
    [InlineData("'x")]
    [InlineData("$a$x")]
    [InlineData("")]
    [InlineData("-- nothing")]
    [InlineData("upper(';)' || $a$);$a$ || name) -- a ; and a )", true)]
    public void An_expression_is_one_expression(string sql, bool taken = false)
    {
        var problems = new List<string>();
        var rules = MaskRules.Parse(
            """{ "format": "pgops-mask/1", "columns": { "people.name": { "rule": "expression", "sql": """
                + System.Text.Json.JsonSerializer.Serialize(sql) + " } } }",
            problems);
        Assert.Equal(taken ? 0 : 1, problems.Count);
        Assert.Equal(taken ? 1 : 0, rules.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{ "format": "pgops-mask/2", "columns": { "a.b": "null" } }""")]
    [InlineData("""{ "format": "pgops-mask/1", "columns": {} }""")]
    public void Takes_nothing_else(string text)
    {
        var problems = new List<string>();
        MaskRules.Parse(text, problems);
        Assert.NotEmpty(problems);
    }

    [Theory]
    [InlineData("customerEmail", "text", true)]
    [InlineData("E_Mail", "text", true)]
    [InlineData("geburtsdatum", "date", true)]
    [InlineData("prénom", "text", true)]
    [InlineData("firstName", "text", true)]
    [InlineData("ip", "inet", true)]
    [InlineData("email_verified", "boolean", false)]
    [InlineData("mail_sent_at", "timestamp with time zone", false)]
    [InlineData("address_id", "bigint", false)]
    [InlineData("name", "text", false)]
    [InlineData("shipping", "text", false)]
    [InlineData("retail", "text", false)]
    [InlineData("tip", "text", false)]
    public void Knows_personal_data_by_its_name(string column, string type, bool expected)
        => Assert.Equal(expected, PersonalData.IsNamedSo(new MaskColumn
        {
            Schema = "public",
            Table = "products",
            Name = column,
            TableOid = 1,
            Number = 1,
            Kind = 'r',
            DeclaredType = type,
            Type = type,
            Length = null,
            NotNull = false,
            Generated = false,
            Identity = false,
            Inherited = false,
            Unique = false,
            UniqueAlone = false,
            Primary = false,
        }));
}
