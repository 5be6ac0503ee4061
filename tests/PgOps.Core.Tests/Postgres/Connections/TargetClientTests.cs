using System.Globalization;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>What a target hands to libpq's own programs, and what Npgsql makes of it, on a real server.</summary>
[Collection(MigrationTests.Name)]
public sealed class TargetClientTests
{
    private const string Odd = "o'd d/n@m:e?%#\"\\ü";

    private readonly SandboxServer _server;

    public TargetClientTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task Its_URI_and_its_environment_lead_psql_to_the_same_place_with_odd_names_and_password()
    {
        var target = await OddTargetAsync();
        var uri = target.GetConnectionUri();

        Assert.Equal($"{Odd}|{Odd}", await PsqlAsync(new() { ["PGDATABASE"] = null }, null, uri));
        Assert.Equal($"{Odd}|{Odd}", await PsqlAsync([], target));
        var again = TargetParser.Parse(uri);
        Assert.Equal(
            (target.Host, target.Port, Odd, Odd, Odd), (again.Host, again.Port, again.Database, again.Username, again.Password?.Reveal()));
        Assert.True((await new TestTarget().RunAsync(again, new CollectingSink(), CancellationToken.None)).Passed);
    }

    [PostgresFact]
    public async Task Several_hosts_are_tried_in_turn_by_psql_and_by_PgOps()
    {
        var target = _server.Target with { Host = $"/nowhere,{_server.Target.Host}", TargetSessionAttributes = "read-write" };

        Assert.Equal("postgres|postgres", await PsqlAsync(new() { ["PGDATABASE"] = null }, null, target.GetConnectionUri()));
        Assert.Equal("postgres|postgres", await PsqlAsync([], target));
        Assert.True((await new TestTarget().RunAsync(target, new CollectingSink(), CancellationToken.None)).Passed);
    }

    [PostgresTheory]
    [InlineData("any")]
    [InlineData("read-write")]
    [InlineData("primary")]
    public async Task The_kind_of_session_asked_for_is_no_obstacle_with_one_host(string attributes)
    {
        var target = _server.Target with { TargetSessionAttributes = attributes };

        var test = await new TestTarget().RunAsync(target, new CollectingSink(), CancellationToken.None);

        Assert.True(test.Passed, string.Join('\n', test.Checks));
    }

    [PostgresFact]
    public async Task A_password_file_and_server_options_are_used()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "pass");
        await File.WriteAllTextAsync(file, $"*:*:*:*:{_server.Target.Password!.Reveal()}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        var target = TargetParser.FromKeywords(new Dictionary<string, string?>
        {
            ["host"] = _server.Target.Host,
            ["port"] = _server.Target.Port.ToString(CultureInfo.InvariantCulture),
            ["user"] = "postgres",
            ["passfile"] = file,
            ["options"] = "-c search_path=from_options",
        });

        await using var connection = await ServerConnection.OpenAsync(target, null, CancellationToken.None);

        Assert.Equal("from_options", await connection.ScalarAsync<string>("SHOW search_path", CancellationToken.None));
    }

    private async Task<PgTarget> OddTargetAsync()
    {
        var quoted = Odd.Replace("\"", "\"\"", StringComparison.Ordinal);
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE ROLE \"{quoted}\" SUPERUSER LOGIN PASSWORD '{Odd.Replace("'", "''", StringComparison.Ordinal)}'");
        return ((await _server.CreateDatabaseAsync(Odd)) with { Username = Odd }).WithPassword(new PgSecret(Odd));
    }

    private static async Task<string> PsqlAsync(Dictionary<string, string?> environment, PgTarget? target, params string[] arguments)
    {
        var said = "";
        var result = await ToolProcess.RunAsync(
            new ToolCommand(
                PostgresBinaries.Client("psql").Path, ["-X", "-At", "-c", "SELECT current_user || '|' || current_database()", .. arguments])
            {
                Target = target,
                Environment = environment,
                OnOutput = line => said = line,
            },
            CancellationToken.None);
        result.EnsureSuccess();
        return said;
    }
}
