using PgOps.Core.Backups;
using PgOps.Core.Common.Files;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>A theory that needs a store: rclone on the PATH, or the URI of a running service in a variable.</summary>
public sealed class StoreTheoryAttribute : TheoryAttribute
{
    public StoreTheoryAttribute(string need)
    {
        Skip = need == "rclone"
            ? ProgramSearch.OnPath(OperatingSystem.IsWindows() ? "rclone.exe" : "rclone") is null ? "rclone is not on the PATH." : null
            : Environment.GetEnvironmentVariable(need) is null
                ? $"{need} is not set: {Meaning(need)}."
                : null;
    }

    private static string Meaning(string need) => need switch
    {
        "PGOPS_S3_SERVER" => "the URI of a store, s3://bucket/tests?endpoint=http://127.0.0.1:9000, with the keys in the AWS variables",
        "PGOPS_S3_LOCKED" => "the same in a bucket that was made with object lock",
        "PGOPS_S3_KMS_KEY" => "the id of a KMS key of the service of PGOPS_S3_SERVER",
        _ => "a place of rclone's, rclone:azurite:container",
    };
}

/// <summary>The whole round with real programs: rclone with a folder as its remote, and what PGOPS_S3_SERVER and PGOPS_RCLONE_REMOTE name.</summary>
[Collection(PostgresTests.Name)]
public sealed class RealStoreTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public RealStoreTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [StoreTheory("rclone")]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Plain)]
    public Task Rclone_takes_a_backup_through_the_whole_round(PgBackupFormat format) => RoundAsync($"rclone::local:{_folder.Path}/remote", format);

    [StoreTheory("PGOPS_S3_SERVER")]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Plain)]
    public Task An_S3_service_takes_a_backup_through_the_whole_round(PgBackupFormat format)
        => RoundAsync(Environment.GetEnvironmentVariable("PGOPS_S3_SERVER")!, format);

    [StoreTheory("PGOPS_RCLONE_REMOTE")]
    [InlineData(PgBackupFormat.Directory)]
    public Task A_remote_of_rclone_takes_a_backup_through_the_whole_round(PgBackupFormat format)
        => RoundAsync(Environment.GetEnvironmentVariable("PGOPS_RCLONE_REMOTE")!, format);

    [StoreTheory("rclone")]
    [InlineData("rclone:surely-not-configured:x")]
    public async Task A_remote_that_is_not_there_is_a_clear_error(string place)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => ListAsync(place));
        Assert.Equal(PgErrorCode.StoreFailed, error.Code);
        Assert.Contains("surely-not-configured", error.Problem, StringComparison.Ordinal);
    }

    private async Task RoundAsync(string place, PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = Path.Combine(_folder.Path, "local"), Format = format }, _sink, CancellationToken.None);
        var copy = await new CopyBackup().RunAsync(new CopyBackupRequest { Backup = backup, Destination = place }, _sink, CancellationToken.None);
        try
        {
            Assert.True(copy.Complete, copy.Problem);
            Assert.Equal(backup.Bytes, copy.Bytes);
            Assert.Contains(await ListAsync(place), found => found.Path == copy.Path && !found.Proven);
            var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = copy.Path }, _sink, CancellationToken.None);
            Assert.All(test.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
            var deep = await new TestBackup().RunAsync(new TestBackupRequest { Path = copy.Path, Deep = true }, _sink, CancellationToken.None);
            Assert.Equal(copy.Path, deep.Backup.Path);
            Assert.Equal(["files", "hashes", "manifest", "table-of-contents", "decompression"], deep.Checks.Select(check => check.Name));
            Assert.All(deep.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));

            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Path = copy.Path, Server = _server.Target }, _sink, CancellationToken.None);
            Assert.True(drill.Proven, drill.Failure);
            Assert.Equal(copy.Path, drill.Backup.Path);
            Assert.True((await ListAsync(copy.Path)).Single().Proven);

            var restored = await new RestoreDatabase().RunAsync(
                new RestoreDatabaseRequest { Backup = copy, Target = _server.Target, Database = "fetched_" + backup.Id[..8] }, _sink, CancellationToken.None);
            Assert.Equal(copy.Path, restored.Backup.Path);
            Assert.DoesNotContain(Directory.EnumerateDirectories(Path.GetTempPath(), "pgops-private-*"), folder =>
                File.Exists(Path.Combine(folder, OwnerMark.FileName)) && File.ReadAllLines(Path.Combine(folder, OwnerMark.FileName))[1] == Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));

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
