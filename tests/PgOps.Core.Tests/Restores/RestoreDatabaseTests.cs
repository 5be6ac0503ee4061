using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class RestoreDatabaseTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public RestoreDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Directory)]
    public async Task Restores_what_was_backed_up_and_says_what_it_compared(PgBackupFormat format)
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder, format);
        var name = source.Database + " copy";

        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = name, Jobs = 2 });

        Assert.Equal(backup.Manifest!.Tables.Count, restore.TablesVerified);
        Assert.Equal(2000 + 10 + 50 + 600, restore.Rows);
        Assert.All(restore.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(
            ["hashes", "tool", "server", "roles", "extensions", "tablespaces", "space", "collation", "restore", "tables", "row-counts",
                "content", "generated-columns", "materialized-views", "sequences", "migration-state", .. ObjectComparison.Groups,
                "statistics", "settings"],
            restore.Checks.Select(check => check.Name));
        var comparison = await CompareAsync(source, restore.Target);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        Assert.Equal("it's, fine", await ValueAsync(restore.Target, "SELECT current_setting('myapp.motto')"));
        Assert.Equal(
            "\"$user\", public, \"Odd \"\"schema\"\"\"", await ValueAsync(restore.Target, "SELECT current_setting('search_path')"));
        Assert.Equal(2, await ValueAsync(
            restore.Target,
            "SELECT cardinality(setconfig) FROM pg_db_role_setting s "
                + "JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()"));
        Assert.Equal(2000f, await ValueAsync(restore.Target, "SELECT reltuples FROM pg_class WHERE oid = 'public.orders'::regclass"));
        Assert.IsType<DBNull>(await ValueAsync(
            restore.Target, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"));
        await AssertNoStagingAsync();
    }

    [PostgresFact]
    public async Task Refuses_a_damaged_backup_before_anything_is_made()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var payload = Path.Combine(backup.Path, backup.Manifest!.Payload.Path);
        BackupDamage.FlipBit(payload, new FileInfo(payload).Length / 2);

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "damaged" });

        Assert.Equal(PgErrorCode.BackupDamaged, error.Code);
        Assert.False(await ExistsAsync("damaged"));
        await AssertNoStagingAsync();
    }

    [PostgresFact]
    public async Task Names_the_table_when_the_copy_differs_from_the_manifest()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(source, _folder),
            manifest => manifest with
            {
                Tables = [.. manifest.Tables.Select(
                    table => table.Name == "duplicates" ? table with { Hash = new string('0', 32) } : table)],
            });

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "differs" });

        Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
        Assert.Contains("public.duplicates", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("public.orders", error.Message, StringComparison.Ordinal);
        Assert.False(await ExistsAsync("differs"));
        await AssertNoStagingAsync();
    }

    [PostgresFact]
    public async Task Refuses_a_target_that_is_not_empty_and_replaces_one_that_is()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var full = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(full, "CREATE TABLE precious (x int)");
        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = full.Database });
        Assert.Equal(PgErrorCode.TargetNotEmpty, error.Code);
        Assert.Contains("1 table and 0 other objects", error.Message, StringComparison.Ordinal);

        var empty = await _server.CreateDatabaseAsync();
        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = empty.Database });
        Assert.Null(restore.ReplacedDatabase);
        Assert.Equal(0L, await ValueAsync(
            _server.Target, $"SELECT count(*) FROM pg_database WHERE datname LIKE {Quote.Literal(empty.Database + "\\_replaced%")}"));
    }

    [PostgresFact]
    public async Task Force_swaps_and_keeps_the_old_database_and_its_grants()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var full = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(full, "CREATE TABLE precious (x int); INSERT INTO precious VALUES (42)");
        await SandboxServer.ExecuteAsync(full, $"REVOKE ALL ON DATABASE {Quote.Identifier(full.Database)} FROM PUBLIC");

        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = full.Database, Force = true });

        Assert.NotNull(restore.ReplacedDatabase);
        Assert.Matches("_replaced_[0-9]{14}$", restore.ReplacedDatabase);
        Assert.Equal(42, await ValueAsync(full.WithDatabase(restore.ReplacedDatabase!), "SELECT x FROM precious"));
        Assert.Equal(2000L, await ValueAsync(full, "SELECT count(*) FROM orders"));
        Assert.Equal(false, await ValueAsync(full, $"SELECT has_database_privilege('public', {Quote.Literal(full.Database)}, 'CONNECT')"));
    }

    [PostgresFact]
    public async Task Names_the_sessions_that_stand_in_the_way_of_a_swap_and_ends_none()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var busy = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(busy, "CREATE TABLE precious (x int)");
        await using var session =
            await ServerConnection.OpenAsync(busy with { ApplicationName = "the till" }, null, CancellationToken.None);

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = busy.Database, Force = true });

        Assert.Equal(PgErrorCode.DatabaseInUse, error.Code);
        Assert.Contains($"pid {session.ProcessID}", error.Message, StringComparison.Ordinal);
        Assert.Contains("the till", error.Message, StringComparison.Ordinal);
        await using var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM precious", session);
        Assert.Equal(0L, await command.ExecuteScalarAsync());
        await AssertNoStagingAsync();
    }

    [PostgresFact]
    public async Task The_source_needs_force_and_a_confirmation()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target });
        Assert.Equal(PgErrorCode.TargetIsSource, error.Code);
        Assert.Empty(_sink.Questions);

        _sink.Answer = false;
        error = await FailAsync(new() { Backup = backup, Target = _server.Target, Force = true });
        Assert.Equal(PgErrorCode.TargetIsSource, error.Code);
        Assert.Single(_sink.Questions);

        _sink.Answer = true;
        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Force = true });
        Assert.Equal(source.Database, restore.Target.Database);
        Assert.True((await CompareAsync(source.WithDatabase(restore.ReplacedDatabase!), source)).Passed);
    }

    [PostgresFact]
    public async Task Lists_everything_that_is_missing_at_once()
    {
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder),
            manifest => manifest with
            {
                Facts = manifest.Facts with
                {
                    Roles = [.. manifest.Facts.Roles, "nobody here", "nor here"],
                    Extensions = new Dictionary<string, string> { ["plpgsql"] = "1.0", ["no_such_extension"] = "3.4" },
                },
            });

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "lacking" });

        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        Assert.Contains("nobody here, nor here", error.Message, StringComparison.Ordinal);
        Assert.Contains("no_such_extension 3.4", error.Message, StringComparison.Ordinal);
        await AssertNoStagingAsync();
    }

    [PostgresFact]
    public async Task Missing_roles_are_created_on_request_and_taken_back_when_the_restore_fails()
    {
        await SandboxServer.ExecuteAsync(_server.Target, "CREATE ROLE \"the owner\"");
        var source = await OddDatabase.CreateAsync(_server, "ALTER TABLE public.events OWNER TO \"the owner\"");
        await SandboxServer.ExecuteAsync(source, $"ALTER DATABASE {Quote.Identifier(source.Database)} OWNER TO \"the owner\"");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        await SandboxServer.ExecuteAsync(source, "REASSIGN OWNED BY \"the owner\" TO CURRENT_USER");
        await SandboxServer.ExecuteAsync(source, "DROP OWNED BY \"the owner\"");
        await SandboxServer.ExecuteAsync(source, "DROP ROLE \"the owner\"");

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "owned" });
        Assert.Contains("the owner", error.Message, StringComparison.Ordinal);

        // The manifest may say nothing of them: the archive itself names its roles.
        var forged = await BackupDamage.ForgeAsync(
            backup, manifest => manifest with { Facts = manifest.Facts with { Roles = [], Owner = "" } });
        error = await FailAsync(new() { Backup = forged, Target = _server.Target, Database = "owned" });
        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        Assert.Contains("roles: the owner", error.Message, StringComparison.Ordinal);
        await AssertNoStagingAsync();

        var broken = await BackupDamage.ForgeAsync(backup, manifest => manifest with { Sequences = [] });
        error = await FailAsync(new() { Backup = broken, Target = _server.Target, Database = "owned", CreateRoles = true });
        Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
        Assert.Equal(0L, await ValueAsync(_server.Target, "SELECT count(*) FROM pg_roles WHERE rolname = 'the owner'"));

        backup = await BackupDamage.ForgeAsync(backup, manifest => manifest);
        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "owned", CreateRoles = true });
        Assert.Equal("the owner", await ValueAsync(
            restore.Target, "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()"));
        Assert.Equal(false, await ValueAsync(_server.Target, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'the owner'"));
    }

    [PostgresFact]
    public async Task Cancelled_in_the_middle_it_leaves_no_database()
    {
        var source = await OddDatabase.CreateAsync(
            _server, "INSERT INTO public.events SELECT '2024-05-05', repeat('x', 200) FROM generate_series(1, 300000)");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        using var stop = new CancellationTokenSource();
        var running = new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = "cancelled" }, _sink, stop.Token);
        while (!running.IsCompleted && _sink.Reports.All(report => !report.Status.Contains("events", StringComparison.Ordinal)))
        {
            await Task.Delay(5);
        }

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.False(await ExistsAsync("cancelled"));
        await AssertNoStagingAsync();
        Assert.Equal(
            0L, await ValueAsync(_server.Target, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pg_restore%'"));
        Assert.All(
            _sink.Reports.GroupBy(report => report.Id), activity => Assert.True(activity.Last().Completed));
    }

    [PostgresFact]
    public async Task Sweeps_what_a_dead_restore_left_and_nothing_else()
    {
        var dead = await _server.CreateDatabaseAsync("shop_pgops_0badcafe");
        var living = await _server.CreateDatabaseAsync("shop_pgops_0badbabe");
        var unmarked = await _server.CreateDatabaseAsync("shop_pgops_0badf00d");
        var unmarkedEmpty = await _server.CreateDatabaseAsync("shop_pgops_00000000");
        await SandboxServer.ExecuteAsync(unmarked, "CREATE TABLE somebodys (x int)");
        foreach (var marked in new[] { dead, living })
        {
            await SandboxServer.ExecuteAsync(
                _server.Target, $"COMMENT ON DATABASE {marked.Database} IS {Quote.Literal(StagingSweep.Comment())}");
        }

        // Another restore may work from another maintenance database.
        await using var holder = await SandboxServer.OpenAsync(await _server.CreateDatabaseAsync());
        await using (var command = new Npgsql.NpgsqlCommand($"SELECT pg_advisory_lock({DatabaseNames.LockKey(living.Database)})", holder))
        {
            await command.ExecuteNonQueryAsync();
        }

        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "swept" });

        Assert.False(await ExistsAsync(dead.Database));
        Assert.False(await ExistsAsync(unmarkedEmpty.Database), "killed between CREATE DATABASE and the mark");
        Assert.True(await ExistsAsync(living.Database));
        Assert.True(await ExistsAsync(unmarked.Database));
        await SandboxServer.ExecuteAsync(_server.Target, $"DROP DATABASE {living.Database}");
        await SandboxServer.ExecuteAsync(_server.Target, $"DROP DATABASE {unmarked.Database}");
    }

    [PostgresFact]
    public async Task A_locale_that_the_server_lacks_is_replaced_and_said()
    {
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder),
            manifest => manifest with { Facts = manifest.Facts with { Collate = "xx_XX.utf8", CType = "xx_XX.utf8" } });

        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "no locale" });

        var collation = restore.Checks.Single(check => check.Name == "collation");
        Assert.Equal(PgCheckStatus.Skipped, collation.Status);
        Assert.Contains("xx_XX.utf8", collation.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_role_that_is_no_superuser_restores_what_it_may_own()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        await SandboxServer.ExecuteAsync(_server.Target, "CREATE ROLE tenant LOGIN CREATEDB PASSWORD 'its own secret'");
        var tenant = (_server.Target with { Username = "tenant" }).WithPassword(new PgSecret("its own secret"));

        var request =
            new RestoreDatabaseRequest
            {
                Backup = backup,
                Target = tenant,
                Database = "of the tenant",
                NoOwner = true,
                NoPrivileges = true,
            };

        // Only a superuser may set what no extension knows: said before the restore and not after it.
        var error = await FailAsync(request);
        Assert.Contains("myapp.motto", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_sink.Reports, report => report.Activity.StartsWith("Restoring", StringComparison.Ordinal));

        var restore = await RestoreAsync(request with { Force = true });
        Assert.Equal(2660, restore.Rows);
        Assert.Equal(PgCheckStatus.Skipped, restore.Checks.Single(check => check.Name == "settings").Status);

        restore = await RestoreAsync(request with { Force = true });
        Assert.NotNull(restore.ReplacedDatabase);
        await AssertNoStagingAsync();
    }

    private Task<PgRestore> RestoreAsync(RestoreDatabaseRequest request)
        => new RestoreDatabase().RunAsync(request, _sink, CancellationToken.None);

    private Task<PgOpsException> FailAsync(RestoreDatabaseRequest request)
        => Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(request));

    private Task<PgComparison> CompareAsync(PgTarget reference, PgTarget difference)
        => new CompareDatabase().RunAsync(new() { ReferenceTarget = reference, Difference = difference }, _sink, CancellationToken.None);

    private static Task<object?> ValueAsync(PgTarget target, string sql) => SandboxServer.ExecuteAsync(target, sql);

    private async Task<bool> ExistsAsync(string database)
        => (bool)(await ValueAsync(_server.Target, $"SELECT EXISTS (SELECT FROM pg_database WHERE datname = {Quote.Literal(database)})"))!;

    private async Task AssertNoStagingAsync()
        => Assert.Equal(0L, await ValueAsync(_server.Target, "SELECT count(*) FROM pg_database WHERE datname ~ '_pgops_[0-9a-f]{8}$'"));
}
