using System.Text.Json;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>What the environment and the service file bring in, each in a process of its own.</summary>
public sealed class TargetEnvironmentTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task DATABASE_URL_comes_before_the_PG_variables_which_complete_it()
    {
        var (target, password) = await ReadAsync(
            null, ("DATABASE_URL", "postgresql://ann@db1/shop"), ("PGHOST", "db2"), ("PGDATABASE", "other"), ("PGPORT", "5433"),
            ("PGPASSWORD", "s3cret"), ("PGSSLMODE", "require"));

        Assert.Equal(
            ("db1", 5433, "shop", "ann", "s3cret", PgSslMode.Require),
            (target.Host, target.Port, target.Database, target.Username, password, target.SslMode));
    }

    [Fact]
    public async Task A_bare_name_is_a_database_on_the_server_of_DATABASE_URL()
    {
        var (target, password) = await ReadAsync(
            "copy", ("DATABASE_URL", "postgresql://ann:s3cret@db1:5433/shop?sslmode=require"), ("PGHOST", "db2"));

        Assert.Equal(
            ("db1", 5433, "copy", "ann", "s3cret", PgSslMode.Require),
            (target.Host, target.Port, target.Database, target.Username, password, target.SslMode));
    }

    [Fact]
    public async Task The_PG_variables_alone_make_a_target()
    {
        var (target, password) = await ReadAsync(
            null, ("PGHOST", "db2"), ("PGPORT", "5433"), ("PGUSER", "ann"), ("PGPASSWORD", "s3cret"), ("PGAPPNAME", "job"),
            ("PGCONNECT_TIMEOUT", "9"), ("PGOPTIONS", "-c x.y=1"));

        Assert.Equal(("db2", 5433, "ann", "ann", "s3cret"), (target.Host, target.Port, target.Database, target.Username, password));
        Assert.Equal(("job", TimeSpan.FromSeconds(9), "-c x.y=1"), (target.ApplicationName, target.ConnectTimeout, target.Options));
    }

    [Fact]
    public async Task Nothing_given_and_nothing_set_is_refused_with_what_to_set()
    {
        var (code, first, others) = await TargetPrinter.RunAsync(null, ("PGPASSWORD", "s3cret"));

        Assert.Equal((1, "TargetInvalid"), (code, first));
        Assert.Contains("DATABASE_URL", others, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bare_name_is_a_database_on_the_environments_server()
    {
        var (target, _) = await ReadAsync("shop", ("PGHOST", "db2"), ("PGUSER", "ann"));

        Assert.Equal(("db2", "shop", "ann"), (target.Host, target.Database, target.Username));
    }

    [Theory]
    [InlineData("service=eu", false)]
    [InlineData("postgresql:///?service=eu", false)]
    [InlineData(null, true)]
    public async Task A_service_file_stands_between_what_is_given_and_the_environment(string? text, bool byVariable)
    {
        await File.WriteAllTextAsync(
            _file,
            "# comment\n[us]\nhost=db9\n\n[eu]\nhost=db1\nport = 5433\ndbname=shop\nuser=ann\npassword=s3=cret\n[other]\nhost=db8\n");
        (string, string)[] environment =
            [("PGSERVICEFILE", _file), ("PGHOST", "db2"), ("PGAPPNAME", "job"), .. byVariable ? new[] { ("PGSERVICE", "eu") } : []];

        var (target, password) = await ReadAsync(text, environment);

        Assert.Equal(
            ("db1", 5433, "shop", "ann", "s3=cret", "job"),
            (target.Host, target.Port, target.Database, target.Username, password, target.ApplicationName));
        Assert.Equal("mine", (await ReadAsync("service=eu dbname=mine", environment)).Target.Database);
    }

    [Fact]
    public async Task A_service_that_is_not_defined_is_refused_with_the_files_looked_at()
    {
        var (code, first, others) = await TargetPrinter.RunAsync("service=eu", ("PGSERVICEFILE", _file));

        Assert.Equal((1, "TargetInvalid"), (code, first));
        Assert.Contains(_file, others, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_DATABASE_URL_is_refused_without_its_password()
    {
        var (code, first, others) = await TargetPrinter.RunAsync(null, ("DATABASE_URL", "postgresql://ann:s3cret@db1:x/shop"));

        Assert.Equal(1, code);
        Assert.DoesNotContain("s3cret", first + others, StringComparison.Ordinal);
    }

    private static async Task<(PgTarget Target, string Password)> ReadAsync(string? text, params (string, string)[] environment)
    {
        var (code, first, others) = await TargetPrinter.RunAsync(text, environment);
        Assert.True(code == 0, first + others);
        Assert.DoesNotContain("cret", first, StringComparison.Ordinal);
        return (JsonSerializer.Deserialize<PgTarget>(first)!, others);
    }
}
