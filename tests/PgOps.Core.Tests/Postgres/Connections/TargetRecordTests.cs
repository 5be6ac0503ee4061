using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>
/// Targets from the columns of a file, and targets that went through CSV, JSON, Clixml or a job: they reach the same server or none.
/// </summary>
public sealed class TargetRecordTests
{
    [Theory]
    [InlineData("Host")]
    [InlineData("ComputerName")]
    [InlineData("Server")]
    [InlineData("HOST_NAME")]
    [InlineData("PGHOST")]
    [InlineData("Data Source")]
    public void The_server_has_many_names(string column)
    {
        var record = TargetParser.FromRecord(Row((column, "db1"), ("Database", "shop"), ("Schema", ""), ("Team", "orders")));

        Assert.Equal(("db1", "shop", null), (record.Target.Host, record.Target.Database, record.Target.Schema));
        Assert.True(record.NamesServer);
        Assert.Equal(["Team"], record.PassedOver);
    }

    [Fact]
    public void A_whole_target_becomes_what_it_was_whatever_the_environment_says()
    {
        var record = TargetParser.FromRecord(Whole(("SslMode", "5"), ("ConnectTimeout", "00:00:07"), ("Pooled", "True"), ("Options", "")));

        var target = record.Target;
        Assert.Equal(("live", "db1", 5433, "shop", "ann"), (target.Name, target.Host, target.Port, target.Database, target.Username));
        Assert.Equal((PgSslMode.VerifyFull, TimeSpan.FromSeconds(7), true), (target.SslMode, target.ConnectTimeout, target.Pooled));
        Assert.Equal(new PgTarget().ApplicationName, target.ApplicationName);
        Assert.Null(target.Options);
        Assert.Null(target.PasswordFile);
        Assert.Empty(record.PassedOver);
        Assert.False(TargetParser.LacksItsPassword(target));
    }

    [Fact]
    public void That_the_password_did_not_come_along_is_known_until_there_is_one()
    {
        var target = TargetParser.FromRecord(Whole(("HasPassword", "True"))).Target;

        if (Environment.GetEnvironmentVariable("PGPASSWORD") is null)
        {
            Assert.True(TargetParser.LacksItsPassword(target));
            Assert.True(TargetParser.LacksItsPassword(target.WithDatabase("other")));
        }

        Assert.False(TargetParser.LacksItsPassword(target.WithPassword(new PgSecret("s3cret"))));
    }

    [Fact]
    public void Columns_replace_the_parts_of_a_uri_and_of_a_start()
    {
        var start = TargetParser.Parse("postgresql://ann:s3cret@db1:5433/shop?sslmode=require");

        var moved = TargetParser.FromRecord(Row(("Database", "shop2"), ("Name", "two")), start).Target;
        var named = TargetParser.FromRecord(Row(("Url", "postgresql://ann:s3cret@db1:5433/shop?sslmode=require"), ("db", "shop2"))).Target;

        Assert.Equal(start with { Database = "shop2", Name = "two" }, moved);
        Assert.Equal(start with { Database = "shop2" }, named);
    }

    [Theory]
    [InlineData("Hots", "'host'")]
    [InlineData("Datbase", "'database'")]
    [InlineData("SslCrt", "connection setting")]
    [InlineData("PasswordHint", "connection setting")]
    public void A_column_that_looks_like_a_setting_is_not_passed_over(string column, string words)
    {
        var error = Assert.Throws<PgOpsException>(() => TargetParser.FromRecord(Row((column, "x"))));

        Assert.Equal(PgErrorCode.TargetInvalid, error.Code);
        Assert.Contains($"'{column}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_like_another_that_is_there_is_passed_over()
        => Assert.Equal(["Cost"], TargetParser.FromRecord(Row(("Host", "db1"), ("Cost", "12"))).PassedOver);

    [Fact]
    public void Two_columns_that_contradict_each_other_are_refused()
    {
        var error = Assert.Throws<PgOpsException>(() => TargetParser.FromRecord(Row(("Host", "db1"), ("ComputerName", "db2"))));

        Assert.Contains("'Host' and 'ComputerName'", error.Message, StringComparison.Ordinal);
        Assert.Equal("db1", TargetParser.FromRecord(Row(("Host", "db1"), ("ComputerName", "db1"))).Target.Host);
    }

    [Fact]
    public void A_job_s_remarks_are_no_server()
    {
        var record = TargetParser.FromRecord(Whole(("PSComputerName", "worker7"), ("RunspaceId", "x"), ("PSShowComputerName", "True")));

        Assert.Equal("db1", record.Target.Host);
        Assert.Empty(record.PassedOver);
    }

    [Theory]
    [InlineData("shop", true)]
    [InlineData(" my shop ", true)]
    [InlineData("", false)]
    [InlineData("service=shop", false)]
    [InlineData("postgresql://db1/shop", false)]
    [InlineData("shop@db1", false)]
    public void A_bare_name_is_told_from_an_address(string text, bool bare) => Assert.Equal(bare, TargetParser.IsDatabaseName(text));

    private static Dictionary<string, string?> Row(params (string Name, string? Value)[] columns)
        => columns.ToDictionary(column => column.Name, column => column.Value);

    private static Dictionary<string, string?> Whole(params (string Name, string? Value)[] columns)
    {
        var row = Row(
            ("Name", "live"), ("Host", "db1"), ("Port", "5433"), ("Database", "shop"), ("Username", "ann"), ("HasPassword", "False"),
            ("SslMode", "Prefer"), ("SslRootCertificate", ""), ("PasswordFile", null));
        foreach (var (name, value) in columns)
        {
            row[name] = value;
        }

        return row;
    }
}
