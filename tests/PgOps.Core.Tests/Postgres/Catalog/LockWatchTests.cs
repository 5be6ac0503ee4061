using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Catalog;

/// <summary>What waits for a lock says for whom, and does not wait for ever where a limit is given.</summary>
[Collection(PostgresTests.Name)]
public sealed class LockWatchTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(4);

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public LockWatchTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("backup")]
    [InlineData("comparison")]
    public async Task Who_holds_the_lock_is_said_and_the_work_goes_on_when_it_is_free(string what)
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            var running = WorkAsync(what, source, Long);
            await Eventually.HoldsAsync(() => _sink.Warnings.Any(), "a word about the lock");
            Assert.False(running.IsCompleted);
            Assert.StartsWith(
                $"The {what} waits: held is locked by pid {holder.ProcessID}, user ", _sink.Warnings.First(), StringComparison.Ordinal);
            await ExecuteAsync(holder, "ROLLBACK");

            await running;
        }
    }

    [PostgresTheory]
    [InlineData("backup", PgErrorCode.BackupFailed)]
    [InlineData("comparison", PgErrorCode.StatementFailed)]
    public async Task A_limit_ends_the_wait_and_nothing_stays(string what, PgErrorCode code)
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => WorkAsync(what, source, Short));

            Assert.Equal(code, error.Code);
            Assert.Contains($"the {what} waited 4", error.Problem, StringComparison.Ordinal);
            Assert.Contains($": held is locked by pid {holder.ProcessID}, user ", error.Problem, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        }
    }

    [PostgresFact]
    public async Task A_limit_below_the_three_seconds_counts_too()
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            var began = DateTime.UtcNow;
            var error = await Assert.ThrowsAsync<PgOpsException>(() => WorkAsync("backup", source, TimeSpan.FromSeconds(1)));

            Assert.Contains("held is locked by pid", error.Problem, StringComparison.Ordinal);
            Assert.True(DateTime.UtcNow - began < Long);
        }
    }

    // The backup has locked the first table and waits for the second; somebody asks for the first; when the second is free, pg_dump
    // stands behind him.
    [PostgresFact]
    public async Task Who_waits_for_the_backup_that_waits_for_him_is_named()
    {
        var (source, first) = await LockedAsync();
        await using var second = await SandboxServer.OpenAsync(source);
        await using var third = await SandboxServer.OpenAsync(source);
        await using (first)
        {
            var running = WorkAsync("backup", source, Long);
            await WaitingAsync(source, "AccessShareLock", 1);

            // The sizes are read under a lock for a moment; the backup's own lock comes behind this one.
            var holding = LockAsync(second, "held");
            await WaitingAsync(source, "AccessExclusiveLock", 1);
            await ExecuteAsync(first, "ROLLBACK");
            await holding;
            await WaitingAsync(source, "AccessShareLock", 1);
            var asking = LockAsync(third, "free");
            await WaitingAsync(source, "AccessExclusiveLock", 1);
            await ExecuteAsync(second, "ROLLBACK");
            var told = $"The backup waits: free is asked for by pid {third.ProcessID}, user ";
            await Eventually.HoldsAsync(
                () => _sink.Warnings.Any(one => one.StartsWith(told, StringComparison.Ordinal)), "a word about the circle");

            Assert.EndsWith(", which waits for the backup in turn.", _sink.Warnings.Last(), StringComparison.Ordinal);
            await SandboxServer.ExecuteAsync(source, $"SELECT pg_cancel_backend({third.ProcessID})");
            await Assert.ThrowsAsync<PostgresException>(() => asking);
            await running;
        }
    }

    [PostgresFact]
    public async Task A_prepared_transaction_is_named_as_one()
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            await ExecuteAsync(holder, $"PREPARE TRANSACTION '{source.Database}'");
            try
            {
                var error = await Assert.ThrowsAsync<PgOpsException>(() => WorkAsync("backup", source, Short));

                Assert.EndsWith(
                    "held is locked by a prepared transaction (pg_prepared_xacts).", error.Problem, StringComparison.Ordinal);
            }
            finally
            {
                await ExecuteAsync(holder, $"ROLLBACK PREPARED '{source.Database}'");
            }
        }
    }

    [PostgresFact]
    public async Task A_restore_into_a_database_that_others_use_says_so_too()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE kept (a int)");
        var backup = await new BackupDatabase().RunAsync(
            new() { Target = source, Path = _folder.Path }, new CollectingSink(), CancellationToken.None);
        var into = await BackupTestDatabase.CreateAsync(_server, "SELECT 1");
        await using var holder = await SandboxServer.OpenAsync(into);
        await ExecuteAsync(holder, "BEGIN; LOCK TABLE pg_catalog.pg_class IN SHARE MODE");

        var running = new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = into, Database = into.Database, IntoEmpty = true },
            _sink,
            CancellationToken.None);
        await Eventually.HoldsAsync(() => _sink.Warnings.Any(), "a word about the lock");
        Assert.StartsWith(
            $"The restore waits: pg_class is locked by pid {holder.ProcessID}, user ", _sink.Warnings.First(), StringComparison.Ordinal);
        await ExecuteAsync(holder, "ROLLBACK");

        await running;
    }

    private async Task<(PgTarget Source, NpgsqlConnection Holder)> LockedAsync()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE free (a int); CREATE TABLE held (a int)");
        var holder = await SandboxServer.OpenAsync(source);
        await ExecuteAsync(holder, "BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE");
        return (source, holder);
    }

    private static async Task LockAsync(NpgsqlConnection session, string table)
    {
        await ExecuteAsync(session, "BEGIN");
        await ExecuteAsync(session, $"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    }

    private static Task WaitingAsync(PgTarget target, string mode, int count) => Eventually.HoldsAsync(
        async () => (long)(await SandboxServer.ExecuteAsync(
            target,
            $"SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND mode = '{mode}' "
                + "AND datname = current_database()"))! == count,
        $"{count} waiting for {mode}");

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync();
    }

    private async Task WorkAsync(string what, PgTarget source, TimeSpan limit)
    {
        if (what == "backup")
        {
            var backup = await new BackupDatabase().RunAsync(
                new() { Target = source, Path = _folder.Path, LockTimeout = limit }, _sink, CancellationToken.None);
            Assert.True(backup.Complete);
        }
        else
        {
            var comparison = await new CompareDatabase().RunAsync(
                new() { ReferenceTarget = source, Difference = source, LockTimeout = limit }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed);
        }
    }
}
