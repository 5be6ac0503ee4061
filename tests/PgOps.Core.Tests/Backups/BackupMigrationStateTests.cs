using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>Where a backup's manifest says that the database stands in its migrations, whatever the history's schema.</summary>
[Collection(PostgresTests.Name)]
public sealed class BackupMigrationStateTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public BackupMigrationStateTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("pgops")]
    [InlineData("Own \"app\"")]
    public async Task The_newest_version_is_neither_undone_nor_repeatable_and_its_schema_does_not_matter(string schema)
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("V1__one.sql", "CREATE TABLE one (a int);");
        workspace.Write("V2__two.sql", "CREATE TABLE two (a int);");
        workspace.Write("U2__two.sql", "DROP TABLE two;");
        workspace.Write("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS a;");
        await workspace.RunAsync(request => request with { HistorySchema = schema });
        await new UndoMigrations().RunAsync(
            workspace.Request with { HistorySchema = schema }, workspace.Sink, CancellationToken.None);

        var backup = await BackUpAsync(workspace.Target);

        var mark = backup.Manifest!.Migration!;
        Assert.Equal((schema, "1", "one", 4), (mark.HistorySchema, mark.Version, mark.Name, mark.HistoryRows));
        Assert.Equal(PgCheckStatus.Passed, (await MigrationStateAsync(backup, workspace.Target)).Status);
        await workspace.RunAsync(request => request with { HistorySchema = schema });
        var moved = await MigrationStateAsync(backup, workspace.Target);
        Assert.Equal(PgCheckStatus.Failed, moved.Status);
        Assert.Contains("version 2 two", moved.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task The_histories_of_several_schemas_make_one_mark_that_changes_with_each()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_one.sql", "CREATE TABLE one (a int);");
        await MigrateAsync("north");
        await MigrateAsync("south");

        var backup = await BackUpAsync(workspace.Target);

        var mark = backup.Manifest!.Migration!;
        Assert.Equal(("*", "1", 2), (mark.HistorySchema, mark.Version, mark.HistoryRows));
        Assert.Equal(PgCheckStatus.Passed, (await MigrationStateAsync(backup, workspace.Target)).Status);
        workspace.Write("2_two.sql", "CREATE TABLE two (a int);");
        await MigrateAsync("south");
        Assert.Equal(PgCheckStatus.Failed, (await MigrationStateAsync(backup, workspace.Target)).Status);

        Task MigrateAsync(string tenant) => workspace.RunAsync(
            request => request.ForSchema(workspace.Target with { Schema = tenant }));
    }

    private async Task<PgBackup> BackUpAsync(PgTarget source) => await new BackupDatabase().RunAsync(
        new BackupDatabaseRequest { Target = source, Path = _folder.Path }, _sink, CancellationToken.None);

    private async Task<PgCheck> MigrationStateAsync(PgBackup backup, PgTarget database)
    {
        var comparison = await new CompareDatabase().RunAsync(
            new CompareDatabaseRequest { ReferenceBackup = backup, Difference = database }, _sink, CancellationToken.None);
        return comparison.Checks.Single(check => check.Name == "migration-state");
    }
}
