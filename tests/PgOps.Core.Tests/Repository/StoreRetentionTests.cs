using System.Globalization;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Repository.Storage;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

/// <summary>Retention in a store: the rules and guards of folders, and removals that break off.</summary>
public sealed class StoreRetentionTests : IDisposable
{
    private static readonly RetentionPolicy LastOne = new() { KeepLast = 1 };
    private readonly FaultyS3 _s3 = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose()
    {
        _s3.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Rules_and_guards_are_those_of_folders()
    {
        var backups = await FillAsync(4);
        await DrillLedger.AppendAsync(Drill(backups[1]), null, CancellationToken.None);
        var request = new RemoveBackupsRequest { Folders = [_s3.Uri("nightly")], Policy = LastOne };
        _s3.Requests.Clear();
        var plan = await new RemoveBackups().PlanAsync(request, _sink, CancellationToken.None);
        Assert.Equal(
            ["last, last complete", "no rule keeps it", "last proven", "no rule keeps it"], plan.Select(decision => decision.Reason));
        Assert.Equal(0, _s3.Count("DELETE") + _s3.Count("PUT"));

        await new RemoveBackups().RunAsync(request, _sink, CancellationToken.None);
        Assert.Empty(_sink.Failures);
        Assert.Equal([backups[3].Path, backups[1].Path], (await ListAsync()).Select(backup => backup.Path));
        foreach (var gone in (PgBackup[])[backups[0], backups[2]])
        {
            var name = StoreUri.Parse(gone.Path).Name;
            Assert.DoesNotContain(_s3.Objects.Keys, key => key.Contains(name, StringComparison.Ordinal));
            Assert.EndsWith("/SHA256SUMS", _s3.Requests.First(line => line.StartsWith("DELETE", StringComparison.Ordinal)
                && line.Contains(name, StringComparison.Ordinal)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_latest_is_the_newest_whole_one_and_a_newer_broken_one_is_named()
    {
        var backups = await FillAsync(3);
        Assert.Equal(backups[2].Path, Assert.Single(await LatestAsync()).Path);
        Assert.Empty(_sink.Failures);

        var broken = StoreUri.Parse(backups[2].Path).Name;
        foreach (var key in _s3.Objects.Keys.Where(key => key.Contains($"{broken}/data", StringComparison.Ordinal)).ToList())
        {
            _s3.Objects.Remove(key, out _);
        }

        Assert.Equal(backups[1].Path, Assert.Single(await LatestAsync()).Path);
        Assert.Contains(broken, Assert.Single(_sink.Failures).Message, StringComparison.Ordinal);

        Task<IReadOnlyList<PgBackup>> LatestAsync() => new FindBackups().RunAsync(
            new FindBackupsRequest { Path = _s3.Uri("nightly"), Latest = true }, _sink, CancellationToken.None);
    }

    [Fact]
    public async Task A_named_backup_goes_unless_it_is_the_last()
    {
        var backups = await FillAsync(2);
        await new RemoveBackups().RunAsync(new RemoveBackupsRequest { Backups = [backups[0]] }, _sink, CancellationToken.None);
        await new RemoveBackups().RunAsync(new RemoveBackupsRequest { Backups = [backups[1]] }, _sink, CancellationToken.None);
        Assert.Equal(backups[1].Path, Assert.Single(await ListAsync()).Path);
        await new RemoveBackups().RunAsync(
            new RemoveBackupsRequest { Backups = [backups[1]], Force = true }, _sink, CancellationToken.None);
        Assert.Empty(_s3.Objects);
        Assert.Empty(_sink.Failures);
    }

    [Fact]
    public async Task A_removal_that_broke_off_leaves_no_backup_and_is_finished()
    {
        var backups = await FillAsync(2);
        using var kill = new CancellationTokenSource();
        _s3.Break = what =>
        {
            if (!what.StartsWith("DELETE", StringComparison.Ordinal) || !what.EndsWith("toc.dat", StringComparison.Ordinal))
            {
                return Fault.None;
            }

            kill.Cancel();
            return Fault.Cut;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoredBackups.DeleteAsync(backups[0].Path, kill.Token));
        _s3.Break = _ => Fault.None;
        var left = (await ListAsync()).Single(backup => backup.Path == backups[0].Path);
        Assert.False(left.Complete);
        Assert.Contains("removal was interrupted", left.Problem, StringComparison.Ordinal);

        await new RemoveBackups().RunAsync(
            new RemoveBackupsRequest { Folders = [_s3.Uri("nightly")], Policy = new RetentionPolicy { KeepLast = 5 } }, _sink,
            CancellationToken.None);
        Assert.Equal(backups[1].Path, Assert.Single(await ListAsync()).Path);
    }

    private static PgDrill Drill(PgBackup backup)
        => new()
        {
            Backup = backup,
            Checks = [PgCheck.Pass("content", "")],
            ContentEqual = true,
            StartedAt = DateTime.UtcNow,
            ServerVersion = "15.18",
        };

    private async Task<List<PgBackup>> FillAsync(int count)
    {
        var copies = new List<PgBackup>();
        for (var day = 1; day <= count; day++)
        {
            var backup =
                await BackupOnDisk.MakeAsync(_folder.Path, 1000, string.Create(CultureInfo.InvariantCulture, $"shop_2026010{day}-000000Z"));
            copies.Add(await new CopyBackup().RunAsync(
                new CopyBackupRequest { Backup = backup, Destination = _s3.Uri("nightly") }, _sink, CancellationToken.None));
        }

        return copies;
    }

    private Task<IReadOnlyList<PgBackup>> ListAsync()
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = _s3.Uri("nightly") }, _sink, CancellationToken.None);
}
