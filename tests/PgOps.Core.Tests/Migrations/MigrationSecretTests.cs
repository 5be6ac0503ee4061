using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Passwords in scripts and secret values of placeholders are run, and are shown and kept nowhere.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationSecretTests : IAsyncLifetime
{
    private const string Secret = "s3cret'of the shop";
    private readonly SandboxServer _server;
    private readonly string _role = $"secret_{Guid.NewGuid():N}"[..20];
    private MigrationWorkspace _workspace = null!;

    public MigrationSecretTests(SandboxServer server)
    {
        _server = server;
    }

    private static ScriptVariables Variables
        => new(new Dictionary<string, string> { ["pw"] = Secret.Replace("'", "''", StringComparison.Ordinal), ["plain"] = "x" },
            secrets: ["pw"]);

    public async Task InitializeAsync() => _workspace = await MigrationWorkspace.CreateAsync(_server);

    public async Task DisposeAsync()
    {
        await SandboxServer.ExecuteAsync(_server.Target, $"DROP ROLE IF EXISTS {_role}");
        _workspace.Dispose();
    }

    [PostgresTheory]
    [InlineData("")]
    [InlineData("-- pgops: no-transaction\n")]
    public async Task A_literal_password_works_and_is_in_no_plan_error_log_or_history(string head)
    {
        _workspace.Write("1_role.sql", $"{head}CREATE ROLE {_role} LOGIN PASSWORD 'l1teral-pw';\nSELECT 1 / 0;");
        var plan = await new PreviewMigrations().RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("1_role.sql", $"{head}CREATE ROLE {_role} LOGIN PASSWORD 'l1teral-pw';\nALTER ROLE {_role} PASSWORD "
            + "'l1teral-pw' NONSENSE;");
        var syntax = await _workspace.FailAsync(PgErrorCode.MigrationFailed);
        _workspace.Write("1_role.sql", $"{head}CREATE ROLE {_role} LOGIN PASSWORD 'l1teral-pw';\nSELECT 1;");
        await _workspace.RunAsync();

        string[] said = [
            .. plan.Select(planned => planned.ToString()), .. plan.Select(planned
                => planned.Description), error.ToString(), error.Statement!.Sql, syntax.ToString(), syntax.Statement!.Sql,
            .. _workspace.Sink.Lines.Select(line => line.Text)];
        Assert.All(said, text => Assert.DoesNotContain("l1teral-pw", text, StringComparison.Ordinal));
        Assert.Contains("PASSWORD '********'", plan[0].Description, StringComparison.Ordinal);
        Assert.Equal(0L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pgops.migration_history h WHERE h::text LIKE '%l1teral-pw%'"));
        Assert.StartsWith("SCRAM-SHA-256", await _workspace.ScalarAsync<string>(
            $"SELECT rolpassword FROM pg_authid WHERE rolname = '{_role}'"), StringComparison.Ordinal);

        // The record is that of the file: nothing is changed, and nothing differs.
        var status = Assert.Single(await _workspace.StatusAsync(withScripts: true));
        Assert.Equal((PgMigrationState.Applied, (string?)null), (status.State, status.Difference));
        Assert.Empty((await _workspace.RunAsync()).Applied);
    }

    [PostgresFact]
    public async Task A_secret_placeholder_is_run_and_shown_by_its_name()
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a AS SELECT '${pw}'::text AS pw, '${plain}'::text AS plain;");
        _workspace.Write("2_b.sql", "DO $$ BEGIN RAISE NOTICE 'it is %', (SELECT pw FROM a); END $$; SELECT '${pw}'::int, '${plain}';");

        var plan = await new PreviewMigrations().RunAsync(
            _workspace.Request with { Variables = Variables }, _workspace.Sink, CancellationToken.None);
        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { Variables = Variables });

        Assert.Null(((Npgsql.PostgresException)error.InnerException!).BatchCommand);
        Assert.Contains(_workspace.Sink.Lines, line => line.Text.Contains("it is ${pw}", StringComparison.Ordinal));
        Assert.DoesNotContain(_workspace.Sink.Lines, line => line.Text.Contains("s3cret", StringComparison.Ordinal));
        Assert.Equal(Secret, await _workspace.ScalarAsync<string>("SELECT pw FROM a"));
        Assert.Contains("'${pw}'::text AS pw, 'x'", plan[0].Description, StringComparison.Ordinal);
        string[] said = [.. plan.Select(planned => planned.Description), error.ToString(), error.Statement!.Sql, error.Statement.Message];
        Assert.All(said, text => Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal));
        Assert.Equal("SELECT '${pw}'::int, 'x'", error.Statement.Sql);
        Assert.Equal(0L, await _workspace.ScalarAsync<long>(
            "SELECT count(*) FROM pgops.migration_history h WHERE h::text LIKE '%s3cret%'"));
    }

    [PostgresFact]
    public async Task A_placeholder_without_any_variable_is_refused_unless_there_are_none()
    {
        _workspace.Write("1_a.sql", "-- ${comment}\nCREATE TABLE a AS SELECT '${env}'::text AS e, $$${body}$$::text AS b;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);
        Assert.Contains("${env} has no value", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-NoVariables", error.Problem, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));

        await _workspace.RunAsync(request => request with { Variables = ScriptVariables.AsWritten });
        Assert.Equal("${env}", await _workspace.ScalarAsync<string>("SELECT e FROM a"));
    }
}
