using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

/// <summary>No password of a statement is shown or kept, whatever form it is written in.</summary>
public sealed class SecretLiteralsTests
{
    [Theory]
    [InlineData("CREATE ROLE a LOGIN PASSWORD 's3cret' NOSUPERUSER")]
    [InlineData("ALTER USER a WITH ENCRYPTED PASSWORD E's3cret'")]
    [InlineData("ALTER ROLE a PASSWORD /* the new */ $$s3cret$$")]
    [InlineData("ALTER ROLE a PASSWORD $x$s3cret$x$")]
    [InlineData("ALTER ROLE a PASSWORD U&'s3cret'")]
    [InlineData("-- it's here\nALTER ROLE a PASSWORD\n    's3cret'")]
    [InlineData("CREATE USER MAPPING FOR a SERVER b OPTIONS (user 'a', password 's3cret')")]
    [InlineData("CREATE SUBSCRIPTION s CONNECTION 'host=db1 user=a password=s3cret dbname=c' PUBLICATION p")]
    [InlineData("SELECT dblink_connect('postgresql://a:s3cret@db1/c')")]
    [InlineData("DO $do$ BEGIN CREATE ROLE a PASSWORD 's3cret'; END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE 'CREATE ROLE a PASSWORD ''s3cret'''; END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE format($f$ALTER ROLE %I PASSWORD 's3cret'$f$, 'a'); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', 'a', 's3cret'); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE format('ALTER ROLE %2$I PASSWORD %1$L', 's3cret'::text, 'a'); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE format($f$ALTER ROLE %I PASSWORD %s$f$, 'a', quote_literal('s3cret')); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ' || quote_literal('s3cret'); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''' || 's3cret' || ''' LOGIN'; END $do$")]
    [InlineData("DO $do$ DECLARE pw text := 's3cret'; BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', 'a', pw); END $do$")]
    [InlineData("DO $do$ DECLARE b text := 'x'; pw text = 's3cret'; BEGIN EXECUTE format('ALTER ROLE a PASSWORD %L', pw::text); END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE 'EXECUTE ''ALTER ROLE a PASSWORD ''''s3cret'''' '' '; END $do$")]
    [InlineData("DO $do$ BEGIN EXECUTE E'ALTER ROLE a PASSWORD \\'s3cret\\''; END $do$")]
    [InlineData("CREATE ROLE a PASSWORD 's3cret")]
    public void A_password_is_hidden(string sql)
    {
        Assert.DoesNotContain("s3cret", SecretLiterals.Hide(sql), StringComparison.Ordinal);
        Assert.Equal(sql.Replace("s3cret", SecretLiterals.Mask, StringComparison.Ordinal), SecretLiterals.Hide(sql));
        Assert.Equal(sql.Replace("s3cret", new string(SecretLiterals.Blanked, 6), StringComparison.Ordinal), SecretLiterals.Blank(sql));
        Assert.Equal(SecretLiterals.Hide(sql), SecretLiterals.Hide(SecretLiterals.Hide(sql)));
    }

    [Theory]
    [InlineData("CREATE TABLE users (name text, password text NOT NULL DEFAULT 'none')")]
    [InlineData("UPDATE users SET password = crypt('x', gen_salt('bf'))")]
    [InlineData("INSERT INTO words VALUES ('password', 'x'), ('password ', 'y')")]
    [InlineData("SELECT format('%s has the password', 'a'), format('%s: %s', 'a', 'b')")]
    [InlineData("SELECT 'no password' AS a, 'x' AS b WHERE 'its password' = 'x'")]
    [InlineData("COMMENT ON COLUMN users.password IS 'the password of the user'")]
    [InlineData("INSERT INTO links VALUES ('https://example.com/a:b')")]
    public void What_is_no_password_stays(string sql) => Assert.Equal(sql, SecretLiterals.Hide(sql));

    [Theory]
    [InlineData("syntax error in it's PASSWORD 's3cret'")]
    [InlineData("EXECUTE 'CREATE ROLE a PASSWORD ''s3cret'''")]
    [InlineData("ALTER ROLE a PASSWORD $x$s3cret$x$")]
    public void What_the_server_says_is_searched_too(string words)
        => Assert.DoesNotContain("s3cret", Redaction.ByPattern.Apply(words), StringComparison.Ordinal);

    [Theory]
    [InlineData("x")]
    [InlineData("a far longer password than most, with 'quotes'")]
    public void An_excerpt_does_not_tell_how_long_a_password_is(string password)
    {
        var sql = $"CREATE ROLE r PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}' NOSUCH;";

        var excerpt = ScriptExcerpt.At(SecretLiterals.Blank(sql), sql.IndexOf("NOSUCH", StringComparison.Ordinal));
        var within = ScriptExcerpt.At(SecretLiterals.Blank(sql), sql.IndexOf('\'', StringComparison.Ordinal) + 1);

        Assert.Equal("  1 | CREATE ROLE r PASSWORD '********' NOSUCH;\n    |                                   ^", excerpt.Rendered);
        Assert.Equal("  1 | CREATE ROLE r PASSWORD '********' NOSUCH;\n    |                         ^", within.Rendered);
    }
}
