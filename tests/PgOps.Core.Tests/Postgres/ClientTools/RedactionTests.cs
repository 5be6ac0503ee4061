using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Postgres.ClientTools;

public sealed class RedactionTests
{
    private static readonly PgTarget Target = new() { Username = "app", Database = "shop", Password = new PgSecret("s3cr'et@/x") };

    [Theory]
    [InlineData("psql: error: s3cr'et@/x was here")]
    [InlineData("postgresql://app:s3cr%27et%40%2Fx@db1/shop")]
    [InlineData("ALTER ROLE app PASSWORD 's3cr''et@/x'")]
    [InlineData(@"host=db1 password='s3cr\'et@/x' user=app")]
    public void A_targets_password_is_hidden_in_every_spelling(string text)
    {
        var shown = new Redaction(Target).Apply(text);
        Assert.DoesNotContain("s3cr", shown, StringComparison.Ordinal);
        Assert.Contains(Redaction.Mask, shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://app:hidden@db1:5432/shop?sslmode=require", "postgres://app:********@db1:5432/shop?sslmode=require")]
    [InlineData("postgres://app:hid@den/x@db1/shop", "postgres://app:********@db1/shop")]
    [InlineData("host=db1 password=hidden user=app", "host=db1 password=******** user=app")]
    [InlineData("Host=db1;Password=hidden;Username=app", "Host=db1;Password=********;Username=app")]
    [InlineData("host=db1 password='hid den' user=app", "host=db1 password=******** user=app")]
    [InlineData("PGPASSWORD=hidden pg_dump", "PGPASSWORD=******** pg_dump")]
    [InlineData("sslpassword=hidden", "sslpassword=********")]
    [InlineData("{\"password\": \"hidden\"}", "{\"password\": ********}")]
    [InlineData("CREATE ROLE x LOGIN PASSWORD 'hidden';", "CREATE ROLE x LOGIN PASSWORD '********';")]
    public void A_strangers_password_is_hidden_by_its_place(string text, string shown) =>
        Assert.Equal(shown, Redaction.ByPattern.Apply(text));

    [Theory]
    [InlineData("FATAL:  password authentication failed for user \"app\"")]
    [InlineData("postgres://app@db1:5432/shop")]
    [InlineData("password_encryption = scram-sha-256")]
    [InlineData("could not connect to https://db1:5432/x")]
    public void Text_without_a_secret_stays_as_it_is(string text) => Assert.Equal(text, new Redaction(Target).Apply(text));

    [Fact]
    public void A_password_that_equals_the_role_name_does_not_blank_the_role_out()
    {
        var redaction = new Redaction(new PgTarget { Username = "postgres", Password = new PgSecret("postgres") });
        Assert.Equal("role \"postgres\" does not exist", redaction.Apply("role \"postgres\" does not exist"));
        Assert.Equal("postgresql://postgres:********@db1", redaction.Apply("postgresql://postgres:postgres@db1"));
    }

    [Fact]
    public void A_short_password_is_hidden_as_a_word_only()
    {
        var redaction = new Redaction(new PgTarget { Password = new PgSecret("ab") });
        Assert.Equal("******** but not abc", redaction.Apply("ab but not abc"));
    }
}
