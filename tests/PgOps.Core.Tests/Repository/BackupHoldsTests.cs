using System.Text;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

/// <summary>Holds that are put on a backup after it was made, in folders and stores.</summary>
public sealed class BackupHoldsTests : IDisposable
{
    private static readonly DateTime Now = new(DateTime.UtcNow.Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    private string HoldsFile => Path.Combine(_folder.Path, BackupHolds.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_hold_keeps_a_backup_and_the_longest_one_counts()
    {
        BackupSample.Write(_folder.Path, "shop", Now);
        var held = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-1));
        await HoldAsync(held, 30);
        await HoldAsync(held, 3);
        Assert.Equal(Now.AddDays(30), (await FindAsync(_folder.Path)).Single(backup => backup.Id == held.Id).KeepUntil);
        Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(held.Path, CancellationToken.None)).Status);

        await new RemoveBackups().RunAsync(
            new RemoveBackupsRequest { Folders = [_folder.Path], Policy = new RetentionPolicy { KeepLast = 1 } }, _sink,
            CancellationToken.None);
        Assert.True(Directory.Exists(held.Path));
        await new RemoveBackups().RunAsync(
            new RemoveBackupsRequest { Backups = [held], Force = true }, _sink, CancellationToken.None);
        Assert.False(Directory.Exists(held.Path));
    }

    [Fact]
    public async Task Nothing_in_the_file_shortens_a_hold_of_the_manifest_or_breaks_the_listing()
    {
        var held = BackupSample.Write(_folder.Path, "shop", Now, manifest: one => one with { KeepUntil = Now.AddDays(9) });
        await HoldAsync(held, 1);
        await File.AppendAllTextAsync(HoldsFile, "{}\nnot a line\n{\"backupId\":\"x\",\"keepUntil\":\"never\"}\n{\"backupId\":\"torn");
        Assert.Equal(Now.AddDays(9), Assert.Single(await FindAsync(_folder.Path)).KeepUntil);
        Assert.Equal([$"{HoldsFile} has lines that cannot be read, so what they hold is not known: 3."], _sink.Warnings);

        // What a writer that died left behind gives way to the next line.
        await HoldAsync(held, 20);
        Assert.Equal(Now.AddDays(20), Assert.Single(await FindAsync(_folder.Path)).KeepUntil);
    }

    [Fact]
    public async Task Holds_side_by_side_are_all_kept()
    {
        var backups = Enumerable.Range(0, 16).Select(hour => BackupSample.Write(_folder.Path, "shop", Now.AddHours(-hour))).ToList();
        await Task.WhenAll(backups.Select(backup => Task.Run(() => HoldAsync(backup, 5))));
        Assert.All(await FindAsync(_folder.Path), backup => Assert.Equal(Now.AddDays(5), backup.KeepUntil));
    }

    [Fact]
    public async Task A_store_holds_as_a_folder_does()
    {
        using var s3 = new FaultyS3();
        foreach (var day in new[] { 2, 1, 0 })
        {
            await new CopyBackup().RunAsync(
                new CopyBackupRequest
                {
                    Backup = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-day)),
                    Destination = s3.Uri("nightly"),
                },
                _sink,
                CancellationToken.None);
        }

        var held = (await FindAsync(s3.Uri("nightly")))[1];
        await HoldAsync(held, 30);
        await HoldAsync(held, 3);
        var file = s3.Objects.Single(one => one.Key.EndsWith("holds.jsonl", StringComparison.Ordinal)).Value.Content;
        Assert.Equal(2, Encoding.UTF8.GetString(file).Count(letter => letter == '\n'));
        var plan = await new RemoveBackups().PlanAsync(
            new RemoveBackupsRequest { Folders = [s3.Uri("nightly")], Policy = new RetentionPolicy { KeepLast = 1 } }, _sink,
            CancellationToken.None);
        Assert.Equal(
            ["last, last complete", FormattableString.Invariant($"held until {Now.AddDays(30):yyyy-MM-dd HH:mm}Z"), "no rule keeps it"],
            plan.Select(decision => decision.Reason));
    }

    private Task HoldAsync(PgBackup backup, int days) => new HoldBackup().RunAsync(
        new HoldBackupRequest { Backup = backup, Until = Now.AddDays(days), Reason = "a test" }, _sink, CancellationToken.None);

    private Task<IReadOnlyList<PgBackup>> FindAsync(string place)
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = place }, _sink, CancellationToken.None);
}
