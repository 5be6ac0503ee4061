using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>A theory that needs rclone on the PATH, and for a remote of rclone's a service.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RcloneTheoryAttribute()
    : PeerTheoryAttribute(PostgresAvailability.Missing ?? S3Gateway.Missing ?? Peer.MissingProgram("rclone"));

/// <summary>
/// The whole round with real programs: rclone with a folder and with an S3 service as its remote, and the service itself.
/// </summary>
[Collection(S3Tests.Name)]
[Trait("Category", "Slow")]
public sealed class RealStoreTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    private readonly S3Gateway _gateway;

    public RealStoreTests(SandboxServer server, S3Gateway gateway)
    {
        _server = server;
        _gateway = gateway;
    }

    public void Dispose() => _folder.Dispose();

    [RcloneTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Plain)]
    public Task Rclone_takes_a_backup_through_the_whole_round(PgBackupFormat format)
        => RoundAsync($"rclone::local:{_folder.Path}/remote", format);

    [S3Theory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Plain)]
    public Task An_S3_service_takes_a_backup_through_the_whole_round(PgBackupFormat format)
        => RoundAsync(_gateway.Server, format);

    [RcloneTheory]
    [InlineData(PgBackupFormat.Directory)]
    public Task A_remote_of_rclone_takes_a_backup_through_the_whole_round(PgBackupFormat format)
        => RoundAsync(_gateway.Rclone, format);

    [RcloneTheory]
    [InlineData("rclone:surely-not-configured:x")]
    public async Task A_remote_that_is_not_there_is_a_clear_error(string place)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => ListAsync(place));
        Assert.Equal(PgErrorCode.StoreFailed, error.Code);
        Assert.Contains("surely-not-configured", error.Problem, StringComparison.Ordinal);
    }

    /// <summary>Nothing of this backup is left in a private folder; those of other tests, which run beside this one, come and go.</summary>
    private static void AssertNotFetched(PgBackup backup)
        => Assert.DoesNotContain(Directory.EnumerateDirectories(Path.GetTempPath(), "pgops-private-*"), folder =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(folder, "backup", "manifest.json")).Contains(backup.Id, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        });

    private async Task RoundAsync(string place, PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = Path.Combine(_folder.Path, "local"), Format = format }, _sink,
            CancellationToken.None);
        var copy =
            await new CopyBackup().RunAsync(new CopyBackupRequest { Backup = backup, Destination = place }, _sink, CancellationToken.None);
        try
        {
            Assert.True(copy.Complete, copy.Problem);
            Assert.Equal(backup.Bytes, copy.Bytes);
            Assert.Contains(await ListAsync(place), found => found.Path == copy.Path && !found.Proven);
            var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = copy.Path }, _sink, CancellationToken.None);
            Assert.All(test.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
            var deep =
                await new TestBackup().RunAsync(new TestBackupRequest { Path = copy.Path, Deep = true }, _sink, CancellationToken.None);
            Assert.Equal(copy.Path, deep.Backup.Path);
            Assert.Equal(["files", "hashes", "manifest", "table-of-contents", "decompression"], deep.Checks.Select(check => check.Name));
            Assert.All(deep.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));

            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Path = copy.Path, Server = _server.Target }, _sink, CancellationToken.None);
            Assert.True(drill.Proven, drill.Failure);
            Assert.Equal(copy.Path, drill.Backup.Path);
            Assert.True((await ListAsync(copy.Path)).Single().Proven);

            var restored = await new RestoreDatabase().RunAsync(
                new RestoreDatabaseRequest { Backup = copy, Target = _server.Target, Database = "fetched_" + backup.Id[..8] }, _sink,
                CancellationToken.None);
            Assert.Equal(copy.Path, restored.Backup.Path);
            AssertNotFetched(backup);

            var back = await new CopyBackup().RunAsync(
                new CopyBackupRequest { Backup = copy, Destination = Path.Combine(_folder.Path, "back") }, _sink, CancellationToken.None);
            Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(back.Path, CancellationToken.None)).Status);
        }
        finally
        {
            await StoredBackups.DeleteAsync(copy.Path, CancellationToken.None);
        }

        Assert.DoesNotContain(await ListAsync(place), found => found.Path == copy.Path);
    }

    private Task<IReadOnlyList<PgBackup>> ListAsync(string place)
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = place }, _sink, CancellationToken.None);
}
