using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A test that runs another migration tool: its name behind PGOPS_ is the variable that names another program of it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealToolFactAttribute(string tool) : PeerFactAttribute(
    PostgresAvailability.Missing ?? (tool == "PRISMA" ? PrismaProject.Missing : Peer.Missing(tool, RealTool.Program(tool))));

/// <summary>Histories that the tools themselves have written.</summary>
[Collection(AdoptionTests.Name)]
public sealed class RealToolImportTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public RealToolImportTests(SandboxServer server)
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

    [RealToolFact("DBMATE")]
    public async Task Dbmate()
    {
        // Both tools run them in this order, by their names.
        _workspace.Write("10_a.sql", ForeignHistories.Dbmate(ForeignHistories.First, "a"));
        _workspace.Write("1_b.sql", ForeignHistories.Dbmate($"TABLE a;\n{ForeignHistories.Second}", "b"));
        await ToolAsync(
            "DBMATE",
            _workspace.Folder,
            "--url",
            RealTool.DbmateUrl(Target),
            "--migrations-dir",
            _workspace.Folder,
            "--no-dump-schema",
            "migrate");
        _workspace.Write("3_c.sql", ForeignHistories.Dbmate(ForeignHistories.Third, "c"));

        await ImportsTwoAndRunsOneAsync(PgMigrationTool.Dbmate);
    }

    [RealToolFact("NODE_PG_MIGRATE")]
    public async Task Node_pg_migrate()
    {
        _workspace.Write("1700000000001_a.sql", ForeignHistories.First);
        _workspace.Write(
            "1700000000002_b.sql", $"-- Up Migration\n{ForeignHistories.Second}\n-- Down Migration\nDROP TABLE b;\n");
        await ToolAsync("NODE_PG_MIGRATE", _workspace.Folder, "up", "-m", _workspace.Folder);
        _workspace.Write("1700000000003_c.sql", ForeignHistories.Third);

        await ImportsTwoAndRunsOneAsync(PgMigrationTool.NodePgMigrate);
    }

    [RealToolFact("SQITCH")]
    public async Task Sqitch()
    {
        var project = Directory.CreateTempSubdirectory("pgops-sqitch-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(project, "deploy"));
            await File.WriteAllTextAsync(
                Path.Combine(project, "sqitch.conf"), "[core]\n\tengine = pg\n[user]\n\tname = a\n\temail = a@example.org\n");
            await File.WriteAllTextAsync(
                Path.Combine(project, "sqitch.plan"),
                "%syntax-version=1.0.0\n%project=p\n\n"
                    + "a 2024-01-01T00:00:00Z a <a@example.org>\nb 2024-01-02T00:00:00Z a <a@example.org>\n");
            await File.WriteAllTextAsync(Path.Combine(project, "deploy", "a.sql"), ForeignHistories.First);
            await File.WriteAllTextAsync(Path.Combine(project, "deploy", "b.sql"), ForeignHistories.Second);
            await ToolAsync("SQITCH", project, "deploy", $"db:pg:{Target.Database}");
        }
        finally
        {
            Directory.Delete(project, recursive: true);
        }

        _workspace.Write("1_a.sql", ForeignHistories.First);
        _workspace.Write("2_b.sql", ForeignHistories.Second);
        _workspace.Write("3_c.sql", ForeignHistories.Third);
        await ImportsTwoAndRunsOneAsync(PgMigrationTool.Sqitch);
    }

    [RealToolFact("PRISMA")]
    public async Task Prisma()
    {
        using var project = await PrismaProject.CreateAsync(_server.Target);
        var third = Directory.GetDirectories(project.Migrations).Order(StringComparer.Ordinal).Last();
        var aside = Path.Combine(project.Folder, "aside");
        Directory.Move(third, aside);
        await project.DeployAsync(Target);
        Directory.Move(aside, third);

        await ImportsTwoAndRunsOneAsync(PgMigrationTool.Prisma, project.Migrations);
    }

    private PgTarget Target => _workspace.Target;

    private async Task ImportsTwoAndRunsOneAsync(PgMigrationTool tool, string? folder = null)
    {
        var migrations = _workspace.Request with { Path = folder ?? _workspace.Folder };
        var request = new ImportRequest { Migrations = migrations };
        var run = await new ImportHistory().RunAsync(request, _workspace.Sink, CancellationToken.None);

        Assert.Equal((2, 1), (run.Baselined.Count, run.StillPending));
        Assert.All(run.Baselined, migration => Assert.StartsWith(
            $"imported from {ForeignTableSearch.Tools.Single(known => known.Tool == tool).Title} (", migration.Remark,
            StringComparison.Ordinal));
        Assert.Single((await new InvokeMigrations().RunAsync(
            migrations with { AllowNotEmpty = true }, _workspace.Sink, CancellationToken.None)).Applied);
    }

    private Task<string> ToolAsync(string tool, string folder, params string[] arguments)
        => RealTool.RunAsync(tool, Target, folder, arguments);
}
