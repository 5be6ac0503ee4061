using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Tests.Postgres.Catalog;

public sealed class ArrayCastsTests
{
    [Theory]
    [InlineData(
        "x = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])",
        "x = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])")]
    [InlineData("(ARRAY['it''s, (odd]'::varchar, f(1, 2)])::text[]", "ARRAY[('it''s, (odd]'::varchar)::text, (f(1, 2))::text]")]
    [InlineData("(ARRAY[1])::\"my type\"[] AND (ARRAY[2])::bigint[]", "ARRAY[(1)::\"my type\"] AND ARRAY[(2)::bigint]")]
    [InlineData("(ARRAY[1, 2])", "(ARRAY[1, 2])")]
    [InlineData("(ARRAY[1", "(ARRAY[1")]
    [InlineData("(ARRAY['", "(ARRAY['")]
    [InlineData("plain", "plain")]
    public void Gives_every_element_the_cast(string text, string expected) => Assert.Equal(expected, ArrayCasts.Distribute(text));
}
