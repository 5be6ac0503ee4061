using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Drills;

/// <summary>The steps that a drill is asked for, and what each says about the backup: limits, rehearsal, amcheck, roles.</summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class DrillStepTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public DrillStepTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_breached_limit_fails_the_drill_and_not_the_backup()
    {
        var backup = await BackUpAsync();
        var blink = TimeSpan.FromMilliseconds(1);

        var kept = await RunAsync(new() { Backup = backup, MaxRecoveryTime = TimeSpan.FromHours(1), MaxDataLoss = TimeSpan.FromHours(1) });
        Assert.True(kept.Passed, string.Join('\n', kept.Checks));
        Assert.Equal(["recovery-time", "data-age"], kept.Checks.Select(check => check.Name).Skip(DrillSteps.Always.Length));

        var breached = await RunAsync(new() { Backup = backup, MaxRecoveryTime = blink, MaxDataLoss = blink });
        Assert.False(breached.Passed);
        Assert.True(breached.Proven);
        Assert.Equal(["recovery-time", "data-age"], Names(breached, PgCheckStatus.Failed));
        Assert.Contains("0.001 s allowed", breached.Failure, StringComparison.Ordinal);
        Assert.Equal(backup.Id, Assert.Single(DrillLedger.ReadProven(_folder.Path)).Key);

        // Of a copy that is not equal the time says nothing; the age is known all the same.
        var unequal = await RunAsync(new()
        {
            Backup = backup,
            MaxRecoveryTime = TimeSpan.FromHours(1),
            MaxDataLoss = TimeSpan.FromHours(1),
            Restored = copy => SandboxServer.ExecuteAsync(copy, "DELETE FROM public.orders"),
        });
        Assert.Equal(["recovery-time"], Names(unequal, PgCheckStatus.Skipped));
        Assert.Equal(PgCheckStatus.Passed, unequal.Checks[^1].Status);
        Assert.False(unequal.Proven);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
    }

    // A drill on another version than the one that was asked for would prove something else.
    [PostgresFact]
    public async Task A_version_that_cannot_be_had_is_refused_before_anything_is_started()
    {
        var backup = await BackUpAsync();
        var both = await Assert.ThrowsAsync<PgOpsException>(
            () => RunAsync(new() { Backup = backup, Server = _server.Target, ServerVersion = 99 }));
        Assert.Equal((PgErrorCode.InvalidArgument, "Give one of them."), (both.Code, both.NextStep));
        var source = backup.Manifest!.Server.VersionNumber / 10000;
        var older = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(new() { Backup = backup, ServerVersion = source - 1 }));
        Assert.Equal(PgErrorCode.ServerVersionUnsupported, older.Code);
        Assert.Contains("(-ServerVersion)", older.NextStep, StringComparison.Ordinal);
        Assert.DoesNotContain("-Force", older.NextStep, StringComparison.Ordinal);
        var tool = Assert.Throws<PgOpsException>(() => RestorePreflight.Tool(
            backup.Manifest with { Payload = backup.Manifest.Payload with { Tool = "pg_dump (PostgreSQL) 99.1" } }, source, null));
        Assert.Equal(PgErrorCode.ToolTooOld, tool.Code);
        Assert.Contains("99.1; the newest pg_restore found is older, ", tool.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("the server is", tool.Problem, StringComparison.Ordinal);
    }

    // [timespan]30 is 30 ticks.
    [PostgresFact]
    public async Task A_limit_given_as_a_bare_number_is_refused()
    {
        var error =
            await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(new() { Path = _folder.Path, MaxDataLoss = TimeSpan.FromTicks(30) }));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Contains("-MaxDataLoss '00:30:00'", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_rehearsal_applies_what_is_pending_and_says_nothing_about_the_backup()
    {
        using var work = await MigrationWorkspace.CreateAsync(_server);
        work.Write("001_orders.sql", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (NULL)");
        await work.RunAsync();
        var backup = await OddDatabase.BackUpAsync(work.Target, _folder);

        var upToDate = await RehearseAsync();
        Assert.Equal((PgCheckStatus.Passed, "nothing is pending at version 001"), (upToDate.Status, upToDate.Detail));

        work.Write("002_note.sql", "ALTER TABLE orders ADD note text");
        work.Write("003_key.sql", "ALTER TABLE orders ALTER id SET NOT NULL");
        var failed = await RunAsync(new() { Backup = backup, Rehearse = new() { Path = work.Folder } });
        Assert.Equal(["rehearsal"], Names(failed, PgCheckStatus.Failed));
        Assert.Contains("003_key.sql", failed.Failure, StringComparison.Ordinal);
        Assert.True(failed.Proven);
        Assert.Single(DrillLedger.ReadProven(_folder.Path));

        work.Write("003_key.sql", "UPDATE orders SET id = 2 WHERE id IS NULL; ALTER TABLE orders ALTER id SET NOT NULL");
        var passed = await RehearseAsync();
        Assert.Equal(PgCheckStatus.Passed, passed.Status);
        Assert.Contains("applied 2", passed.Detail, StringComparison.Ordinal);
        Assert.True(passed.Duration > TimeSpan.Zero);

        // What reaches beyond the copy is not tried where other databases live.
        work.Write("004_role.sql", "CREATE ROLE of_a_migration");
        var kept = await RehearseAsync(_server.Target);
        Assert.Equal(PgCheckStatus.Skipped, kept.Status);
        Assert.Contains("CREATE ROLE", kept.Detail, StringComparison.Ordinal);
        Assert.Equal(
            0L, await SandboxServer.ExecuteAsync(_server.Target, "SELECT count(*) FROM pg_roles WHERE rolname = 'of_a_migration'"));
        Assert.Equal(PgCheckStatus.Passed, (await RehearseAsync()).Status);

        // A copy that is not the backup's is not a ground for a rehearsal.
        var unequal = await RunAsync(new()
        {
            Backup = backup,
            Rehearse = new() { Path = work.Folder },
            Restored = copy => SandboxServer.ExecuteAsync(copy, "DELETE FROM orders"),
        });
        Assert.Equal(PgCheckStatus.Skipped, unequal.Checks[^1].Status);

        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => RunAsync(new() { Backup = backup, Rehearse = new() { Path = Path.Combine(work.Folder, "gone") } }));
        Assert.Equal(PgErrorCode.PathNotFound, error.Code);

        async Task<PgCheck> RehearseAsync(PgTarget? server = null)
            => (await RunAsync(new()
            {
                Backup = backup,
                Server = server,
                Rehearse = new()
                {
                    Path = work.Folder,
                }
            })).Checks.Single(check => check.Name == "rehearsal");
    }

    [PostgresTheory]
    [InlineData(PgIndexCheck.None, PgCheckStatus.Skipped, "-IndexCheck None")]
    [InlineData(PgIndexCheck.Quick, PgCheckStatus.Passed, "every row is in them")]
    [InlineData(PgIndexCheck.Full, PgCheckStatus.Passed, "every row is in them")]
    public async Task Indexes_are_looked_into_as_asked(PgIndexCheck depth, PgCheckStatus status, string said)
    {
        var drill = await RunAsync(new() { Backup = await BackUpAsync(), Server = _server.Target, IndexCheck = depth });
        var check = drill.Checks.Single(one => one.Name == "amcheck");
        Assert.Equal(status, check.Status);
        Assert.Contains(said, check.Detail, StringComparison.Ordinal);
        Assert.Equal(status == PgCheckStatus.Skipped ? ["amcheck"] : [], drill.NotMade);
    }

    // The server's list of extensions, in this one database, without amcheck: as where contrib is not installed.
    [PostgresTheory]
    [InlineData(PgIndexCheck.Quick)]
    [InlineData(PgIndexCheck.Full)]
    public async Task Where_amcheck_is_not_installed_its_step_is_skipped_and_never_passed(PgIndexCheck depth)
    {
        var drill = await RunAsync(new()
        {
            Backup = await BackUpAsync(),
            Server = _server.Target,
            IndexCheck = depth,
            Restored = copy => SandboxServer.ExecuteAsync(
                copy,
                """
                SET allow_system_table_mods = on;
                CREATE OR REPLACE VIEW pg_catalog.pg_available_extensions AS
                    SELECT e.name, e.default_version, x.extversion AS installed_version, e.comment
                    FROM pg_catalog.pg_available_extensions() e LEFT JOIN pg_catalog.pg_extension x ON e.name = x.extname
                    WHERE e.name <> 'amcheck'
                """),
        });

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        var check = drill.Checks.Single(one => one.Name == "amcheck");
        Assert.Equal(PgCheckStatus.Skipped, check.Status);
        Assert.Contains("does not have the extension amcheck", check.Detail, StringComparison.Ordinal);
        Assert.Equal(["amcheck"], drill.NotMade);
    }

    [PostgresFact]
    public async Task The_time_to_fetch_from_a_store_counts_as_time_to_recover()
    {
        using var s3 = new FaultyS3();
        var backup = await BackUpAsync();
        var copy =
            await new CopyBackup().RunAsync(new() { Backup = backup, Destination = s3.Uri("nightly") }, _sink, CancellationToken.None);
        var delay = TimeSpan.FromSeconds(3);
        var waits = 0;
        s3.Break = what =>
        {
            // The payload alone, and once: the manifest is read before there is a drill.
            if (what.StartsWith("GET ", StringComparison.Ordinal) && what.Contains(backup.Manifest!.Payload.Path, StringComparison.Ordinal)
                && Interlocked.Increment(ref waits) == 1)
            {
                Thread.Sleep(delay);
            }

            return Fault.None;
        };

        var drill = await RunAsync(new() { Path = copy.Path, Server = _server.Target, MaxRecoveryTime = delay });

        Assert.Equal(1, Math.Min(1, waits));
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Equal(["recovery-time"], Names(drill, PgCheckStatus.Failed));

        // The wait is in it beside what the restore took, however busy the machine is.
        var restore = drill.Checks.Single(check => check.Name == "restore").Duration;
        Assert.True(drill.RecoveryTime >= delay + restore, $"{drill.RecoveryTime} and {restore}");
    }

    [PostgresFact]
    public async Task A_role_that_may_not_use_amcheck_gets_a_skipped_step()
    {
        await SandboxServer.ExecuteAsync(
            _server.Target, "DROP ROLE IF EXISTS drill_plain; CREATE ROLE drill_plain LOGIN CREATEDB PASSWORD 'longsecret'");
        var source = await _server.CreateDatabaseAsync("drill plain");
        await SandboxServer.ExecuteAsync(
            source, "ALTER DATABASE \"drill plain\" OWNER TO drill_plain; ALTER SCHEMA public OWNER TO drill_plain");
        var own = (source with { Username = "drill_plain" }).WithPassword(new PgSecret("longsecret"));
        await SandboxServer.ExecuteAsync(own, "CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 100) g; CREATE INDEX ON t (id)");
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = own, Path = _folder.Path, NoGlobals = true }, _sink, CancellationToken.None);

        var drill = await RunAsync(new() { Backup = backup, Server = own.WithDatabase("postgres") });

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.Equal(["amcheck"], drill.NotMade);
        Assert.Contains("drill_plain may not use the extension", drill.Checks[^1].Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Drills_side_by_side_share_the_roles_they_make_and_a_dead_ones_are_swept()
    {
        const string Roles = "SELECT count(*) FROM pg_roles WHERE rolname IN ('drill_shared', 'drill_stray', 'drill_other')";
        await SandboxServer.ExecuteAsync(
            _server.Target, "CREATE ROLE drill_shared; CREATE ROLE drill_stray; "
                + "CREATE ROLE drill_other; COMMENT ON ROLE drill_stray IS 'pgops drill role'");
        var source = await OddDatabase.CreateAsync(_server, "ALTER TABLE public.events OWNER TO drill_shared");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        await SandboxServer.ExecuteAsync(source, "REASSIGN OWNED BY drill_shared TO postgres; DROP ROLE drill_shared");

        var drills =
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(new() { Backup = backup, Server = _server.Target, Jobs = 1 })));

        Assert.All(drills, drill => Assert.True(drill.Passed, string.Join('\n', drill.Checks)));
        Assert.Contains(drills, drill => drill.Checks.Single(check => check.Name == "roles").Detail == "created: drill_shared");
        Assert.Equal(1L, await SandboxServer.ExecuteAsync(_server.Target, Roles));
        await SandboxServer.ExecuteAsync(_server.Target, "DROP ROLE drill_other");
        Assert.Equal(4, File.ReadAllLines(Path.Combine(_folder.Path, DrillLedger.FileName)).Length);
    }

    private static IEnumerable<string> Names(PgDrill drill, PgCheckStatus status)
        => drill.Checks.Where(check => check.Status == status).Select(check => check.Name);

    private async Task<PgBackup> BackUpAsync() => await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);

    private Task<PgDrill> RunAsync(TestRestoreRequest request) => new TestRestore().RunAsync(request, _sink, CancellationToken.None);
}
