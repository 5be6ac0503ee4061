using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>
/// Where a connection leads, how safe it is, and what its session stands on: as libpq has it, or refused. Nothing is passed over.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class TargetGuaranteeTests(SandboxServer server) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("host=db1 hostaddr=10.0.0.1", "hostaddr (or PGHOSTADDR) is 10.0.0.1 and the host db1", "host=10.0.0.1")]
    [InlineData("host=/run/pg requirepeer=postgres", "requirepeer (or PGREQUIREPEER) 'postgres'", "Leave it out")]
    [InlineData("host=db1 sslcrl=/a.crl", "sslcrl (or PGSSLCRL) '/a.crl'", "Leave it out")]
    [InlineData("host=db1 ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version", "TLS 1.2 is the least")]
    [InlineData("host=db1 ssl_max_protocol_version=TLSv1.2", "ssl_max_protocol_version", "Leave it out")]
    [InlineData("host=db1 sslnegotiation=direct", "sslnegotiation", "Leave it out")]
    [InlineData("host=db1 krbsrvname=pg", "krbsrvname", "Leave it out")]
    [InlineData("host=db1,db2 load_balance_hosts=random", "load_balance_hosts", "the one host")]
    [InlineData("host=db1 require_auth=md5,!none", "require_auth 'md5,!none' both names and excludes", "either")]
    [InlineData("host=db1 require_auth=oauth", "require_auth 'oauth' does not exist", "scram-sha-256")]
    [InlineData("host=db1 sslrootcert=system sslmode=require", "sslmode 'require' is too weak for sslrootcert=system", "verify-full")]
    public void What_cannot_be_followed_is_refused(string text, string problem, string next)
    {
        var error = Assert.Throws<PgOpsException>(() => TargetParser.Parse(text));

        Assert.Equal(PgErrorCode.TargetInvalid, error.Code);
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
        Assert.Contains(next, error.NextStep, StringComparison.Ordinal);
    }

    [Fact]
    public void What_PgOps_does_anyway_is_taken()
    {
        Assert.Equal("10.0.0.1", TargetParser.Parse("hostaddr=10.0.0.1 dbname=shop").Host);
        Assert.Equal("10.0.0.1", TargetParser.Parse("host=10.0.0.1 hostaddr=10.0.0.1").Host);
        Assert.Equal(PgSslMode.VerifyFull, TargetParser.Parse("host=db1 sslrootcert=system").SslMode);
        Assert.Equal("db1", TargetParser.Parse(
            "host=db1 ssl_min_protocol_version=TLSv1.2 sslnegotiation=postgres krbsrvname=postgres load_balance_hosts=disable").Host);
        Assert.Equal("MD5,None", new NpgsqlConnectionStringBuilder(
            ServerConnection.ConnectionString(TargetParser.Parse("host=db1 require_auth=md5,none"))).RequireAuth);
        var asked = TargetParser.Parse("host=db1 require_auth=scram-sha-256");
        Assert.Equal("scram-sha-256", asked.GetEnvironment()["PGREQUIREAUTH"]);
        Assert.Equal("ScramSHA256", new NpgsqlConnectionStringBuilder(ServerConnection.ConnectionString(asked)).RequireAuth);
    }

    [Fact]
    public void Who_has_the_authoritys_certificate_means_it_to_be_looked_at()
    {
        var root = Path.Combine(_folder.Path, "root.crt");
        File.WriteAllText(root, "-----BEGIN CERTIFICATE-----");

        Assert.Equal(SslMode.VerifyCA, Mode($"host=db1 sslmode=require sslrootcert={root}"));
        Assert.Equal(SslMode.Prefer, Mode($"host=db1 sslmode=prefer sslrootcert={root}"));
        Assert.Equal(SslMode.VerifyFull, Mode("host=db1 sslrootcert=system"));
        var missing = Assert.Throws<PgOpsException>(() => Mode("host=db1 sslmode=verify-full sslrootcert=/nowhere/root.crt"));
        Assert.Contains("there is no file /nowhere/root.crt", missing.Problem, StringComparison.Ordinal);
        var none = Assert.Throws<PgOpsException>(() => Mode("host=db1 sslmode=verify-ca"));
        Assert.Contains("sslmode=verify-ca needs the authority's certificate", none.Problem, StringComparison.Ordinal);
        File.WriteAllBytes(root, [0x30, 0x82, 1, 2]);
        var der = Assert.Throws<PgOpsException>(() => Mode($"host=db1 sslmode=require sslrootcert={root}"));
        Assert.Contains($"{root} is not in PEM form", der.Problem, StringComparison.Ordinal);
        Assert.Contains($"openssl x509 -inform DER -in '{root}'", der.NextStep, StringComparison.Ordinal);

        static SslMode Mode(string text)
            => new NpgsqlConnectionStringBuilder(ServerConnection.ConnectionString(TargetParser.Parse(text))).SslMode;
    }

    [PostgresFact]
    public async Task A_password_file_that_others_may_read_is_not_read_and_named()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var file = Path.Combine(_folder.Path, "pgpass");
        await File.WriteAllTextAsync(file, $"*:*:*:*:{server.Target.Password!.Reveal()}\n");
        var target = server.Target with { Password = null, PasswordFile = file };
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using (await ServerConnection.OpenAsync(target, null, CancellationToken.None))
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => ServerConnection.OpenAsync(target, null, CancellationToken.None));
        Assert.Contains($"chmod 600 '{file}'", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("primary", true)]
    [InlineData("read-write", true)]
    [InlineData("prefer-standby", true)]
    [InlineData("standby", false)]
    [InlineData("read-only", false)]
    public async Task The_kind_of_server_that_was_asked_for_is_checked_on_a_single_host_too(string kind, bool fits)
    {
        var target = server.Target with { TargetSessionAttributes = kind };

        var opening = ServerConnection.OpenAsync(target, null, CancellationToken.None);

        if (fits)
        {
            await (await opening).DisposeAsync();
        }
        else
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => opening);
            Assert.Equal(PgErrorCode.ConnectionFailed, error.Code);
            Assert.Contains($"target_session_attrs asks for {kind}", error.Problem, StringComparison.Ordinal);
        }
    }

    [PostgresFact]
    public async Task Timeouts_that_the_database_sets_are_taken_off_and_said_and_those_of_the_options_stay()
    {
        var target = await server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(target, $"""
            ALTER DATABASE "{target.Database}" SET statement_timeout = '3s';
            ALTER DATABASE "{target.Database}" SET idle_in_transaction_session_timeout = '4s';
            """);
        var sink = new CollectingSink();

        await using var session = await ServerConnection.OpenAsync(target, sink.Log, CancellationToken.None);
        await using var asked = await ServerConnection.OpenAsync(
            target with { Options = "-c statement_timeout=5s" }, sink.Log, CancellationToken.None);

        Assert.Equal("0", await session.ScalarAsync<string>("SHOW statement_timeout", CancellationToken.None));
        Assert.Equal("0", await session.ScalarAsync<string>("SHOW idle_in_transaction_session_timeout", CancellationToken.None));
        Assert.Equal("5s", await asked.ScalarAsync<string>("SHOW statement_timeout", CancellationToken.None));
        Assert.Contains(sink.Lines, line => line.Text.Contains(
            "taken off for this session: statement_timeout = 3s, idle_in_transaction_session_timeout = 4s", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task A_database_that_is_read_only_by_default_is_said_to_be_and_who_made_it_so()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_a.sql", "CREATE TABLE a (i int);");
        await workspace.ExecuteAsync($"ALTER DATABASE \"{workspace.Target.Database}\" SET default_transaction_read_only = on");

        var error = await workspace.FailAsync(PgErrorCode.PermissionDenied);
        var test = await new TestTarget().RunAsync(workspace.Target, new CollectingSink(), CancellationToken.None);

        Assert.Contains("the database has default_transaction_read_only = on", error.Problem, StringComparison.Ordinal);
        Assert.Contains(
            $"ALTER DATABASE \"{workspace.Target.Database}\" RESET default_transaction_read_only", error.NextStep,
                StringComparison.Ordinal);
        Assert.Contains("default_transaction_read_only", test.Checks.Single(check
            => check.Name == PgCheckName.Writable).Detail, StringComparison.Ordinal);
        Assert.False(test.Passed);
        var allowed = workspace.Target with { Options = "-c default_transaction_read_only=off" };
        Assert.Single((await workspace.RunAsync(request => request with { Target = allowed })).Applied);
    }

    [Theory]
    [InlineData("FATAL", "57P01", true)]
    [InlineData("FATAL", "53100", true)]
    [InlineData("FATAL", "25P03", true)]
    [InlineData("PANIC", "XX000", true)]
    [InlineData("ERROR", "57P01", false)]
    [InlineData("ERROR", "08001", false)]
    [InlineData("ERROR", "XX001", false)]
    public void A_session_is_lost_by_the_severity_of_what_was_said(string severity, string state, bool lost)
        => Assert.Equal(lost, ServerErrors.IsLost(new PostgresException("words", severity, severity, state)));

    [PostgresFact]
    public async Task A_script_that_raises_a_connections_error_has_failed_and_one_whose_session_was_ended_is_named()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_a.sql", "DO $$ BEGIN RAISE 'words' USING ERRCODE = '57P01'; END $$;");
        var raised = await workspace.FailAsync(PgErrorCode.MigrationFailed);
        workspace.Write("1_a.sql", "DO $$ BEGIN RAISE 'full' USING ERRCODE = '53100'; END $$;");
        var full = await workspace.FailAsync(PgErrorCode.MigrationFailed);
        Assert.Contains("53100: full", (await workspace.StatusAsync())[0].Remark, StringComparison.Ordinal);
        Assert.DoesNotContain("could not be recorded", full.State, StringComparison.Ordinal);
        workspace.Write("1_a.sql", "SELECT pg_terminate_backend(pg_backend_pid());");
        var ended = await workspace.FailAsync(PgErrorCode.ConnectionLost);

        Assert.Equal("57P01", raised.Statement!.SqlState);
        Assert.Contains("running 1_a failed: 57P01", ended.Problem, StringComparison.Ordinal);
        workspace.Write("1_a.sql", "SELECT 1;");
        Assert.Single((await workspace.RunAsync()).Applied);
    }

    [PostgresTheory]
    [InlineData("COPY t TO STDOUT;", "COPY … TO STDOUT")]
    [InlineData("COPY (SELECT 1) TO STDOUT WITH (FORMAT csv);", "COPY … TO STDOUT")]
    [InlineData("COPY t FROM STDIN (FORMAT binary);\nx\n\\.\n", "COPY … FROM STDIN in binary form")]
    [InlineData("COPY BINARY t FROM STDIN;\nx\n\\.\n", "COPY … FROM STDIN in binary form")]
    public async Task A_COPY_that_needs_a_client_is_refused_before_anything_runs(string statement, string words)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_t.sql", "CREATE TABLE t (i int);");
        workspace.Write("2_c.sql", statement);

        var error = await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains($"{words}: a migration has no client", error.Problem, StringComparison.Ordinal);
        Assert.Null(await workspace.ScalarAsync<string>("SELECT to_regclass('t')::text"));
    }
}
