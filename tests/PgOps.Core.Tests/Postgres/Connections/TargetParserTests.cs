using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>Every form of a target that people have at hand.</summary>
public sealed class TargetParserTests
{
    [Theory]
    [InlineData("postgresql://ann:s3cret@db1:5433/shop", "db1", 5433, "shop", "ann", "s3cret")]
    [InlineData("postgres://ann@db1/shop", "db1", 5432, "shop", "ann", null)]
    [InlineData("POSTGRESQL://ann@db1/shop", "db1", 5432, "shop", "ann", null)]
    [InlineData("  postgresql://ann@db1/shop\n", "db1", 5432, "shop", "ann", null)]
    [InlineData("jdbc:postgresql://db1/shop?user=ann&password=s3cret", "db1", 5432, "shop", "ann", "s3cret")]
    [InlineData("postgresql+psycopg://ann:s3cret@db1/shop", "db1", 5432, "shop", "ann", "s3cret")]
    [InlineData("postgresql://an%40n:p%40ss%2Fw%25rd%3A%3F%23@db1/my%20shop", "db1", 5432, "my shop", "an@n", "p@ss/w%rd:?#")]
    [InlineData("postgresql://ann:p@ss@db1/shop", "db1", 5432, "shop", "ann", "p@ss")]
    [InlineData("postgresql://ann:a:b:c@db1/shop", "db1", 5432, "shop", "ann", "a:b:c")]
    [InlineData("postgresql://ann:p%C3%A4ss@db1/shop", "db1", 5432, "shop", "ann", "päss")]
    [InlineData("postgresql://ann@[2001:db8::1]:5433/shop", "2001:db8::1", 5433, "shop", "ann", null)]
    [InlineData("postgresql://ann@[::1]/shop", "::1", 5432, "shop", "ann", null)]
    [InlineData("postgresql://ann@%2Frun%2Fpg/shop", "/run/pg", 5432, "shop", "ann", null)]
    [InlineData("postgresql://ann@/shop?host=/run/pg&port=5433", "/run/pg", 5433, "shop", "ann", null)]
    [InlineData("postgresql:///shop?host=db1&user=ann&password=s3cret", "db1", 5432, "shop", "ann", "s3cret")]
    [InlineData("postgresql://ann@db1:5433,db2:5433/shop", "db1,db2", 5433, "shop", "ann", null)]
    [InlineData("postgresql://ann@db1,db2/shop", "db1,db2", 5432, "shop", "ann", null)]
    [InlineData("host=db1 port=5433 dbname=shop user=ann password=s3cret", "db1", 5433, "shop", "ann", "s3cret")]
    [InlineData("host = db1  dbname='my shop' user=ann password = 'it\\'s \\\\ ; here'", "db1", 5432, "my shop", "ann", "it's \\ ; here")]
    [InlineData("host=db1 dbname=shop user=ann password=a\\ b\\'c", "db1", 5432, "shop", "ann", "a b'c")]
    [InlineData("host=db1 dbname=shop user=ann password=''", "db1", 5432, "shop", "ann", null)]
    [InlineData("host=db1,db2 port=5433,5433 dbname=shop user=ann", "db1,db2", 5433, "shop", "ann", null)]
    [InlineData("Host=db1;Port=5433;Database=shop;Username=ann;Password=s3cret", "db1", 5433, "shop", "ann", "s3cret")]
    [InlineData("Server=db1;User ID=ann;Pwd='a;b=c';Initial Catalog=shop;", "db1", 5432, "shop", "ann", "a;b=c")]
    [InlineData("Data Source=db1;UID=ann;DB=shop;Password=\"a'b\";Pooling=false;Command Timeout=30", "db1", 5432, "shop", "ann", "a'b")]
    public void A_form_is_understood(string text, string host, int port, string database, string user, string? password)
    {
        var target = TargetParser.Parse(text);

        Assert.Equal((host, port, database, user), (target.Host, target.Port, target.Database, target.Username));
        Assert.Equal(password, target.Password?.Reveal());
        Assert.Equal(password is not null, target.HasPassword);
    }

    [Fact]
    public void Prismas_parameters_are_understood()
    {
        var target = TargetParser.Parse(
            "postgresql://ann:s3cret@db1:6543/shop?schema=app&connection_limit=1&pool_timeout=5&pgbouncer=true&statement_cache_size=0"
            + "&sslmode=require&sslaccept=strict&sslcert=../ca.pem&sslidentity=id.p12&sslpassword=p12pass"
            + "&connect_timeout=30&socket_timeout=9");

        Assert.Equal(("app", true, TimeSpan.FromSeconds(30)), (target.Schema, target.Pooled, target.ConnectTimeout));
        Assert.Equal(("../ca.pem", "id.p12", "p12pass"), (target.SslRootCertificate, target.SslCertificate, target.SslPassword?.Reveal()));
        Assert.Equal(PgSslMode.VerifyFull, target.SslMode);
    }

    [Theory]
    [InlineData("sslmode=require", PgSslMode.Require)]
    [InlineData("sslmode=verify-ca", PgSslMode.VerifyCA)]
    [InlineData("sslmode=verify-full", PgSslMode.VerifyFull)]
    [InlineData("sslmode=disable", PgSslMode.Disable)]
    [InlineData("sslaccept=strict", PgSslMode.VerifyFull)]
    [InlineData("sslmode=prefer&sslaccept=strict", PgSslMode.VerifyFull)]
    [InlineData("sslmode=require&sslaccept=accept_invalid_certs", PgSslMode.Require)]
    [InlineData("sslmode=disable&sslaccept=strict", PgSslMode.Disable)]
    [InlineData("ssl=true", PgSslMode.Require)]
    [InlineData("application_name=x", PgSslMode.Prefer)]
    public void The_SSL_mode_is_never_weaker_than_asked_for(string query, PgSslMode expected)
        => Assert.Equal(expected, TargetParser.Parse($"postgresql://ann@db1/shop?{query}").SslMode);

    [Fact]
    public void Every_parameter_of_libpq_that_matters_arrives()
    {
        var target = TargetParser.Parse(
            "host=db1 dbname=shop user=ann passfile=/p sslmode=verify-ca sslrootcert=/r sslcert=/c sslkey=/k sslpassword=kp "
            + "connect_timeout=7 application_name='my app' options='-c work_mem=64MB' target_session_attrs=read-write "
            + "channel_binding=require gssencmode=prefer keepalives_idle=30 tcp_user_timeout=5");

        Assert.Equal(("/p", "/r", "/c", "/k"), (target.PasswordFile, target.SslRootCertificate, target.SslCertificate, target.SslKey));
        Assert.Equal(
            ("my app", "-c work_mem=64MB", TimeSpan.FromSeconds(7)), (target.ApplicationName, target.Options, target.ConnectTimeout));
        Assert.Equal(
            ("read-write", "require", "prefer"), (target.TargetSessionAttributes, target.ChannelBinding, target.GssEncryptionMode));
        Assert.Equal("-c search_path=a,\\ b", TargetParser.Parse("Host=db1;Search Path='a, b'").Options);
    }

    [Fact]
    public void A_hashtable_of_a_runbook_is_understood()
    {
        var target = TargetParser.FromKeywords(new Dictionary<string, string?>
        {
            ["Server"] = "db1",
            ["Port"] = "5433",
            ["Database"] = "shop",
            ["UserName"] = "ann",
            ["Password"] = "s3cret",
            ["SslMode"] = "Require",
            ["passfile"] = null,
        });

        Assert.Equal(
            ("db1", 5433, "shop", "ann", "s3cret"),
            (target.Host, target.Port, target.Database, target.Username, target.Password?.Reveal()));
        Assert.Equal(PgSslMode.Require, target.SslMode);
        Assert.Equal(5433, TargetParser.FromParts("db1", 5433, "shop", "ann").Port);
    }

    [Theory]
    [InlineData("postgresql://ann:s3cret@db1/shop?sslmod=require", "sslmode")]
    [InlineData("postgresql://ann:s3cret@db1/shop?foo=bar", "'foo'")]
    [InlineData("host=db1 passwort=s3cret", "'passwort'")]
    [InlineData("host=db1 password=s3cret portt=1", "'port'")]
    [InlineData("Host=db1;Password=s3cret;Databas=shop", "'dbname'")]
    public void An_unknown_parameter_is_refused_with_a_suggestion(string text, string words)
        => Assert.Contains(words, Refusal(text).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("postgresql://ann@db1:0/shop")]
    [InlineData("postgresql://ann@db1:65536/shop")]
    [InlineData("postgresql://ann@db1:54x2/shop")]
    [InlineData("postgresql://ann@db1:-1/shop")]
    [InlineData("host=db1 port=+1")]
    [InlineData("postgresql://ann@db1:5432,db2:5433/shop")]
    [InlineData("postgresql://ann@[::1/shop")]
    [InlineData("postgresql://ann@db1/shop?sslmode")]
    [InlineData("postgresql://ann@db1/shop?sslmode=maybe")]
    [InlineData("postgresql://ann@db1/shop?sslmode=7")]
    [InlineData("postgresql://ann@db1/shop?connect_timeout=soon")]
    [InlineData("postgresql://ann@db1/sh%op")]
    [InlineData("postgresql://ann@db1/sh%00op")]
    [InlineData("host=db1 dbname")]
    [InlineData("host=db1 dbname='shop")]
    [InlineData("mysql://ann@db1/shop")]
    [InlineData("prisma://accelerate.prisma-data.net/?api_key=x")]
    [InlineData("service=nowhere_to_be_found")]
    [InlineData("postgresql://ann@db1/shop?gssencmode=perhaps")]
    [InlineData("postgresql://ann@db1/shop?channel_binding=perhaps")]
    [InlineData("postgresql://ann@db1/shop?target_session_attrs=perhaps")]
    public void What_makes_no_sense_is_refused_with_the_way_out(string text) => Refusal(text);

    [Theory]
    [InlineData("postgresql://ann:s3cret@db1:bad/shop")]
    [InlineData("postgresql://ann:s3cret%zz@db1/shop")]
    [InlineData("postgresql://ann:12/s3cret@db1/shop")]
    [InlineData("postgresql://ann:12?s3cret=x@db1/shop")]
    [InlineData("postgresql://ann:12?x=s3cret@db1/shop")]
    [InlineData("postgresql://ann:s3cret/x@db1/shop")]
    [InlineData("postgresql://ann:s3cret@db1/shop?sslmode=maybe")]
    [InlineData("ann:s3cret@db1/shop")]
    [InlineData("s3cret://x")]
    [InlineData("ann:s3cret@postgresql://db1/shop")]
    [InlineData("host=db1 password=my s3cret=x user=ann")]
    [InlineData("host=db1 password=my s3cret user=ann")]
    [InlineData("host=db1 password='my s3cret user=ann")]
    [InlineData("Host=db1;Password=my;s3cret=x;Username=ann")]
    [InlineData("Host=db1;Password=my;s3cret;Username=ann")]
    [InlineData("Host=db1;Password='my;s3cret;Username=ann")]
    [InlineData("mysql://ann:s3cret@db1/shop")]
    public void An_error_never_repeats_the_password(string text)
        => Assert.DoesNotContain("s3cret", Refusal(text).ToString(), StringComparison.Ordinal);

    private static PgOpsException Refusal(string text)
    {
        var error = Assert.Throws<PgOpsException>(() => TargetParser.Parse(text));
        Assert.Equal(PgErrorCode.TargetInvalid, error.Code);
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("it's \\ and '' = ; \" end\\")]
    public void A_value_escaped_for_libpq_reads_back(string value)
        => Assert.Equal(value, ConnectionStringText.ReadLibpq($"user=x dbname='{ConnectionStringText.Escape(value)}' port=1")["dbname"]);
}
