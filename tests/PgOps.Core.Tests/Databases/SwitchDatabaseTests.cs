using System.Collections.Concurrent;
using Npgsql;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Databases;

/// <summary>A switch as clients and administrators see it.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class SwitchDatabaseTests
{
    private readonly SandboxServer _server;
    private readonly CollectingSink _sink = new();

    public SwitchDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task The_new_one_gets_all_that_belongs_to_the_name_and_undo_goes_back()
    {
        var (live, prepared) = await PairAsync();
        var (name, role) = (Quote.Identifier(live.Database), Quote.Identifier(live.Database + " o'wner"));
        await SandboxServer.ExecuteAsync(_server.Target, $"""
            CREATE ROLE {role}; ALTER DATABASE {name} OWNER TO {role};
            ALTER DATABASE {name} SET search_path = 'a b', public; ALTER ROLE {role} IN DATABASE {name} SET work_mem = '7MB';
            ALTER DATABASE {name} CONNECTION LIMIT 40; COMMENT ON DATABASE {name} IS 'it''s ours';
            REVOKE ALL ON DATABASE {name} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {name} TO pg_monitor WITH GRANT OPTION;
            ALTER DATABASE {Quote.Identifier(prepared)} SET jit = off;
            GRANT CREATE ON DATABASE {Quote.Identifier(prepared)} TO pg_read_all_data;
            """);
        var before = await PropertiesAsync(live.Database);

        var result = await SwitchAsync(live, prepared);

        Assert.Equal(before, await PropertiesAsync(live.Database));
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live, "SELECT who FROM whoami"));
        var aside = live.WithDatabase(result.ReplacedDatabase);
        Assert.Equal("old", await SandboxServer.ExecuteAsync(aside, "SELECT who FROM whoami"));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => SandboxServer.ExecuteAsync(aside, "DELETE FROM whoami"));
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);

        var undone = await SwitchAsync(live, null);

        Assert.True(undone.Undone);
        Assert.Equal(before, await PropertiesAsync(live.Database));
        Assert.Equal("old", await SandboxServer.ExecuteAsync(live, "UPDATE whoami SET who = who RETURNING who"));
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live.WithDatabase(undone.ReplacedDatabase), "SELECT who FROM whoami"));

        // What is repeated changes nothing; and the way forward is open again.
        Assert.True((await SwitchAsync(live, null)).AlreadyInPlace);
        await SwitchAsync(live, undone.ReplacedDatabase);
        Assert.Equal(before, await PropertiesAsync(live.Database));
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live, "UPDATE whoami SET who = who RETURNING who"));
    }

    [PostgresFact]
    public async Task A_switch_that_has_happened_is_not_made_twice()
    {
        var (live, prepared) = await PairAsync();
        var first = await SwitchAsync(live, prepared);
        var second = await SwitchAsync(live, prepared);
        Assert.True(second.AlreadyInPlace);
        Assert.Equal(first.ReplacedDatabase, second.ReplacedDatabase);
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live, "SELECT who FROM whoami"));
    }

    [PostgresFact]
    public async Task KeepProperties_leaves_the_prepared_one_its_own()
    {
        var (live, prepared) = await PairAsync();
        await SandboxServer.ExecuteAsync(
            _server.Target, $"ALTER DATABASE {live.Database} SET jit = off; ALTER DATABASE {prepared} SET work_mem = '9MB'; COMMENT ON "
                + $"DATABASE {prepared} IS 'mine'");
        var before = await PropertiesAsync(prepared);
        await RunAsync(new() { Target = live, With = prepared, KeepProperties = true });
        Assert.Equal(before, await PropertiesAsync(live.Database));
    }

    [PostgresFact]
    public async Task Fifty_busy_clients_lose_no_commit_and_the_gap_is_measured()
    {
        var (live, prepared) = await PairAsync();
        await SandboxServer.ExecuteAsync(live, "CREATE TABLE written (id int)");
        await SandboxServer.ExecuteAsync(live.WithDatabase(prepared), "CREATE TABLE written (id int)");
        using var stop = new CancellationTokenSource();
        var (opened, ended) = (new ConcurrentBag<int>(), new ConcurrentBag<int>());
        var clients = Enumerable.Range(0, 50).Select(id => ClientAsync(live, id, opened, ended, stop.Token)).ToArray();
        await Eventually.HoldsAsync(
            async () => await SandboxServer.ExecuteAsync(live, "SELECT count(DISTINCT id) FROM written") is 50L, "fifty clients at work");

        var result = await SwitchAsync(live, prepared);

        await Eventually.HoldsAsync(
            async () => await SandboxServer.ExecuteAsync(live, "SELECT count(DISTINCT id) FROM written") is 50L,
            "all clients work in the new one");
        await stop.CancelAsync();
        var answers = await Task.WhenAll(clients);
        var kept = (long)(await SandboxServer.ExecuteAsync(live, "SELECT count(*) FROM written"))!
            + (long)(await SandboxServer.ExecuteAsync(live.WithDatabase(result.ReplacedDatabase), "SELECT count(*) FROM written"))!;
        Assert.True(kept >= answers.Sum(), $"{answers.Sum()} commits were acknowledged, {kept} are kept");
        Assert.InRange(result.Downtime, TimeSpan.FromMilliseconds(1), result.Duration);

        // How many there are depends on who was connected just then; that each is named once, and none that was ended is missing, does not.
        var named = result.EndedSessions.Select(one => one.Pid).ToList();
        Assert.NotEmpty(named);
        Assert.Equal(named.Count, named.Distinct().Count());
        Assert.Empty(named.Except(opened));
        Assert.Empty(ended.Except(named));
        Assert.All(result.EndedSessions, one => Assert.Equal("busy", one.Application));
    }

    [PostgresFact]
    public async Task A_running_transaction_gets_its_grace_and_no_more()
    {
        var (live, prepared) = await PairAsync();
        await using (var patient = await SandboxServer.OpenAsync(live))
        {
            await ExecuteAsync(patient, "BEGIN; INSERT INTO whoami VALUES ('late')");
            var switching = SwitchAsync(live, prepared, TimeSpan.FromSeconds(30));
            await Eventually.HoldsAsync(
                () => _sink.Reports.Any(report => report.Status.StartsWith("waiting for", StringComparison.Ordinal)),
                "the switch waits for the transaction");
            await Task.Delay(700);
            await ExecuteAsync(patient, "COMMIT");
            var result = await switching;

            // It waited, and not to the end of the grace.
            Assert.InRange(result.DrainTime.TotalSeconds, 0.3, 25);
            Assert.Equal(2L, await SandboxServer.ExecuteAsync(live.WithDatabase(result.ReplacedDatabase), "SELECT count(*) FROM whoami"));
        }

        await using var stubborn = await SandboxServer.OpenAsync(live);
        await ExecuteAsync(stubborn, "SET application_name = 'stubborn'; BEGIN; INSERT INTO whoami VALUES ('lost')");
        var undone = await SwitchAsync(live, null, TimeSpan.FromMilliseconds(300));
        var ended = Assert.Single(undone.EndedSessions);
        Assert.Equal(
            (stubborn.ProcessID, "stubborn", "idle in transaction", live.Database),
            (ended.Pid, ended.Application, ended.State, ended.Database));
        Assert.NotNull(ended.Age);
    }

    [PostgresFact]
    public async Task Everything_in_the_way_is_named_at_once_and_a_preview_names_who_would_be_cut_off()
    {
        var (live, prepared) = await PairAsync();
        await SandboxServer.ExecuteAsync(live, "SELECT pg_create_logical_replication_slot('slot_of_switch', 'pgoutput')");
        await SandboxServer.ExecuteAsync(live, "BEGIN; INSERT INTO whoami VALUES ('p'); PREPARE TRANSACTION 'gi''d'");
        await SandboxServer.ExecuteAsync(
            live.WithDatabase(prepared),
            "CREATE SUBSCRIPTION sub CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)");
        await using var client = await SandboxServer.OpenAsync(live);
        await ExecuteAsync(client, "SET application_name = 'web'");

        var lines = await new SwitchDatabase().PreviewAsync(new() { Target = live, With = prepared }, _sink, CancellationToken.None);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => SwitchAsync(live, prepared));

        Assert.Contains(lines, line => line.Contains($"End in {live.Database}: pid {client.ProcessID}, ", StringComparison.Ordinal)
            && line.Contains("application \"web\"", StringComparison.Ordinal));
        Assert.Equal(error.Message, Assert.Single(_sink.Failures).Message);
        Assert.Contains("COMMIT PREPARED", error.Message, StringComparison.Ordinal);
        Assert.Contains("gi''d", error.Message, StringComparison.Ordinal);
        Assert.Contains("slot_of_switch (pgoutput", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sub in", error.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await ScalarAsync(client, "SELECT count(*) FROM whoami"));

        await SandboxServer.ExecuteAsync(live, "ROLLBACK PREPARED 'gi''d'");
        await SandboxServer.ExecuteAsync(live, "SELECT pg_drop_replication_slot('slot_of_switch')");
        await SandboxServer.ExecuteAsync(live.WithDatabase(prepared), "DROP SUBSCRIPTION sub");
        await SwitchAsync(live, prepared);
    }

    [PostgresFact]
    public async Task A_role_without_superuser_switches_what_it_owns_and_is_told_what_it_lacks()
    {
        var (live, prepared) = await PairAsync();
        var role = live.Database + "_app";
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE ROLE {role} LOGIN PASSWORD 'app'; ALTER DATABASE {live.Database} OWNER TO {role}");
        var mine = live with { Username = role, Password = new PgSecret("app") };

        var error = await Assert.ThrowsAsync<PgOpsException>(() => SwitchAsync(mine, prepared));
        Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
        Assert.Contains("CREATEDB", error.Message, StringComparison.Ordinal);

        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER ROLE {role} CREATEDB; ALTER DATABASE {prepared} OWNER TO {role}");
        await using (await SandboxServer.OpenAsync(live))
        {
            error = await Assert.ThrowsAsync<PgOpsException>(() => SwitchAsync(mine, prepared, TimeSpan.Zero));
            Assert.Equal(PgErrorCode.DatabaseInUse, error.Code);
            Assert.Contains("pg_signal_backend", error.Message, StringComparison.Ordinal);
        }

        await using var own = await SandboxServer.OpenAsync(mine);
        var result = await SwitchAsync(mine, prepared);
        Assert.Equal(own.ProcessID, Assert.Single(result.EndedSessions).Pid);
        Assert.Equal("new", await SandboxServer.ExecuteAsync(live, "SELECT who FROM whoami"));
    }

    [PostgresFact]
    public async Task What_makes_no_sense_is_refused()
    {
        var (live, prepared) = await PairAsync();
        await SandboxServer.ExecuteAsync(live, "CREATE TABLE big AS SELECT generate_series(1, 20000)");
        var empty = await _server.CreateDatabaseAsync();
        foreach (var (with, code) in new (string?, PgErrorCode)[]
        {
            (live.Database, PgErrorCode.InvalidArgument), ("postgres", PgErrorCode.InvalidArgument),
            ("nowhere", PgErrorCode.ConnectionFailed),
            ("x_pgops_0123abcd", PgErrorCode.InvalidArgument), (empty.Database, PgErrorCode.InvalidArgument),
            (null, PgErrorCode.InvalidArgument),
        })
        {
            Assert.Equal(code, (await Assert.ThrowsAsync<PgOpsException>(() => SwitchAsync(live, with))).Code);
        }

        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {prepared} ALLOW_CONNECTIONS false");
        var error = await Assert.ThrowsAsync<PgOpsException>(() => SwitchAsync(live, prepared));
        Assert.Contains("closed to connections", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", await SandboxServer.ExecuteAsync(live, "SELECT who FROM whoami"));
    }

    private static async Task<int> ClientAsync(
        PgTarget target, int id, ConcurrentBag<int> opened, ConcurrentBag<int> ended, CancellationToken stop)
    {
        var answered = 0;
        while (!stop.IsCancellationRequested)
        {
            var pid = 0;
            try
            {
                await using var session =
                    await ServerConnection.OpenAsync(target with { ApplicationName = "busy" }, null, CancellationToken.None);
                pid = session.ProcessID;
                opened.Add(pid);
                while (!stop.IsCancellationRequested)
                {
                    await session.ExecuteAsync(
                        $"BEGIN; INSERT INTO written VALUES ({id}); SELECT pg_sleep(0.01); COMMIT", CancellationToken.None);
                    answered++;
                    await Task.Delay(10, CancellationToken.None);
                }
            }
            catch (Exception error) when (error is NpgsqlException or PgOpsException)
            {
                // The server's own word, which a connection that was only cut does not bring.
                if (pid != 0 && (error as PostgresException
                    ?? error.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.AdminShutdown)
                {
                    ended.Add(pid);
                }

                await Task.Delay(20, CancellationToken.None);
            }
        }

        return answered;
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql) => await session.ExecuteAsync(sql, CancellationToken.None);

    private static Task<long> ScalarAsync(NpgsqlConnection session, string sql) => session.ScalarAsync<long>(sql, CancellationToken.None);

    private async Task<(PgTarget Live, string Prepared)> PairAsync()
    {
        var live = await _server.CreateDatabaseAsync();
        var prepared = await _server.CreateDatabaseAsync(live.Database + "_restored");
        await SandboxServer.ExecuteAsync(live, "CREATE TABLE whoami AS SELECT 'old' AS who");
        await SandboxServer.ExecuteAsync(prepared, "CREATE TABLE whoami AS SELECT 'new' AS who");
        return (live, prepared.Database);
    }

    private Task<PgDatabaseSwitch> SwitchAsync(PgTarget target, string? with, TimeSpan? grace = null)
        => RunAsync(new() { Target = target, With = with, GracePeriod = grace ?? TimeSpan.FromSeconds(5) });

    private Task<PgDatabaseSwitch> RunAsync(SwitchDatabaseRequest request)
        => new SwitchDatabase().RunAsync(request, _sink, CancellationToken.None);

    private async Task<string> PropertiesAsync(string database)
        => (string)(await SandboxServer.ExecuteAsync(_server.Target, $"""
            SELECT concat_ws(' | ', datdba::regrole, datconnlimit, datallowconn, shobj_description(oid, 'pg_database'),
                (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a),
                (SELECT string_agg(setrole::regrole || ':' || setconfig::text, ' ' ORDER BY setrole)
                 FROM pg_db_role_setting s WHERE setdatabase = d.oid))
            FROM pg_database d WHERE datname = {Quote.Literal(database)}
            """))!;
}
