using PgOps.Core.Drills;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>What a role sets for applications ends no restore: not its programs, not its clean-up.</summary>
[Collection(RestoreTests.Name)]
public sealed class HostileRoleTests : IDisposable
{
    private const string Role = "hostile";

    private const string Settings = $"""
        DROP ROLE IF EXISTS {Role};
        CREATE ROLE {Role} SUPERUSER LOGIN PASSWORD 'secret';
        ALTER ROLE {Role} SET statement_timeout = '60ms';
        ALTER ROLE {Role} SET lock_timeout = '60ms';
        ALTER ROLE {Role} SET idle_in_transaction_session_timeout = '60ms';
        ALTER ROLE {Role} SET idle_session_timeout = '60ms';
        ALTER ROLE {Role} SET default_transaction_read_only = on;
        """;

    /// <summary>A key and an index that take longer than the timeouts, and workers that wait for them.</summary>
    private const string Content = """
        CREATE TABLE large AS SELECT g AS id, md5(g::text) AS filler FROM generate_series(1, 200000) g;
        ALTER TABLE large ADD PRIMARY KEY (id);
        CREATE INDEX ON large (filler);
        CREATE TABLE small_1 (id int REFERENCES large); INSERT INTO small_1 VALUES (1);
        CREATE TABLE small_2 (id int REFERENCES large); INSERT INTO small_2 VALUES (1);
        CREATE TABLE small_3 (id int REFERENCES large); INSERT INTO small_3 VALUES (1);
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public HostileRoleTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_drill_on_a_server_ends_and_leaves_nothing()
    {
        var hostile = await HostileAsync();
        var source = await BackupTestDatabase.CreateAsync(_server, Content);
        foreach (var format in new[] { PgBackupFormat.Directory, PgBackupFormat.Plain })
        {
            var backup = await OddDatabase.BackUpAsync(source, _folder, format);

            var drill = await new TestRestore().RunAsync(
                new() { Backup = backup, Server = hostile, Jobs = 4 }, _sink, CancellationToken.None);

            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            Assert.Equal(0L, await LeftAsync());
        }
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restore_comes_to_its_end(bool intoEmpty)
    {
        var hostile = await HostileAsync();
        var source = await BackupTestDatabase.CreateAsync(_server, Content);
        var backup = await OddDatabase.BackUpAsync(
            source with { Username = Role, Password = new PgSecret("secret") }, _folder, PgBackupFormat.Directory);
        var name = "hostile_" + Guid.NewGuid().ToString("N");
        if (intoEmpty)
        {
            await SandboxServer.ExecuteAsync(_server.Target, $"CREATE DATABASE {name}");
        }

        var restore = await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = hostile.WithDatabase(name), Database = name, Jobs = 4, IntoEmpty = intoEmpty },
            _sink,
            CancellationToken.None);

        Assert.Equal(4, restore.TablesVerified);
        Assert.Null(restore.Target.Options);
        Assert.Equal(0L, await LeftAsync());
    }

    /// <summary>A database with a prepared transaction cannot be dropped, not even with force.</summary>
    [LinuxPostgresFact]
    public async Task A_staging_database_that_stays_is_not_called_dropped()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
                IF current_database() LIKE '%\_pgops\_%' THEN PERFORM pg_sleep(3); RAISE 'not here'; END IF; RETURN i; END $$;
            CREATE TABLE t AS SELECT 1 AS a; CREATE INDEX ON t (slow(a));
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var running = new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = source.WithDatabase("stays"), Database = "stays" }, _sink, CancellationToken.None);
        var staging = "";
        await Eventually.HoldsAsync(
            async () => (staging = (string?)await SandboxServer.ExecuteAsync(
                _server.Target, @"SELECT datname::text FROM pg_database WHERE datname LIKE 'stays\_pgops\_%'") ?? "").Length > 0,
            "a staging database");
        await SandboxServer.ExecuteAsync(
            _server.Target.WithDatabase(staging), "BEGIN; CREATE TABLE held (); PREPARE TRANSACTION 'held'");
        try
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => running);

            Assert.Equal(
                $"Nothing was put in place. The staging database {staging} could not be dropped; the next restore on this server "
                    + $"sweeps it, or run: DROP DATABASE {Quote.Identifier(staging)}",
                error.State);
        }
        finally
        {
            await SandboxServer.ExecuteAsync(_server.Target.WithDatabase(staging), "ROLLBACK PREPARED 'held'");
            await SandboxServer.ExecuteAsync(_server.Target, $"DROP DATABASE {Quote.Identifier(staging)}");
        }
    }

    private async Task<PgTarget> HostileAsync()
    {
        await SandboxServer.ExecuteAsync(_server.Target, Settings);
        return _server.Target with { Username = Role, Password = new PgSecret("secret") };
    }

    private Task<object?> LeftAsync() => SandboxServer.ExecuteAsync(
        _server.Target, @"SELECT count(*) FROM pg_database WHERE datname ~ '_pgops_[0-9a-f]{8}$'");
}
