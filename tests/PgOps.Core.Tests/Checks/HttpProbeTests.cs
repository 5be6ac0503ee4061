using System.Collections;
using System.Net;
using PgOps.Core.Checks.User;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Checks;

/// <summary>Probes with a method, headers, a body and an expected answer, against a web service in this process.</summary>
public sealed class HttpProbeTests : IDisposable
{
    private const string Password = "correct \"horse\" battery";
    private const string Token = "eyJhbGciOi.tok en/1";
    private const string SignedIn =
        $$"""
        { "data": { "access_token": "{{Token}}" }, "user": { "role": "admin", "id": 7, "on": true, "note": null,
        "roles": [{ "name": "x.y" }] }, "a.b": "dotted", "empty": "" }
        """;

    private static readonly PgTarget Target = new() { Host = "db", Port = 5433, Database = "shop copy", Username = "probe" };

    private readonly WebService _service = new(asked => asked.Line switch
    {
        "POST /login" when asked.Body.Contains("horse", StringComparison.Ordinal) => new(200, SignedIn, Cookie: "session=abc123; Path=/"),
        "POST /login" => new(401, $$"""{ "token": "{{Token}}" }"""),
        "POST /form" => new(201, "{}"),
        "GET /text" => new(200, "<html>", "text/html"),
        _ => asked.Headers.GetValueOrDefault("Authorization") == $"Bearer {Token}"
            ? new(200, """{ "me": "ann", "db": "shop copy" }""")
            : new(403, "{}"),
    });

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task A_later_request_uses_what_an_earlier_one_was_answered()
    {
        var login = new Hashtable
        {
            ["uri"] = $"{_service.Url}/login",
            ["Method"] = "post",
            ["Body"] = new Hashtable
            {
                ["user"] = "ann",
                ["password"] = new NetworkCredential("", Password).SecurePassword,
                ["of"] = "{database}",
            },
            ["ExpectStatus"] = 200,
            ["ExpectJson"] = new Hashtable
            {
                ["data"] = new Hashtable { ["access_token"] = "*" },
                ["user.role"] = "adm*",
                ["user.id"] = 7,
                ["user"] = new Hashtable { ["on"] = true, ["note"] = null },
                ["user.roles.0.name"] = "x.?",
                ["a.b"] = "dotted",
            },
            ["Save"] = new Hashtable { ["token"] = "data.access_token", ["id"] = "user.id" },
        };
        var me = new Hashtable
        {
            ["Uri"] = $"{_service.Url}/users/{{id}}?db={{database}}&t={{token}}",
            ["Headers"] = new Hashtable { ["Authorization"] = "Bearer {token}", ["X-Trace"] = "{{id}}" },
            ["ExpectJson"] = new Hashtable { ["me"] = "a??", ["db"] = "{database}" },
        };

        var answer = await RunAsync(login, me);

        Assert.Equal("200 OK; 200 OK", answer.Detail);
        Assert.True(answer.Passed);
        var asked = _service.Requests.ToArray();
        Assert.Equal("""{"password":"correct \"horse\" battery","user":"ann","of":"shop copy"}""".Length, asked[0].Body.Length);
        Assert.Contains("""
            "password":"correct \"horse\" battery"
            """, asked[0].Body, StringComparison.Ordinal);
        Assert.Contains("\"of\":\"shop copy\"", asked[0].Body, StringComparison.Ordinal);
        Assert.Equal("application/json", asked[0].Headers["Content-Type"]);
        Assert.Equal("application/json", asked[0].Headers["Accept"]);
        Assert.Equal($"GET /users/7?db=shop%20copy&t={Uri.EscapeDataString(Token)}", asked[1].Line);
        Assert.Equal("{id}", asked[1].Headers["X-Trace"]);
        Assert.Equal("session=abc123", asked[1].Headers["Cookie"]);
    }

    [Theory]
    [InlineData("""{ "user": "{user}" }""", null, "application/json", """{ "user": "probe" }""")]
    [InlineData("name={database}&x=1", null, "application/x-www-form-urlencoded", "name=shop%20copy&x=1")]
    [InlineData("plain {port}", "text/plain; charset=utf-8", "text/plain; charset=utf-8", "plain 5433")]
    public async Task A_text_is_sent_as_it_is_with_its_placeholders_filled(string body, string? type, string sentAs, string sent)
    {
        var probe = Probe("/form", "POST");
        probe["Body"] = body;
        probe["ExpectStatus"] = new object[] { 200, "201" };
        if (type is not null)
        {
            probe["Headers"] = new Hashtable { ["content-type"] = type };
        }

        Assert.Equal("201 Created", (await RunAsync(probe)).Detail);
        var asked = Assert.Single(_service.Requests);
        Assert.Equal((sentAs, sent), (asked.Headers["Content-Type"], asked.Body));
    }

    [Fact]
    public async Task A_table_is_a_form_where_the_header_says_so()
    {
        var probe = Probe("/form", "POST");
        probe["Headers"] = new Hashtable { ["Content-Type"] = "application/x-www-form-urlencoded" };
        probe["Body"] = new Hashtable { ["pass word"] = new NetworkCredential("", "a&b=c").SecurePassword };
        Assert.True((await RunAsync(probe)).Passed);
        Assert.Equal("pass%20word=a%26b%3Dc", Assert.Single(_service.Requests).Body);
    }

    [Theory]
    [InlineData("user.role", "owner", "200 OK, and user.role is admin, and owner was expected")]
    [InlineData("user.role", "Admin", "200 OK, and user.role is admin, and Admin was expected")]
    [InlineData("user.id", 8, "200 OK, and user.id is 7, and 8 was expected")]
    [InlineData("user.on", false, "200 OK, and user.on is true, and false was expected")]
    [InlineData("user.note", "*", "200 OK, and user.note is null, and a value was expected")]
    [InlineData("user", "x*", "200 OK, and user is an object, and x* was expected")]
    [InlineData("user.id", null, "200 OK, and user.id is 7, and null was expected")]
    [InlineData("empty", "*", "200 OK, and empty is empty, and a value was expected")]
    [InlineData("user.roles.1.name", "*", "200 OK, and user.roles.1.name is missing")]
    [InlineData("data.access_token", "x*", "200 OK, and data.access_token is another value, and x* was expected")]
    public async Task A_member_that_is_not_as_expected_fails_and_is_named(string path, object? expected, string detail)
    {
        var probe = Login(Password);
        probe["ExpectJson"] = new Hashtable { [path] = expected };
        var answer = await RunAsync(probe);
        Assert.False(answer.Passed);
        Assert.Equal(detail, answer.Detail);
    }

    [Fact]
    public async Task What_fails_says_which_request_and_shows_no_secret()
    {
        var wrong = Login("wrong-password");
        var good = Login(Password);
        good["Save"] = new Hashtable { ["token"] = "data.access_token" };
        var unsaved = Login(Password);
        unsaved["Save"] = new Hashtable { ["token"] = "access_token" };
        var forbidden = Probe("/me/{token}", "GET");
        forbidden["Headers"] = new Hashtable { ["Authorization"] = "Basic {token}" };
        var html = Probe("/text", "GET");
        html["ExpectJson"] = new Hashtable { ["x"] = "*" };
        var echo = Login(Password);
        echo["ExpectJson"] = new Hashtable { ["data.access_token"] = "none" };
        echo["Save"] = new Hashtable { ["again"] = "data.access_token" };
        var broken = Probe("/me", "GET");
        broken["Headers"] = new Hashtable { ["Authorization"] = "{token}\n" };

        var answers = new[]
        {
            await RunAsync(wrong), await RunAsync(unsaved), await RunAsync(good, forbidden),
            await RunAsync(html), await RunAsync(good, echo),
            await RunAsync(good, broken),
        };

        Assert.Equal(
        [
            "the answer is 401 Unauthorized; 200 to 299 was expected",
            "200 OK, and access_token was to be saved as token, and is missing",
            $"request 2, {_service.Url}/me/{{token}}: the answer is 403 Forbidden; 200 to 299 was expected",
            "200 OK, and the answer is not JSON but text/html",
            $"request 2, POST {_service.Url}/login: 200 OK, and data.access_token is another value, and none was expected",
            $"request 2, {_service.Url}/me: the header Authorization would hold a control character",
        ], answers.Select(answer => answer.Detail));
        Assert.All(answers, answer => Assert.False(answer.Passed));
    }

    [Theory]
    [InlineData("Metod", "POST", "'Metod' is unknown; there are Uri, Method, Headers, Body, ExpectStatus, ExpectJson and Save")]
    [InlineData("Method", "FETCH", "Method is one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")]
    [InlineData("Body", "x", "a GET has no Body; say Method = 'POST'")]
    [InlineData("Headers", "x", "Headers is not a table")]
    [InlineData("ExpectStatus", "2xx", "ExpectStatus is a status such as 201, or several")]
    [InlineData("ExpectJson", "{}", "ExpectJson is not a table")]
    [InlineData("Save", "token", "Save is not a table")]
    public void A_probe_that_makes_no_sense_is_refused(string member, object value, string why)
    {
        var probe = Probe("/", "GET");
        probe[member] = value;
        var error = Assert.Throws<PgOpsException>(() => HttpProbe.Read(probe));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Equal($"A probe cannot be made: {why}.", error.Problem);
        Assert.Equal("Nothing was tested.", error.State);
    }

    [Fact]
    public void A_value_must_be_saved_before_it_is_used_and_once()
    {
        var later = Probe("/{token}", "GET");
        var error = Assert.Throws<PgOpsException>(() => HttpCheck.Of([HttpProbe.Read(later)], null));
        Assert.Contains("{token} is unknown; there are {host}, {port}, {database}, {user}, and what earlier requests of the same list save",
            error.Problem, StringComparison.Ordinal);
        later = Probe("/", "GET");
        later["Save"] = new Hashtable { ["host"] = "x" };
        Assert.Contains("{host} has a value already", Assert.Throws<PgOpsException>(
            () => HttpCheck.Of([HttpProbe.Read(later)], null)).Problem, StringComparison.Ordinal);
    }

    private Hashtable Probe(string path, string method) => new() { ["Uri"] = _service.Url + path, ["Method"] = method };

    private Hashtable Login(string password)
    {
        var probe = Probe("/login", "POST");
        probe["Body"] = new Hashtable { ["password"] = password };
        return probe;
    }

    /// <summary>Runs it as a test of a database does, and holds what it says against every secret.</summary>
    private static async Task<UserCheckAnswer> RunAsync(params Hashtable[] flow)
    {
        var check = HttpCheck.Of([.. flow.Select(HttpProbe.Read)], null);
        var answer = await check.RunAsync(Target, TimeSpan.FromSeconds(20), CancellationToken.None);
        Assert.All(
            [Token, "wrong-password", "horse"],
            secret => Assert.DoesNotContain(secret, check.Name + answer.Detail, StringComparison.Ordinal));
        return answer;
    }
}
