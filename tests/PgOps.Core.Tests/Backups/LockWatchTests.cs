using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>A backup that waits says for whom, and does not wait for ever where a limit is given.</summary>
[Collection(PostgresTests.Name)]
public sealed class LockWatchTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public LockWatchTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Who_holds_the_lock_is_said_and_the_backup_goes_on_when_it_is_free()
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            var running = BackUpAsync(source, TimeSpan.FromMinutes(1));
            await Eventually.HoldsAsync(() => _sink.Warnings.Any(), "a word about the lock");
            Assert.False(running.IsCompleted);
            Assert.StartsWith(
                $"The backup waits: held is locked by pid {holder.ProcessID}, user ",
                Assert.Single(_sink.Warnings),
                StringComparison.Ordinal);
            await using (var end = new NpgsqlCommand("ROLLBACK", holder))
            {
                await end.ExecuteNonQueryAsync();
            }

            Assert.True((await running).Complete);
        }
    }

    [PostgresFact]
    public async Task A_limit_ends_the_wait_and_nothing_stays()
    {
        var (source, holder) = await LockedAsync();
        await using (holder)
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => BackUpAsync(source, TimeSpan.FromSeconds(5)));

            Assert.Equal(PgErrorCode.BackupFailed, error.Code);
            Assert.Contains("waited 5", error.Problem, StringComparison.Ordinal);
            Assert.Contains($": held is locked by pid {holder.ProcessID}, user ", error.Problem, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        }
    }

    private async Task<(PgTarget Source, NpgsqlConnection Holder)> LockedAsync()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE free (a int); CREATE TABLE held (a int)");
        var holder = await SandboxServer.OpenAsync(source);
        await using var begin = new NpgsqlCommand("BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE", holder);
        await begin.ExecuteNonQueryAsync();
        return (source, holder);
    }

    private Task<PgBackup> BackUpAsync(PgTarget source, TimeSpan limit) => new BackupDatabase().RunAsync(
        new() { Target = source, Path = _folder.Path, LockTimeout = limit }, _sink, CancellationToken.None);
}
