using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Folders and files with names and of kinds that a careless program stumbles over.</summary>
[Collection(MigrationTests.Name)]
public sealed class OddNameTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public OddNameTests(SandboxServer server)
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

    [PostgresTheory]
    [InlineData("1_add the index of a b.sql", "add the index of a b")]
    [InlineData("1_größe_ändern.sql", "größe_ändern")]
    [InlineData("1_顧客テーブル.sql", "顧客テーブル")]
    [InlineData("1_crab_🦀.sql", "crab_🦀")]
    [InlineData("1_it's_$100_[x]_%s_{0}.sql", "it's_$100_[x]_%s_{0}")]
    public async Task A_name_of_any_characters_is_run_and_recorded_as_it_is(string file, string name)
    {
        _workspace.Write(file, "CREATE TABLE a (b int);");

        Assert.Equal(name, Assert.Single((await _workspace.RunAsync()).Applied).Name);

        Assert.Equal(name, await _workspace.ScalarAsync<string>("SELECT name FROM pgops.migration_history"));
        Assert.Equal(PgMigrationState.Applied, Assert.Single(await _workspace.StatusAsync()).State);
    }

    [PostgresFact]
    public async Task A_folder_with_spaces_and_other_scripts_serves()
    {
        var folder = Path.Combine(_workspace.Folder, "my migrations – данные '2' [a]");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "1_a.sql"), "CREATE TABLE a (b int);\nSELECT nothing;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { Path = folder });
        Assert.Equal(Path.Combine(folder, "1_a.sql"), error.Statement!.File);

        await File.WriteAllTextAsync(Path.Combine(folder, "1_a.sql"), "CREATE TABLE a (b int);");
        Assert.Single((await _workspace.RunAsync(request => request with { Path = folder })).Applied);
    }

    [PostgresFact]
    public async Task Links_to_a_folder_and_to_files_are_followed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var elsewhere = new MigrationWorkspace(_workspace.Target);
        var script = elsewhere.Write("shared script.sql", "CREATE TABLE a (b int);");
        var prisma = Path.GetDirectoryName(elsewhere.Write("prisma/2_b/migration.sql", "CREATE TABLE b (c int);"))!;
        _workspace.Write("files/2_b.sql", "CREATE TABLE b (c int);");
        File.CreateSymbolicLink(Path.Combine(_workspace.Folder, "files", "1_a.sql"), script);
        var files = Path.Combine(elsewhere.Folder, "a link");
        Directory.CreateSymbolicLink(files, Path.Combine(_workspace.Folder, "files"));

        Assert.Equal(
            ["1_a", "2_b"], (await _workspace.RunAsync(request => request with { Path = files })).Applied.Select(m => m.ToString()));

        // The link's own text does not count: the file behind it does.
        await File.WriteAllTextAsync(script, "CREATE TABLE a (b bigint);");
        await _workspace.FailAsync(PgErrorCode.MigrationChanged, request => request with { Path = files });

        var folders = Directory.CreateDirectory(Path.Combine(_workspace.Folder, "folders")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(folders, "2_b"), prisma);
        Assert.Equal("2_b", Assert.Single(MigrationFolder.Read(folders).Files).ToString());
    }

    [PostgresFact]
    public async Task A_link_that_leads_nowhere_is_told_by_name_before_anything_runs()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        _workspace.Write("1_a.sql", "CREATE TABLE a (b int);");
        File.CreateSymbolicLink(Path.Combine(_workspace.Folder, "2_gone.sql"), Path.Combine(_workspace.Folder, "nowhere"));

        var error = await _workspace.FailAsync();

        Assert.Contains("2_gone.sql", error.Problem, StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('a')::text"));
    }
}
