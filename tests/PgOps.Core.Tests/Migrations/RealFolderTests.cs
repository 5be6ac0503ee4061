using PgOps.Core.Migrations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// Whole folders of real projects, which are not part of this repository and in no package registry: applied by PgOps to one database,
/// file by file by psql to another, and the two schemas compared. PGOPS_PRISMA_FOLDER and PGOPS_UPDOWN_FOLDER (pairs of golang-migrate
/// and sqlx, or Diesel's folders) name them, several separated as in PATH; without one, Prisma writes a folder itself. What a project
/// expects of its server before the first migration is done by a <c>before.sql</c> next to the folder, if there is one.
/// </summary>
[Collection(AdoptionTests.Name)]
public sealed class RealFolderTests
{
    private const string Prisma = "PGOPS_PRISMA_FOLDER";
    private const string UpDown = "PGOPS_UPDOWN_FOLDER";

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;

    public RealFolderTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    [RealFolderFact(Prisma)]
    public async Task A_Prisma_folder_gives_the_schema_that_psql_gives()
    {
        if (Environment.GetEnvironmentVariable(Prisma) is { Length: > 0 })
        {
            await CompareAllAsync(Prisma);
            return;
        }

        using var project = await PrismaProject.CreateAsync(_server.Target);
        await CompareAsync(project.Migrations);
    }

    [RealFolderFact(UpDown)]
    public Task A_folder_of_up_and_down_scripts_gives_the_schema_that_psql_gives() => CompareAllAsync(UpDown);

    private async Task CompareAllAsync(string variable)
    {
        foreach (var folder in Environment.GetEnvironmentVariable(variable)!.Split(
            Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            await CompareAsync(folder);
        }
    }

    private async Task CompareAsync(string folder)
    {
        var ours = await _server.CreateDatabaseAsync();
        var theirs = await _server.CreateDatabaseAsync();
        var before = Path.Combine(folder, "..", "before.sql");
        if (File.Exists(before))
        {
            await PsqlAsync(ours, before);
            await PsqlAsync(theirs, before);
        }

        var files = MigrationFolder.Read(folder).Files;
        foreach (var file in files)
        {
            await PsqlAsync(theirs, file.Path);
        }

        var run = await new InvokeMigrations().RunAsync(
            new MigrationRequest { Target = ours, Path = folder, AllowNotEmpty = true }, new CollectingSink(), CancellationToken.None);

        Assert.Equal(files.Count, run.Applied.Count);
        var expected = await SchemaDump.OfAsync(theirs, HistoryTable.DefaultSchema);
        Assert.NotEqual("", expected);
        Assert.Equal(expected, await SchemaDump.OfAsync(ours, HistoryTable.DefaultSchema));
        _output.WriteLine($"{folder}: {files.Count} migrations, {run.Statements} statements, {expected.Split('\n').Length} lines of "
            + $"schema, {run.Duration.TotalSeconds:0.0} s");
    }

    /// <summary>As the tools run a file: in one transaction where it can be.</summary>
    private static async Task PsqlAsync(PgTarget target, string path)
    {
        var whole = !(await File.ReadAllTextAsync(path)).Contains("CONCURRENTLY", StringComparison.OrdinalIgnoreCase);
        var result = await ToolProcess.RunAsync(
            new ToolCommand(
                PostgresBinaries.Client("psql").Path,
                ["-X", "-q", "-v", "ON_ERROR_STOP=1", .. whole ? ["--single-transaction"] : Array.Empty<string>(), "-f", path])
            {
                Target = target,
            },
            CancellationToken.None);
        result.EnsureSuccess();
    }

    /// <summary>A test that is skipped, saying so, where its folder is not named or nothing can be compared.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class RealFolderFactAttribute(string variable) : PeerFactAttribute(
        PostgresAvailability.Missing ?? SchemaDump.WhyNot() ?? (variable == Prisma && !IsNamed(variable) ? PrismaProject.Missing : null),
        variable != Prisma && !IsNamed(variable) ? $"{variable} names no folder of a real project, and no package registry has one" : null)
    {
        private static bool IsNamed(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));
    }
}
