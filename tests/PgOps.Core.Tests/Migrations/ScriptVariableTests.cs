using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Placeholders: where they are replaced, and that places in errors stay those of the file.</summary>
[Collection(MigrationTests.Name)]
public sealed class ScriptVariableTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public ScriptVariableTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task Placeholders_are_replaced_in_identifiers_and_literals_but_not_in_dollar_quotes_comments_and_copy_data()
    {
        _workspace.Write("1_a.sql", """
            -- ${unknown} in a comment
            CREATE TABLE ${table} (b text);
            INSERT INTO ${table} VALUES ('${table}!'), ($$${table}$$);
            COPY ${table} FROM stdin;
            ${table}
            \.
            """);

        await _workspace.RunAsync(request => request with { Variables = Variables(("table", "thing")) });

        Assert.Equal(
            "${table} ${table} thing!",
            await _workspace.ScalarAsync<string>("SELECT string_agg(b, ' ' ORDER BY b COLLATE \"C\") FROM thing"));
    }

    [PostgresFact]
    public async Task Dollar_quotes_are_opened_on_request()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a AS SELECT $$${x}$$ AS b;");

        await _workspace.RunAsync(
            request => request with { Variables = new ScriptVariables(new Dictionary<string, string> { ["x"] = "y" }, true) });

        Assert.Equal("y", await _workspace.ScalarAsync<string>("SELECT b FROM a"));
    }

    [PostgresFact]
    public async Task Where_there_are_no_placeholders_nothing_is_replaced()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a AS SELECT '${x}' AS b;");

        await _workspace.RunAsync(request => request with { Variables = ScriptVariables.AsWritten });

        Assert.Equal("${x}", await _workspace.ScalarAsync<string>("SELECT b FROM a"));
    }

    [PostgresFact]
    public async Task A_placeholder_without_value_is_an_error_at_its_line_and_nothing_runs()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE ${a} ();\nCREATE TABLE ${b} ();");

        var error =
            await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid, request => request with { Variables = Variables(("a", "x")) });

        Assert.Equal((2, 14), (error.Statement!.Line, error.Statement.Column));
        Assert.Contains("${b} has no value", error.Problem, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('x')::text"));
    }

    [PostgresFact]
    public async Task An_error_behind_a_replaced_placeholder_is_shown_where_the_file_has_it()
    {
        _workspace.Write("1_a.sql", "SELECT '${v}';\nSELECT '${v}', wrong;");

        var error = await _workspace.FailAsync(
            PgErrorCode.MigrationFailed, request => request with { Variables = Variables(("v", "a\nlong\nvalue")) });

        Assert.Equal((2, 16), (error.Statement!.Line, error.Statement.Column));
        Assert.Contains("  2 | SELECT '${v}', wrong;", error.Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_new_value_changes_no_version_and_makes_a_repeatable_due()
    {
        _workspace.Write("V1__a.sql", "CREATE TABLE a AS SELECT '${x}' AS b;");
        _workspace.Write("R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT text '${x}' AS b;");

        await _workspace.RunAsync(request => request with { Variables = Variables(("x", "1")) });
        var same = await _workspace.RunAsync(request => request with { Variables = Variables(("x", "1")) });
        var other = await _workspace.RunAsync(request => request with { Variables = Variables(("x", "2")) });

        Assert.Empty(same.Applied);
        Assert.Equal("R__v", Assert.Single(other.Applied).ToString());
        Assert.Equal("12", await _workspace.ScalarAsync<string>("SELECT a.b || v.b FROM a, v"));
    }

    private static ScriptVariables Variables(params (string Name, string Value)[] values)
        => new(values.ToDictionary(value => value.Name, value => value.Value, StringComparer.Ordinal));

    [Theory]
    [InlineData("a", "relation \"a\" is already there", "relation \"${pw}\" is already there")]
    [InlineData("w", "the ${pw} of w", "the ${pw} of ${pw}")]
    [InlineData("s3cret", "as3cretb", "a${pw}b")]
    [InlineData("it's", "'it''s' is it's", "'${pw}' is ${pw}")]
    public void A_secret_hides_itself_and_nothing_else(string value, string text, string shown)
    {
        var variables = new ScriptVariables(new Dictionary<string, string> { ["pw"] = value }, secrets: ["pw"]);

        Assert.Equal(shown, variables.Hide(text));
        Assert.Equal(shown, variables.Hide(variables.Hide(text)));
    }
}
