using System.Net;
using System.Net.Sockets;
using System.Text;
using PgOps.Core.Checks;
using PgOps.Core.Checks.User;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Checks;

/// <summary>The user's own checks: SQL files, probes and delegates.</summary>
[Collection(PostgresTests.Name)]
public sealed class UserCheckTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public UserCheckTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("SELECT 1 WHERE false", true, "no row")]
    [InlineData("SET LOCAL work_mem = '8MB'; SELECT 1 WHERE false; TABLE pg_catalog.pg_largeobject;", true, "2 queries, no row")]
    [InlineData(
        "SELECT 1 WHERE false;\n\nSELECT g AS id, NULL AS note FROM generate_series(1, 7) g",
        false,
        "line 3: 7 rows, the first 5: id=1, note=NULL; id=2, note=NULL; id=3")]
    [InlineData("SELECT count(*) >= 0 AS fine FROM pg_class", false, "line 1: 1 row: fine=t (a check lists what is wrong")]
    [InlineData("-- nothing\nSET LOCAL work_mem = '8MB'", false, "the file holds no statement that gives rows, so nothing was checked")]
    [InlineData("SELECT 1 FROM nowhere", false, "line 1: 42P01 relation \"nowhere\" does not exist")]
    [InlineData("CREATE TABLE t (a int)", false, "line 1: 25006 cannot execute CREATE TABLE in a read-only transaction")]
    [InlineData(
        "COMMIT; CREATE TABLE t (a int); SELECT 1 WHERE false",
        false,
        "line 1: a check runs in one read-only transaction and must not end it")]
    [InlineData("DO $$ BEGIN COMMIT; END $$; SELECT 1 WHERE false", false, "line 1: 2D000 invalid transaction termination")]
    [InlineData("SELECT 1 WHERE false;\n\\echo done", false, "line 2: ")]
    public async Task A_file_of_sql_passes_when_no_query_gives_a_row(string sql, bool passed, string detail)
    {
        var path = Path.Combine(_folder.Path, "orders are whole.sql");
        await File.WriteAllTextAsync(path, sql);

        var check = await RunAsync(new SqlCheck(path));

        Assert.Equal("check: orders are whole", check.Name);
        Assert.Equal(passed ? PgCheckStatus.Passed : PgCheckStatus.Failed, check.Status);
        Assert.StartsWith(detail, check.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_check_that_takes_too_long_fails_and_the_others_go_on()
    {
        var path = Path.Combine(_folder.Path, "slow.sql");
        await File.WriteAllTextAsync(path, "SELECT pg_sleep(60)");
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var test = await TestAsync(
            TimeSpan.FromSeconds(0.5),
            new SqlCheck(path),
            new HttpCheck($"http://{silent.LocalEndpoint}/"),
            new DelegateCheck("wait", async (_, timeout, token) =>
            {
                await Task.Delay(timeout, token);
                throw new OperationCanceledException();
            }),
            new DelegateCheck("quick", (target, _, _) => Task.FromResult(new UserCheckAnswer(true, target.Database))));

        Assert.False(test.Passed);
        Assert.All(test.Checks.Skip(1).Take(3), check => Assert.Equal("did not end within 0.5 s (-CheckTimeout)", check.Detail));
        Assert.All(test.Checks.Skip(1).Take(3), check => Assert.InRange(check.Duration.TotalSeconds, 0.4, 55));
        Assert.Equal("check: quick: Passed: postgres", test.Checks[^1].ToString());
    }

    [PostgresFact]
    public async Task What_a_check_throws_fails_it_and_a_password_in_its_words_is_masked()
    {
        var password = _server.Target.GetEnvironment()["PGPASSWORD"];

        var check =
            await RunAsync(new DelegateCheck("leaky", (target, _, _) => throw new InvalidOperationException(target.GetConnectionUri())));

        Assert.Equal(PgCheckStatus.Failed, check.Status);
        Assert.DoesNotContain(password, check.Detail, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("204 No Content", true, "204 No Content")]
    [InlineData("302 Found\r\nLocation: /login?next=x", false, "the answer is 302 Found, to /login; 200 to 299 was expected")]
    [InlineData("503 Service Unavailable", false, "the answer is 503 Service Unavailable; 200 to 299 was expected")]
    public async Task A_probe_passes_with_a_status_of_200_to_299(string status, bool passed, string detail)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var asked = AnswerAsync(listener, status);

        var check = await RunAsync(new HttpCheck($"http://{listener.LocalEndpoint}/health/{{database}}?user={{user}}&key=secret"));

        Assert.Equal(passed ? PgCheckStatus.Passed : PgCheckStatus.Failed, check.Status);
        Assert.Equal(detail, check.Detail);
        Assert.Equal($"GET /health/postgres?user={_server.Target.Username}&key=secret HTTP/1.1", await asked);
        Assert.DoesNotContain("secret", check.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://x/", "not an http or https URL")]
    [InlineData("http://", "not an http or https URL")]
    [InlineData("https://me:secret@x/", "a user and password")]
    [InlineData("https://x/{password}", "{password} is unknown")]
    public void A_url_that_makes_no_sense_is_refused(string url, string why)
    {
        var error = Assert.Throws<PgOpsException>(() => new HttpCheck(url));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Contains(why, error.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    private static async Task<string> AnswerAsync(TcpListener listener, string status)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        var first = await reader.ReadLineAsync();
        while (!string.IsNullOrEmpty(await reader.ReadLineAsync()))
        {
            // The headers are not looked at.
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        return first!;
    }

    private async Task<PgCheck> RunAsync(UserCheck check) => (await TestAsync(TimeSpan.FromSeconds(20), check)).Checks[^1];

    private Task<PgDatabaseTest> TestAsync(TimeSpan timeout, params UserCheck[] checks) => new TestDatabase().RunAsync(
        new() { Target = _server.Target, Only = [PgFindingKind.Wraparound], Checks = checks, CheckTimeout = timeout },
        new CollectingSink(), CancellationToken.None);
}
