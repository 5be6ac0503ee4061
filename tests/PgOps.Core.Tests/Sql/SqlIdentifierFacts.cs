using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class SqlIdentifierFacts
{
    [Theory]
    [InlineData("Orders", "orders")]
    [InlineData("app.Orders", "app", "orders")]
    [InlineData("App.\"Order.Lines\".ID", "app", "Order.Lines", "id")]
    [InlineData("\"a \"\"b\"\"\".c", "a \"b\"", "c")]
    [InlineData("Größe.x", "größe", "x")]
    public void A_qualified_name_is_split_at_the_dots_outside_quotes(string text, params string[] parts)
        => Assert.Equal(parts, SqlIdentifier.Parts(text));

    [Theory]
    [InlineData("")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a.\"b")]
    [InlineData("a.\"\"")]
    [InlineData("a\"b\"")]
    public void What_is_no_qualified_name_has_no_parts(string text) => Assert.Empty(SqlIdentifier.Parts(text));

    [Fact]
    public void A_part_is_cut_as_the_server_cuts_it()
        => Assert.Equal(["a", new string('b', 63)], SqlIdentifier.Parts("a." + new string('B', 70)));
}
