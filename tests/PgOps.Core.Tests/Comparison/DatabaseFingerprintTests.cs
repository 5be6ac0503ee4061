using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Comparison;

[Collection(RestoreTests.Name)]
public sealed class DatabaseFingerprintTests
{
    private readonly SandboxServer _server;

    public DatabaseFingerprintTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task Covers_the_tables_that_pg_dump_dumps_and_names_the_rest()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types + """
            CREATE EXTENSION file_fdw;
            CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
            CREATE FOREIGN TABLE far (a text) SERVER files OPTIONS (filename '/dev/null');
            """);
        var content = await BackupTestDatabase.ReadAsync(target);
        var rows = content.Tables.ToDictionary(table => table.ToString(), table => table.Rows);
        Assert.Equal(12, rows.Count);
        Assert.Equal(1, rows["pg_catalog.pg_largeobject"]);
        Assert.Equal(100, rows["Odd \"Schema\".Tab le.with 'all'"]);
        Assert.Equal(49, rows["public.parted_1"]);
        Assert.Equal(151, rows["public.parted_2"]);
        Assert.Equal(10, rows["public.parent"]);
        Assert.Equal(20, rows["public.child"]);
        Assert.Equal(7, rows["public.no_columns"]);
        Assert.Equal(3, rows["public.unlogged"]);
        Assert.Equal(4, rows["public.guarded"]);
        Assert.Contains(content.LeftOut, sentence => sentence.Contains("far", StringComparison.Ordinal));
        Assert.Equal(4, content.Sequences.Count);
        Assert.Equal(-1, content.Sequences.Single(sequence => sequence.Name == "down").Increment);
        Assert.Equal((6, true), content.Sequences.Where(s => s.Name == "up").Select(s => (s.LastValue, s.IsCalled)).Single());
    }

    [PostgresFact]
    public async Task Session_defaults_of_the_database_do_not_change_a_hash()
    {
        var target = await BackupTestDatabase.CreateAsync(
            _server, BackupTestDatabase.Types + "CREATE TABLE long AS SELECT i, repeat('x', 100) FROM generate_series(1, 200000) i");
        var before = await BackupTestDatabase.ReadAsync(target, 1);
        foreach (var setting in new[]
        {
            "TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "extra_float_digits = 0",
            "bytea_output = 'escape'", "statement_timeout = '20ms'", "search_path = 'nowhere'",
            "default_transaction_isolation = 'serializable'",
        })
        {
            await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {Quote.Identifier(target.Database)} SET {setting}");
        }

        var after = await BackupTestDatabase.ReadAsync(target, 3);
        Assert.Equal(BackupTestDatabase.Lines(before.Tables), BackupTestDatabase.Lines(after.Tables));
    }

    [PostgresFact]
    public async Task One_changed_row_changes_its_table_and_no_other()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var before = await BackupTestDatabase.ReadAsync(target);
        await SandboxServer.ExecuteAsync(target, "UPDATE parted SET at = at + 1 WHERE id = 60");
        var after = await BackupTestDatabase.ReadAsync(target);
        var changed = BackupTestDatabase.Lines(before.Tables).Except(BackupTestDatabase.Lines(after.Tables)).ToList();
        Assert.StartsWith("public.parted_2 151 ", Assert.Single(changed), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Counts_and_names_alone_can_be_had()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var counts = await DatabaseFingerprint.ReadAsync(target, null, PgFingerprintDepth.Counts, 2, null, CancellationToken.None);
        Assert.All(counts.Tables, table => Assert.Null(table.Hash));
        Assert.Equal(10, counts.Tables.Single(table => table.Name == "parent").Rows);
        var names = await DatabaseFingerprint.ReadAsync(target, null, PgFingerprintDepth.None, 2, null, CancellationToken.None);
        Assert.Equal(counts.Tables.Select(table => table.ToString()), names.Tables.Select(table => table.ToString()));
    }

    // FIELD_NOTES 8: a dump thinned out by row-level security looks complete.
    [PostgresFact]
    public async Task A_role_that_row_level_security_limits_is_refused()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var role = "limited_" + target.Database;
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE ROLE {role} LOGIN PASSWORD 'longsecret'; GRANT pg_read_all_data TO {role}");
        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => BackupTestDatabase.ReadAsync((target with { Username = role }).WithPassword(new PgSecret("longsecret"))));
        Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
        Assert.Contains("guarded", error.Problem, StringComparison.Ordinal);
        Assert.Contains("BYPASSRLS", error.NextStep, StringComparison.Ordinal);
    }

    // FIELD_NOTES, migrations 11: an ALTER that queues behind the backup must not make the backup queue behind the ALTER.
    [PostgresFact]
    public async Task An_alter_table_that_waits_for_the_backup_does_not_stop_it()
    {
        var target =
            await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE a AS SELECT generate_series(1, 1000) i; CREATE TABLE b AS TABLE a");
        await using var first = await SnapshotSession.OpenAsync(target, null, CancellationToken.None);
        var listed = await DumpedTables.ListAsync(first.Connection, CancellationToken.None);
        await first.LockAsync(listed.Tables, CancellationToken.None);
        var alter = SandboxServer.ExecuteAsync(target, "ALTER TABLE a ALTER i TYPE bigint; ALTER TABLE b ALTER i TYPE bigint");
        while (await SandboxServer.ExecuteAsync(
            target, "SELECT count(*) FROM pg_locks WHERE NOT granted "
                + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") is 0L)
        {
            await Task.Delay(5);
        }

        var content = await DatabaseFingerprint.ReadAsync(
            first, listed, null, true, PgFingerprintDepth.Source, 2, null, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal([1000, 1000], content.Tables.Select(table => table.Rows));
        Assert.Equal(content.Tables[0].Hash, content.Tables[1].Hash);
        await first.DisposeAsync();
        await alter;
    }

    [PostgresFact]
    public async Task A_worker_that_dies_ends_the_others()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE slow_1 AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 400000) i;
            CREATE TABLE slow_2 AS TABLE slow_1;
            """);
        target = target with { ApplicationName = "fingerprint that dies" };
        var reading = BackupTestDatabase.ReadAsync(target);
        while (await SandboxServer.ExecuteAsync(
            _server.Target,
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'fingerprint that dies' AND query LIKE 'COPY%slow_2%' AND state = 'active'
            """) is null && !reading.IsCompleted)
        {
            await Task.Delay(5);
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => reading);
        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);

        await Eventually.HoldsAsync(
            async () => await SandboxServer.ExecuteAsync(
                _server.Target, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fingerprint that dies'") is 0L,
            "no session is left");
    }
}
