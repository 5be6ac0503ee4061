using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>Extensions that need more than CREATE EXTENSION: docs/extensions.md says what, and these try it.</summary>
[Collection(RestoreTests.Name)]
public sealed class ExtensionRestoreTests : IDisposable
{
    private const string Jobs = """
        CREATE EXTENSION pg_cron;
        CREATE TABLE ran (at timestamptz DEFAULT now());
        SELECT cron.schedule('yearly', '0 0 1 1 *', 'INSERT INTO ran DEFAULT VALUES');
        SELECT cron.schedule('often', '* * * * *', 'INSERT INTO ran DEFAULT VALUES');
        UPDATE cron.job SET active = false WHERE jobname = 'often';
        """;

    private static readonly Dictionary<string, string> LoadsCron = new() { ["shared_preload_libraries"] = "pg_cron" };

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public ExtensionRestoreTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [ExtensionFact("pg_cron")]
    public async Task A_drill_proves_a_backup_with_jobs_where_the_sandbox_loads_pg_cron_and_runs_none()
    {
        await using var server = await CronAsync();
        var backup = await OddDatabase.BackUpAsync(await server.CreateDatabaseAsync(Jobs, "shop"), _folder);
        Assert.Equal("pg_cron", backup.Manifest!.Facts.ExtensionRelations["\"cron\".\"job\""]);

        var drill = await DrillAsync(new() { Backup = backup, BinPath = server.BinPath, SandboxSettings = LoadsCron });

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Equal("Proven", drill.Result);

        // What is said without the setting is literally the way on, and takes no proof away.
        var open = await DrillAsync(new() { Backup = backup, BinPath = server.BinPath });
        Assert.Equal("Incomplete", open.Result);
        Assert.False(open.Proven);
        Assert.Contains(
            "Test-PgRestore -SandboxSetting @{ shared_preload_libraries = 'pg_cron' }, or -SkipExtension pg_cron",
            Check(open, "restore").Detail,
            StringComparison.Ordinal);
        Assert.Equal("not reached, because restore was not made", Check(open, "content").Detail);
        Assert.Single(DrillLedger.ReadProven(_folder.Path));
    }

    [ExtensionFact("postgis")]
    public async Task Rows_that_came_with_an_extension_and_were_changed_are_said_not_to_be_in_the_copy()
    {
        await using var server = await ExtensionServer.StartAsync("postgis");
        var source = await server.CreateDatabaseAsync("""
            CREATE EXTENSION postgis;
            INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid) VALUES (990001, 'ours', 1)
            """);
        foreach (var (change, remark) in new[]
        {
            ("SELECT 1", ""), ("UPDATE spatial_ref_sys SET auth_name = 'ours' WHERE srid = 4326", "public.spatial_ref_sys"),
            ("DELETE FROM spatial_ref_sys WHERE srid = 4326", "public.spatial_ref_sys"),
        })
        {
            await SandboxServer.ExecuteAsync(source, change);
            var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Custom, PgFingerprintDepth.Archive);
            Assert.Equal(1, backup.Manifest!.Tables.Single().Rows);

            var drill = await DrillAsync(new() { Backup = backup, BinPath = server.BinPath });

            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            Assert.Equal(
                "the content hashes of 1 table are equal" + (remark.Length == 0
                    ? ""
                    : $"; not the same: rows that came with an extension in {remark}. No dump holds them: "
                        + "they were changed on one side, or the extension has another version there"),
                Check(drill, "content").Detail);
        }
    }

    [ExtensionFact("pg_cron")]
    public async Task A_skipped_extension_goes_with_its_rows_and_sequences()
    {
        await using var server = await CronAsync();
        var backup = await OddDatabase.BackUpAsync(await server.CreateDatabaseAsync(Jobs, "shop"), _folder);

        var drill = await DrillAsync(new() { Backup = backup, SkipExtension = ["pg_cron"] });

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.False(drill.Proven);
        Assert.Equal("extensions: Skipped: left out: pg_cron", Check(drill, "extensions").ToString());
        Assert.Equal(["ran"], drill.Tables.Select(table => table.Name));

        var target = _server.Target.WithDatabase("without_cron");
        var restore = await RestoreAsync(
            new() { Backup = backup, Target = target, Database = target.Database, SkipExtension = ["pg_cron"] });
        Assert.Equal(1, restore.TablesVerified);
        Assert.DoesNotContain(restore.Checks, check => check.Name == "jobs");
    }

    [ExtensionFact("pg_cron")]
    public async Task A_restored_copy_has_no_jobs_unless_they_are_asked_for()
    {
        await using var server = await CronAsync();
        var backup = await OddDatabase.BackUpAsync(await server.CreateDatabaseAsync(Jobs, "shop"), _folder);
        var target = server.Target.WithDatabase("shop");
        var beside = await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(new()
        {
            Backup = backup,
            Target = target,
            Database = "shop_copy",
            BinPath = server.BinPath,
        }));
        Assert.Contains("pg_cron can be created in the database shop alone", beside.Message, StringComparison.Ordinal);

        foreach (var include in new[] { false, true })
        {
            await SandboxServer.ExecuteAsync(server.Target, "DROP DATABASE shop WITH (FORCE)");
            await SandboxServer.ExecuteAsync(server.Target, "CREATE DATABASE shop");
            var restore = await RestoreAsync(new()
            {
                Backup = backup,
                Target = target,
                Database = "shop",
                IntoEmpty = true,
                IncludeJobs = include,
                BinPath = server.BinPath,
            });

            Assert.Equal(include ? 2L : 0L, await SandboxServer.ExecuteAsync(target, "SELECT count(*) FROM cron.job"));
            Assert.Equal(
                include
                    ? null
                    : "jobs: Skipped: 2 jobs of pg_cron not restored, for a copy must not run them: -IncludeJob restores them as they were",
                restore.Checks.SingleOrDefault(check => check.Name == "jobs")?.ToString());
            Assert.Equal(3L, await SandboxServer.ExecuteAsync(target, "SELECT nextval('cron.jobid_seq')"));
        }
    }

    [ExtensionFact("pg_partman")]
    public async Task The_configuration_of_pg_partman_is_proven_with_the_rest()
    {
        await using var server = await ExtensionServer.StartAsync("pg_partman");
        var source = await server.CreateDatabaseAsync("""
            CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;
            CREATE TABLE log (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
            DO $$ BEGIN
                IF (SELECT extversion < '5' FROM pg_extension WHERE extname = 'pg_partman')
                THEN PERFORM partman.create_parent('public.log', 'at', 'native', 'daily');
                ELSE PERFORM partman.create_parent('public.log', 'at', '1 day');
                END IF; END $$;
            INSERT INTO log SELECT g, now() FROM generate_series(1, 100) g;
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Directory);

        var drill = await DrillAsync(new() { Backup = backup, BinPath = server.BinPath, Jobs = 4 });

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Contains(drill.Tables, table => table.ToString()!.StartsWith("partman.part_config", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task An_extension_that_the_server_lacks_leaves_the_drill_incomplete_and_the_proof_where_it_is()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        Assert.True((await DrillAsync(new() { Backup = backup, Server = _server.Target })).Proven);
        var lacking = backup with
        {
            Manifest = backup.Manifest! with
            {
                Facts = backup.Manifest.Facts with { Extensions = new Dictionary<string, string> { ["nowhere"] = "1.0" } },
            },
        };

        // The manifest is read anew from the folder; the hashes are those of the damaged one.
        var forged = await BackupDamage.ForgeAsync(backup, _ => lacking.Manifest);
        var proven = await DrillAsync(new() { Backup = forged, Server = _server.Target });

        Assert.Equal("Incomplete", proven.Result);
        Assert.False(proven.BackupPassed);
        Assert.Contains("nowhere 1.0", Check(proven, "restore").Detail, StringComparison.Ordinal);
        Assert.Contains("-SkipExtension nowhere", Check(proven, "restore").Detail, StringComparison.Ordinal);
        Assert.Single(await File.ReadAllLinesAsync(Path.Combine(_folder.Path, DrillLedger.FileName)));
    }

    [PostgresFact]
    public async Task Settings_are_a_sandboxs_and_a_script_is_taken_whole()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Plain);

        var given = await Assert.ThrowsAsync<PgOpsException>(
            () => DrillAsync(new() { Backup = backup, Server = _server.Target, SandboxSettings = LoadsCron }));
        var script = await Assert.ThrowsAsync<PgOpsException>(
            () => DrillAsync(new() { Backup = backup, Server = _server.Target, SkipExtension = ["hstore"] }));

        Assert.Equal((PgErrorCode.InvalidArgument, PgErrorCode.InvalidArgument), (given.Code, script.Code));
        Assert.Contains("needs an archive", script.Message, StringComparison.Ordinal);
    }

    private static Task<ExtensionServer> CronAsync()
        => ExtensionServer.StartAsync("pg_cron", "shared_preload_libraries", "pg_cron", "cron.database_name", "shop");

    private static PgCheck Check(PgDrill drill, string name) => drill.Checks.Single(check => check.Name == name);

    private static Task<PgDrill> DrillAsync(TestRestoreRequest request)
        => new TestRestore().RunAsync(request, new CollectingSink(), CancellationToken.None);

    private static Task<PgRestore> RestoreAsync(RestoreDatabaseRequest request)
        => new RestoreDatabase().RunAsync(request, new CollectingSink(), CancellationToken.None);
}
