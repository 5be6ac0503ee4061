using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// A migrator beside another tool that is killed at random moments and run again: at every moment the two histories name the same
/// migrations, and in the end each has run once. PGOPS_FAULT_ROUNDS says how many moments there are (2 when it is not set).
/// </summary>
[Collection(AdoptionTests.Name)]
[Trait("Category", "Slow")]
public sealed class DisturbedBesideTests
{
    private const int First = 3;
    private const int Last = 9;

    private readonly SandboxServer _server;

    public DisturbedBesideTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresTheory]
    [InlineData(PgMigrationTool.Prisma, false)]
    [InlineData(PgMigrationTool.Prisma, true)]
    [InlineData(PgMigrationTool.Dbmate, false)]
    public async Task Both_histories_name_the_same_migrations_at_every_moment(PgMigrationTool tool, bool byStatement)
    {
        for (var round = 0; round < DisturbedMigrationTests.Rounds; round++)
        {
            using var workspace = await MigrationWorkspace.CreateAsync(_server);
            await PrepareAsync(workspace, tool, byStatement);
            using var migrator = await MigratorProcess.StartAsync(workspace, workspace.Target);

            migrator.Go();
            await Task.Delay(Random.Shared.Next(200, 900));
            await migrator.KillAsync();

            for (var look = 0; look < 5; look++)
            {
                Assert.Equal("same", await workspace.ScalarAsync<string>(Same(tool)));
                await Task.Delay(20);
            }

            await workspace.RunAsync();
            Assert.Equal("same", await workspace.ScalarAsync<string>(Same(tool)));
            Assert.Equal(1 << (Last - First + 1), await workspace.ScalarAsync<int>("SELECT v FROM n"));
            Assert.Empty((await workspace.RunAsync()).Applied);
        }
    }

    private static async Task PrepareAsync(MigrationWorkspace workspace, PgMigrationTool tool, bool byStatement)
    {
        foreach (var (name, text) in ForeignHistories.Files(tool).Where(file => !file.Name.Contains("_c", StringComparison.Ordinal)))
        {
            workspace.Write(name, text);
        }

        await workspace.ExecuteAsync("CREATE TABLE n (v int); INSERT INTO n VALUES (1);" + ForeignHistories.Script(tool));
        await new ImportHistory().RunAsync(
            new ImportRequest { Migrations = workspace.Request, Beside = true }, workspace.Sink, CancellationToken.None);
        for (var version = First; version <= Last; version++)
        {
            var text = $"{ForeignEntries.Double}SELECT pg_sleep(0.02);\n"
                + (byStatement ? $"CREATE INDEX CONCURRENTLY n{version} ON n (v);\n" : "");
            workspace.Write(
                tool == PgMigrationTool.Prisma ? $"202401{version:00}000000_x/migration.sql" : $"{version}_x.sql",
                tool == PgMigrationTool.Prisma ? text : ForeignHistories.Dbmate(text, "x"));
        }
    }

    /// <summary>Asked in one statement, and so of one moment.</summary>
    private static string Same(PgMigrationTool tool) =>
        $"""
        SELECT CASE WHEN ours.list = theirs.list THEN 'same' ELSE pg_catalog.format('ours %s, theirs %s', ours.list, theirs.list) END
        FROM (
            SELECT string_agg(version, ' ' ORDER BY version COLLATE "C") AS list
            FROM (SELECT DISTINCT ON (version) version, state FROM pgops.migration_history
                WHERE kind = 'versioned' ORDER BY version, id DESC) h
            WHERE state IN ('applied', 'baselined')
        ) ours, (
            SELECT string_agg(v, ' ' ORDER BY v COLLATE "C") AS list
            FROM ({(tool == PgMigrationTool.Prisma
                ? "SELECT split_part(migration_name, '_', 1) AS v FROM _prisma_migrations "
                    + "WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL"
                : "SELECT version AS v FROM schema_migrations")}) t
        ) theirs
        """;
}
