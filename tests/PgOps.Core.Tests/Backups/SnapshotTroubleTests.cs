using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>What becomes of a snapshot whose tables others work on.</summary>
[Collection(PostgresTests.Name)]
public sealed class SnapshotTroubleTests
{
    private readonly SandboxServer _server;

    public SnapshotTroubleTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task A_table_that_is_dropped_before_it_is_listed_is_named()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE stays (a int); CREATE TABLE goes (a int)");
        await using var session = await SnapshotSession.OpenAsync(target, null, CancellationToken.None);
        await session.ExportAsync(CancellationToken.None);
        await SandboxServer.ExecuteAsync(target, "DROP TABLE goes");

        var error = await Assert.ThrowsAsync<PgOpsException>(() => DumpedTables.ListAsync(session.Connection, CancellationToken.None));

        Assert.Equal(
            "Somebody dropped \"public\".\"goes\" after the snapshot was taken, and before it was locked.", error.Problem);
        Assert.Equal("Run the command again.", error.NextStep);
    }

    [PostgresTheory]
    [InlineData(PgFingerprintDepth.Archive)]
    [InlineData(PgFingerprintDepth.Counts)]
    [InlineData(PgFingerprintDepth.Source)]
    public async Task An_index_whose_function_needs_the_search_path_does_not_stop_the_backup(PgFingerprintDepth depth)
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
            CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT g($1)';
            CREATE TABLE a (x int); INSERT INTO a VALUES (1), (2); CREATE INDEX ON a (f(x)); CREATE INDEX ON a (x) WHERE f(x) > 3;
            CREATE TABLE b AS SELECT 1 AS x; CREATE TABLE c AS SELECT 1 AS x
            """);
        using var folder = new TemporaryFolder();

        var backup = await OddDatabase.BackUpAsync(target, folder, PgBackupFormat.Directory, depth);

        Assert.Equal([2L, 1L, 1L], backup.Manifest!.Tables.Select(table => table.Rows));
        var warned = backup.Warnings.Where(warning => warning.StartsWith(
            "\"public\".\"a\" cannot be queried without a search_path: 42883 function g(integer) does not exist.",
            StringComparison.Ordinal));
        Assert.Equal(depth == PgFingerprintDepth.Source ? 0 : 1, warned.Count());

        await SandboxServer.ExecuteAsync(target, "ALTER FUNCTION f SET search_path = public");
        var mended = await OddDatabase.BackUpAsync(target, folder, PgBackupFormat.Directory, depth);
        Assert.Empty(mended.Warnings);
        var drill = await new TestRestore().RunAsync(
            new() { Backup = mended, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
        Assert.Equal(depth == PgFingerprintDepth.Counts ? "Incomplete" : "Proven", drill.Result);
    }

    // COPY takes generated columns from a query alone; pg_dump does not read them.
    [PostgresTheory]
    [InlineData(PgFingerprintDepth.Archive)]
    [InlineData(PgFingerprintDepth.Counts)]
    [InlineData(PgFingerprintDepth.Source)]
    public async Task Nor_does_it_where_the_table_has_generated_columns(PgFingerprintDepth depth)
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
            CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT g($1)';
            CREATE TABLE a (x int, y int GENERATED ALWAYS AS (x * 2) STORED); INSERT INTO a VALUES (1), (2); CREATE INDEX ON a (f(x));
            CREATE TABLE b (x int, y int GENERATED ALWAYS AS (x * 2) STORED); INSERT INTO b VALUES (1)
            """);
        using var folder = new TemporaryFolder();

        var backup = await OddDatabase.BackUpAsync(target, folder, PgBackupFormat.Directory, depth);

        var (a, b) = (backup.Manifest!.Tables[0], backup.Manifest.Tables[1]);
        Assert.Equal((2L, 1L), (a.Rows, b.Rows));
        Assert.Equal(depth == PgFingerprintDepth.Counts, a.Hash is null);
        Assert.Null(a.Generated);
        Assert.Equal(depth == PgFingerprintDepth.Counts, b.Generated is null);
        var warning = Assert.Single(backup.Warnings);
        Assert.StartsWith(
            "\"public\".\"a\" cannot be queried without a search_path: 42883 function g(integer) does not exist.", warning,
            StringComparison.Ordinal);
        Assert.Equal(
            depth != PgFingerprintDepth.Counts,
            warning.EndsWith(
                " What its stored generated columns hold is not in the backup's manifest: y.", StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task Large_objects_that_the_role_may_not_read_are_named_before_anything_is_written()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            SELECT lo_from_bytea(4711, 'a'), lo_from_bytea(4712, 'b'), lo_from_bytea(4713, 'c');
            DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data;
            GRANT SELECT ON LARGE OBJECT 4713 TO PUBLIC
            """);
        var reader = target with { Username = "reader", Password = new PgSecret("secret") };
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<PgOpsException>(() => OddDatabase.BackUpAsync(reader, folder));

        Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
        Assert.EndsWith("the role \"reader\" may not read the large objects 4711, 4712.", error.Problem, StringComparison.Ordinal);
        var without = await new BackupDatabase().RunAsync(
            new() { Target = reader, Path = folder.Path, Selection = new() { NoLargeObjects = true } },
            new CollectingSink(),
            CancellationToken.None);
        Assert.True(without.Complete);
        await SandboxServer.ExecuteAsync(target, "GRANT SELECT ON LARGE OBJECT 4711, 4712 TO \"reader\"");
        Assert.True((await OddDatabase.BackUpAsync(reader, folder)).Complete);
    }

    [PostgresFact]
    public async Task The_role_that_the_login_becomes_is_the_one_that_lacks_something()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE closed (a int);
            DROP ROLE IF EXISTS becoming; DROP ROLE IF EXISTS becomes;
            CREATE ROLE becoming; CREATE ROLE becomes LOGIN PASSWORD 'secret' IN ROLE becoming; ALTER ROLE becomes SET role = 'becoming';
            """);
        var login = target with { Username = "becomes", Password = new PgSecret("secret") };
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<PgOpsException>(() => OddDatabase.BackUpAsync(login, folder));

        Assert.EndsWith(
            "the role \"becoming\", which \"becomes\" becomes by ALTER ROLE … SET role, may not read \"public\".\"closed\".",
            error.Problem,
            StringComparison.Ordinal);
        Assert.StartsWith("GRANT pg_read_all_data TO \"becoming\" (", error.NextStep, StringComparison.Ordinal);
        await SandboxServer.ExecuteAsync(target, "GRANT pg_read_all_data TO \"becoming\"");
        Assert.True((await OddDatabase.BackUpAsync(login, folder)).Complete);
    }

    [LinuxPostgresFact]
    public async Task A_standby_that_ends_the_read_is_the_cause_and_its_settings_are_the_way_on()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g");
        using var standby = await Standby.StartAsync(_server);
        await SandboxServer.ExecuteAsync(standby.Target, "ALTER SYSTEM SET max_standby_streaming_delay = 0");
        await SandboxServer.ExecuteAsync(standby.Target, "ALTER SYSTEM SET max_standby_archive_delay = 0");
        await SandboxServer.ExecuteAsync(standby.Target, "SELECT pg_reload_conf()");
        await using var holder = await SnapshotHolder.OpenAsync(standby.Target.WithDatabase(target.Database), CancellationToken.None);
        await using var reader = await SnapshotSession.OpenAsync(
            standby.Target.WithDatabase(target.Database), null, CancellationToken.None);
        var reading = Assert.ThrowsAsync<PostgresException>(() => reader.Connection.ExecuteAsync(
            "SELECT count(*), pg_sleep(30) FROM public.t", CancellationToken.None));
        await SandboxServer.ExecuteAsync(target, "DELETE FROM t");
        await SandboxServer.ExecuteAsync(target, "VACUUM t");

        Assert.Equal(ServerErrors.StandbyConflict, ServerErrors.Working(target, await reading, "reading").NextStep);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => holder.GuardAsync("nobody", _ => { }, Task.Delay(-1, patience.Token), patience.Token));

        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);
        Assert.Contains(error.NextStep, new[] { ServerErrors.StandbyConflict, ServerErrors.StandbyLost });
        Assert.Contains("Set hot_standby_feedback = on on the standby", error.NextStep, StringComparison.Ordinal);
    }
}
