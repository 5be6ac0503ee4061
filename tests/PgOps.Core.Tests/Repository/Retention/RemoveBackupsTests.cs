using System.Diagnostics;
using PgOps.Core.Common.Files;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Retention;

public sealed class RemoveBackupsTests : IDisposable
{
    // Whole seconds, as the names of backups have them.
    private static readonly DateTime Now = new(DateTime.UtcNow.Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_plan_touches_nothing_and_the_run_does_what_it_said()
    {
        var backups = Enumerable.Range(0, 6).Select(day => BackupSample.Write(_folder.Path, "shop", Now.AddDays(-day))).ToList();
        await BackupSample.ProveAsync(backups[4]);
        var before = Everything();
        var request = Folder(new RetentionPolicy { KeepLast = 2 });
        var plan = await new RemoveBackups().PlanAsync(request, _sink, CancellationToken.None);
        Assert.Equal(before, Everything());
        Assert.Equal(
            ["last, last complete", "last", "no rule keeps it", "no rule keeps it", "last proven", "no rule keeps it"],
            plan.Select(one => one.Reason));

        await new RemoveBackups().RunAsync(request, _sink, CancellationToken.None);
        Assert.Equal(plan.Select(one => one.Reason), _sink.Outputs.OfType<PgBackupRetention>().Select(one => one.Reason));
        Assert.Equal(3, _sink.Outputs.OfType<PgBackupRetention>().Count(one => one.Removed));
        Assert.Equal(
            [backups[4].Path, backups[1].Path, backups[0].Path], Directory.GetDirectories(_folder.Path).Order(StringComparer.Ordinal));
        Assert.All(await FindAsync(), backup => Assert.True(backup.Complete));
    }

    [Fact]
    public async Task A_removal_that_broke_off_is_no_backup_and_the_next_run_finishes_it()
    {
        var kept = BackupSample.Write(_folder.Path, "shop", Now);
        var doomed = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-1)).Path + ".removing";
        Directory.Move(doomed[..^".removing".Length], doomed);
        var foreign = Path.Combine(_folder.Path, "old.dump.removing");
        await File.WriteAllTextAsync(foreign, "PGDMP");
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "old.dump.sha256"), new string('0', 64));
        foreach (var file in new[] { "", "manifest.json", "data.dump", "SHA256SUMS" })
        {
            File.Delete(Path.Combine(doomed, file.Length == 0 ? "none" : file));
            var listed = (await FindAsync()).Single(backup => backup.Path == doomed);
            Assert.False(listed.Complete);
            Assert.Contains("removal was interrupted", listed.Problem, StringComparison.Ordinal);
        }

        await new RemoveBackups().RunAsync(Folder(new RetentionPolicy { KeepLast = 5 }), _sink, CancellationToken.None);
        Assert.Equal(
            [".retention.lock", Path.GetFileName(kept.Path)],
            Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task One_that_is_read_stays_until_its_reader_is_done()
    {
        BackupSample.Write(_folder.Path, "shop", Now);
        var read = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-1));
        var request = new RemoveBackupsRequest { Backups = [read] };
        using (await BackupReadLock.TakeAsync(read.Path, CancellationToken.None))
        using (await BackupReadLock.TakeAsync(read.Path, CancellationToken.None))
        {
            await new RemoveBackups().RunAsync(request, _sink, CancellationToken.None);
            var decision = Assert.Single(_sink.Outputs.OfType<PgBackupRetention>());
            Assert.Contains("in use", decision.Reason, StringComparison.Ordinal);
            Assert.True(BackupFolder.Read(read.Path).Complete);
        }

        await new RemoveBackups().RunAsync(request, _sink, CancellationToken.None);
        Assert.False(Directory.Exists(read.Path));
    }

    [Fact]
    public async Task A_killed_readers_mark_goes_with_it()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        BackupSample.Write(_folder.Path, "shop", Now);
        var read = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-1));
        using var reader =
            Process.Start(new ProcessStartInfo("flock", ["--shared", "--no-fork", Path.Combine(read.Path, "SHA256SUMS"), "sleep", "60"]))!;
        try
        {
            for (var waited = Stopwatch.StartNew(); !BackupReadLock.IsHeld(read.Path); await Task.Delay(20))
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(20));
            }
        }
        finally
        {
            reader.Kill();
            await reader.WaitForExitAsync();
        }

        await new RemoveBackups().RunAsync(new RemoveBackupsRequest { Backups = [read] }, _sink, CancellationToken.None);
        Assert.False(Directory.Exists(read.Path));
    }

    [Fact]
    public async Task Two_at_once_do_not_remove_each_others_last_one()
    {
        for (var round = 0; round < 20; round++)
        {
            var backups = Enumerable.Range(0, 4).Select(hour => BackupSample.Write(_folder.Path, $"shop{round}", Now.AddHours(-hour)))
                .ToList();
            await Task.WhenAll(backups.Select(backup => Task.Run(() => new RemoveBackups().RunAsync(
                new RemoveBackupsRequest { Backups = [backup] }, _sink, CancellationToken.None))));
            Assert.Contains(await FindAsync(), backup => backup.Database == $"shop{round}" && backup.Complete);
        }
    }

    [Fact]
    public async Task The_last_complete_and_the_last_proven_one_go_by_name_with_force_alone()
    {
        var only = BackupSample.Write(_folder.Path, "shop", Now);
        foreach (var guards in new[] { "last complete", "last complete, last proven" })
        {
            var plain = await PlanAsync(new RemoveBackupsRequest { Backups = [only] });
            Assert.Equal((PgRetentionAction.Keep, $"{guards}; -Force removes it by name"), (plain.Action, plain.Reason));
            var forced = await PlanAsync(new RemoveBackupsRequest { Backups = [only], Force = true });
            Assert.Equal((PgRetentionAction.Remove, $"named with -Force ({guards})"), (forced.Action, forced.Reason));
            await BackupSample.ProveAsync(only);
        }
    }

    [Fact]
    public async Task What_is_dated_after_now_or_held_for_long_is_named_once()
    {
        var real = BackupSample.Write(_folder.Path, "shop", Now);
        var ahead = BackupSample.Write(_folder.Path, "shop", Now.AddDays(3).AddMinutes(30));
        var held = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-3), manifest: one => one with { KeepUntil = DateTime.MaxValue });
        var request = Folder(new RetentionPolicy { KeepLast = 1 });
        var plan = await new RemoveBackups().PlanAsync(request, _sink, CancellationToken.None);
        await new RemoveBackups().RunAsync(
            request with { Approved = new HashSet<string>(StringComparer.Ordinal) }, _sink, CancellationToken.None);
        Assert.All(plan, decision => Assert.Equal(PgRetentionAction.Keep, decision.Action));
        Assert.Equal([ahead.Path, real.Path, held.Path], plan.Select(decision => decision.Path));
        Assert.Equal("last, last complete", plan[1].Reason);
        Assert.Equal(
            [
                $"{ahead.Path} is dated 3 d 0 h after now, so its clock or this machine's was wrong: "
                    + "it is kept, and no rule or guard counts it.",
                $"{held.Path} is held until 9999-12-31, more than ten years from now.",
            ],
            _sink.Warnings);
    }

    [Fact]
    public async Task A_label_that_is_no_plain_name_makes_a_manifest_unreadable_and_shows_nowhere()
    {
        foreach (var label in new[] { "\u001b[31mred", "../../etc", "a\nb", "", new string('x', 64), "-Force", "a b" })
        {
            var backup = BackupSample.Write(_folder.Path, "shop", Now, manifest: one => one with { Label = label });
            Assert.Null(backup.Label);
            Assert.Equal(
                "manifest.json cannot be read: its label is not a plain name, as Backup-PgDatabase writes it", backup.Problem);
            Assert.Equal(PgRetentionAction.Keep, (await PlanAsync(new RemoveBackupsRequest { Backups = [backup] })).Action);
        }

        Assert.Equal("v1.2_pre-migration", BackupSample.Write(
            _folder.Path, "shop", Now, manifest: one => one with { Label = "v1.2_pre-migration" }).Label);
    }

    [Fact]
    public async Task What_is_incomplete_or_foreign_goes_only_by_name_and_with_force()
    {
        BackupSample.Write(_folder.Path, "shop", Now);
        var damaged = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-9));
        File.Delete(Path.Combine(damaged.Path, "SHA256SUMS"));
        var foreign = Path.Combine(_folder.Path, "shop.dump");
        await File.WriteAllTextAsync(foreign, "");
        await new RemoveBackups().RunAsync(Folder(new RetentionPolicy { KeepLast = 1 }), _sink, CancellationToken.None);
        Assert.True(Directory.Exists(damaged.Path) && File.Exists(foreign));
        foreach (var path in new[] { damaged.Path, foreign })
        {
            var request = new RemoveBackupsRequest { Backups = [BackupFolder.Read(path)] };
            Assert.Equal(PgRetentionAction.Keep, (await PlanAsync(request)).Action);
            await new RemoveBackups().RunAsync(request with { Force = true }, _sink, CancellationToken.None);
            Assert.False(Path.Exists(path));
        }
    }

    [Fact]
    public async Task An_unfinished_backup_goes_when_its_process_is_gone()
    {
        var alive = Directory.CreateDirectory(Path.Combine(_folder.Path, "shop_20261119-000000Z.partial")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(alive, OwnerFile.FileName), OwnerFile.Own());
        var dead = Directory.CreateDirectory(Path.Combine(_folder.Path, "shop_20261118-000000Z.partial")).FullName;
        var mark = await File.ReadAllLinesAsync(Path.Combine(alive, OwnerFile.FileName));
        await File.WriteAllTextAsync(Path.Combine(dead, OwnerFile.FileName), $"{mark[0]}\n{mark[1]}\n1\n");
        await new RemoveBackups().RunAsync(Folder(new RetentionPolicy { KeepLast = 1 }), _sink, CancellationToken.None);
        Assert.Equal([alive], Directory.GetDirectories(_folder.Path));
    }

    [Fact]
    public async Task Requests_that_say_too_little_or_too_much_are_refused()
    {
        var backup = BackupSample.Write(_folder.Path, "shop", Now);
        foreach (var request in new[]
        {
            Folder(new RetentionPolicy()),
            new RemoveBackupsRequest { Backups = [backup, backup], Force = true },
            new RemoveBackupsRequest { Backups = [backup], Policy = new RetentionPolicy { KeepLast = 1 }, Force = true },
            Folder(new RetentionPolicy { KeepDaily = 0 }),
            new RemoveBackupsRequest { Backups = [backup], Policy = new RetentionPolicy { IncludeLabelled = true } },
            new RemoveBackupsRequest { Backups = [backup with { Path = Path.Combine(backup.Path, "data.dump") }], Force = true },
        })
        {
            var error =
                await Assert.ThrowsAsync<PgOpsException>(() => new RemoveBackups().RunAsync(request, _sink, CancellationToken.None));
            Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        }

        await new RemoveBackups().RunAsync(
            new RemoveBackupsRequest { Backups = [backup with { Id = "another" }], Force = true }, _sink, CancellationToken.None);
        Assert.True(BackupFolder.Read(backup.Path).Complete);
    }

    private RemoveBackupsRequest Folder(RetentionPolicy policy) => new() { Folders = [_folder.Path], Policy = policy };

    private async Task<PgBackupRetention> PlanAsync(RemoveBackupsRequest request)
        => Assert.Single(await new RemoveBackups().PlanAsync(request, _sink, CancellationToken.None));

    private Task<IReadOnlyList<PgBackup>> FindAsync()
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None);

    private List<string> Everything()
        => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
