using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Postgres.Sandbox;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>Faults between a backup and an S3 service; a service in this process makes them.</summary>
[Trait("Category", "Slow")]
public sealed class S3StoreTests : IDisposable
{
    private const string Name = "shop_20260101-000000Z";
    private readonly FaultyS3 _s3 = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose()
    {
        _s3.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_backup_goes_there_is_found_and_comes_back_as_it_was(bool checksums)
    {
        _s3.Checksums = checksums;
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        Assert.True(copy.Complete, copy.Problem);
        Assert.Equal((backup.Id, backup.Bytes), (copy.Id, copy.Bytes));
        Assert.Equal($"nightly/{Name}/SHA256SUMS", LastPut());
        Assert.Equal(0, _s3.Unfinished);

        var listed = Assert.Single(
            await new FindBackups().RunAsync(new FindBackupsRequest { Path = _s3.Uri("nightly") }, _sink, CancellationToken.None));
        Assert.Equal(copy.Path, listed.Path);
        Assert.Equal(checksums ? 0 : 4, BodiesRead(() => CopyAsync(backup, _s3.Uri("nightly")), "SHA256SUMS", "manifest.json"));

        var back = await CopyAsync(copy, Path.Combine(_folder.Path, "back"));
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(backup.Path, "SHA256SUMS")),
            await File.ReadAllBytesAsync(Path.Combine(back.Path, "SHA256SUMS")));
        Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(back.Path, CancellationToken.None)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_interrupted_upload_goes_on_where_it_stopped(bool checksums)
    {
        _s3.Checksums = checksums;
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        using var kill = new CancellationTokenSource();
        _s3.Break = what =>
        {
            if (what.Contains("partNumber=3", StringComparison.Ordinal))
            {
                // The first two parts are there; what follows is what a killed process leaves.
                SpinWait.SpinUntil(() => _s3.Parts >= 2, 20_000);
                kill.Cancel();
                return Fault.Cut;
            }

            return Fault.None;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CopyAsync(backup, _s3.Uri("nightly"), cancellationToken: kill.Token));
        Assert.Equal(1, _s3.Unfinished);
        Assert.DoesNotContain(await ListAsync(), found => found.Complete);

        _s3.Break = _ => Fault.None;
        _s3.Requests.Clear();
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        Assert.True(copy.Complete, copy.Problem);
        Assert.Equal(0, _s3.Count("partNumber=1&") + _s3.Count("partNumber=2&"));
        Assert.Equal(1, _s3.Count("partNumber=3"));
        Assert.Equal(0, _s3.Unfinished);
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(backup.Path, "data", "1.dat.gz")),
            _s3.Objects[$"nightly/{Name}/data/1.dat.gz"].Content);
    }

    [Fact]
    public async Task Errors_500_and_503_and_cut_connections_are_tried_again()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        _s3.Break = what =>
        {
            lock (seen)
            {
                // The first time every part and the manifest meet something else.
                var first = seen[what] = seen.GetValueOrDefault(what) + 1;
                return first > 1 ? Fault.None
                    : what.Contains("partNumber=1", StringComparison.Ordinal) ? Fault.Error500
                    : what.Contains("partNumber=2", StringComparison.Ordinal) ? Fault.Slow503
                    : what.Contains("partNumber=3", StringComparison.Ordinal) ? Fault.Error500
                    : what.StartsWith("BODY", StringComparison.Ordinal) && what.EndsWith("1.dat.gz", StringComparison.Ordinal) ? Fault.Cut
                    : Fault.None;
            }
        };
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        Assert.True(copy.Complete, copy.Problem);
        var back = await CopyAsync(copy, Path.Combine(_folder.Path, "back"));
        Assert.Equal(3, seen.Count(one => one.Key.Contains("partNumber=", StringComparison.Ordinal) && one.Value == 2));
        Assert.Equal(2, seen[$"GET /bucket/nightly/{Name}/data/1.dat.gz"]);
        Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(back.Path, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task An_answer_without_the_name_of_the_part_is_no_success()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);

        // The listener answers 200 without any header before it closes the connection.
        _s3.Break = what => what.Contains("partNumber=3", StringComparison.Ordinal) ? Fault.Cut : Fault.None;
        Assert.Equal(PgErrorCode.StoreFailed, (await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup, _s3.Uri("nightly")))).Code);
        Assert.DoesNotContain(await ListAsync(), found => found.Complete);
        _s3.Break = _ => Fault.None;
        Assert.True((await CopyAsync(backup, _s3.Uri("nightly"))).Complete);
    }

    [Fact]
    public async Task A_service_that_stays_ill_ends_in_a_clear_error_and_leaves_no_backup()
    {
        Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", "2");
        try
        {
            var backup = await BackupOnDisk.MakeAsync(_folder.Path);
            _s3.Break = what => what.Contains("globals.sql", StringComparison.Ordinal) ? Fault.Slow503 : Fault.None;
            var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup, _s3.Uri("nightly")));
            Assert.Equal(PgErrorCode.StoreFailed, error.Code);
            Assert.Contains("503", error.Problem, StringComparison.Ordinal);
            Assert.DoesNotContain(FaultyS3.Secret, error.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(await ListAsync(), found => found.Complete);
            _s3.Break = _ => Fault.None;
            Assert.True((await CopyAsync(backup, _s3.Uri("nightly"))).Complete);
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", null);
        }
    }

    [Theory]
    [InlineData("data/1.dat.gz")]
    [InlineData("globals.sql")]
    [InlineData("data/toc.dat")]
    public async Task A_source_that_is_damaged_is_not_copied(string name)
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var path = Path.Combine(backup.Path, name);
        await File.WriteAllBytesAsync(path, [.. (await File.ReadAllBytesAsync(path)).SkipLast(1), 7]);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup, _s3.Uri("nightly")));
        Assert.Equal(PgErrorCode.BackupDamaged, error.Code);
        Assert.Contains(name, error.Problem, StringComparison.Ordinal);
        Assert.False(_s3.Objects.ContainsKey($"nightly/{Name}/SHA256SUMS"));
        Assert.False(_s3.Objects.ContainsKey($"nightly/{Name}/{name}"));

        // Parts of another file that is whole, and was on its way beside the damaged one, stay: the next copy goes on with them.
        Assert.InRange(_s3.Unfinished, 0, name == "data/1.dat.gz" ? 0 : 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Damage_in_the_store_is_found_by_the_test_and_mended_by_another_copy(bool checksums)
    {
        _s3.Checksums = checksums;
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        var key = $"nightly/{Name}/data/1.dat.gz";
        var content = _s3.Objects[key].Content.ToArray();
        content[5_000_000] ^= 1;
        _s3.Objects[key] = (content, checksums ? "AAAA-3" : null, null);
        var test = await new TestBackup().RunAsync(
            new TestBackupRequest { Path = copy.Path, BinPath = _folder.Path }, _sink, CancellationToken.None);
        Assert.False(test.Passed);
        Assert.Contains("damaged: data/1.dat.gz", test.Checks.Single(check => check.Name == "hashes").Detail, StringComparison.Ordinal);

        await CopyAsync(backup, _s3.Uri("nightly"));
        test = await new TestBackup().RunAsync(
            new TestBackupRequest { Path = copy.Path, BinPath = _folder.Path }, _sink, CancellationToken.None);
        Assert.True(test.Passed);
    }

    [Fact]
    public async Task Another_backup_of_that_name_is_left_alone()
    {
        await CopyAsync(await BackupOnDisk.MakeAsync(Path.Combine(_folder.Path, "a"), 1000), _s3.Uri("nightly"));
        var other = await BackupOnDisk.MakeAsync(Path.Combine(_folder.Path, "b"), 2000);
        Assert.Equal(
            PgErrorCode.TargetNotEmpty, (await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(other, _s3.Uri("nightly")))).Code);
        Assert.Equal(
            PgErrorCode.TargetNotEmpty,
            (await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(other, Path.Combine(_folder.Path, "a")))).Code);
        Assert.True(Assert.Single(await ListAsync()).Complete);
    }

    [Fact]
    public async Task What_a_killed_copy_left_in_a_folder_is_taken_up()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        var local = Path.Combine(_folder.Path, "back");
        var stray = Directory.CreateDirectory(Path.Combine(local, $"{Name}.99999999.partial", "data")).Parent!.FullName;
        File.Copy(Path.Combine(backup.Path, "data", "1.dat.gz"), Path.Combine(stray, "data", "1.dat.gz"));
        await File.WriteAllTextAsync(Path.Combine(stray, "globals.sql"), "half");
        var own = System.Text.Encoding.UTF8.GetString(OwnerFile.Own()).Split('\n');
        await File.WriteAllTextAsync(Path.Combine(stray, OwnerFile.FileName), $"{own[0]}\n99999999\n{own[2]}\n");
        _s3.Requests.Clear();
        var back = await CopyAsync(copy, local);
        Assert.Equal(0, _s3.Count("1.dat.gz"));
        Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(back.Path, CancellationToken.None)).Status);
        Assert.Equal(back.Path, Assert.Single(Directory.EnumerateDirectories(local)));
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in Directory.EnumerateFiles(back.Path, "*", SearchOption.AllDirectories))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public async Task A_failed_fetch_leaves_nothing_in_the_folder()
    {
        var copy = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path), _s3.Uri("nightly"));
        var key = $"nightly/{Name}/data/toc.dat";
        _s3.Objects[key] = ("tok"u8.ToArray(), null, null);
        var local = Path.Combine(_folder.Path, "back");
        Assert.Equal(PgErrorCode.BackupDamaged, (await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(copy, local))).Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(local));
    }

    [Fact]
    public async Task A_removed_backup_loses_its_list_first()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        var copy = await CopyAsync(backup, _s3.Uri("nightly"));
        _s3.Break = what => what.StartsWith("DELETE", StringComparison.Ordinal) && !what.Contains("SHA256SUMS", StringComparison.Ordinal)
            ? Fault.Error500
            : Fault.None;
        Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", "1");
        try
        {
            await Assert.ThrowsAsync<PgOpsException>(() => StoredBackups.DeleteAsync(copy.Path, CancellationToken.None));
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", null);
        }

        Assert.False(Assert.Single(await ListAsync()).Complete);
        _s3.Break = _ => Fault.None;
        await StoredBackups.DeleteAsync(copy.Path, CancellationToken.None);
        Assert.Empty(_s3.Objects);
    }

    [Fact]
    public async Task The_bandwidth_limit_holds_in_both_directions()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 1_000_000);
        var clock = Stopwatch.StartNew();
        var copy = await CopyAsync(backup, _s3.Uri("nightly"), limit: 500_000);
        Assert.True(clock.Elapsed.TotalSeconds > 1.5, $"{clock.Elapsed}");
        clock.Restart();
        await CopyAsync(copy, Path.Combine(_folder.Path, "back"), limit: 500_000);
        Assert.True(clock.Elapsed.TotalSeconds > 1.5, $"{clock.Elapsed}");
    }

    // Bodies go in pieces of a few kilobytes, which take less than a millisecond each.
    [Fact]
    public async Task Small_pieces_count_for_the_limit()
    {
        var clock = new HandClock { Hurries = true };
        var throttle = new Throttle(10_000_000, clock);
        for (var piece = 0; piece < 1250; piece++)
        {
            await throttle.WaitAsync(8_000, CancellationToken.None);
        }

        Assert.InRange(clock.Passed.TotalSeconds, 0.998, 1.001);
    }

    [Fact]
    public async Task Locks_and_encryption_go_with_every_object()
    {
        // One file goes in parts, the others in one piece.
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 9 * 1024 * 1024);
        await CopyAsync(backup, _s3.Uri("nightly", "&sse=aws:kms&ssekey=k1&lock=governance&retain=30"));
        Assert.Equal(6, _s3.Objects.Count);
        Assert.Single(
            _s3.Requests,
            request => request.StartsWith("POST", StringComparison.Ordinal) && request.EndsWith("?uploads", StringComparison.Ordinal));
        Assert.All(_s3.Objects.Keys, key =>
        {
            var headers = _s3.Headers[key];
            Assert.Equal("aws:kms", headers["x-amz-server-side-encryption"]);
            Assert.Equal("k1", headers["x-amz-server-side-encryption-aws-kms-key-id"]);
            Assert.Equal("GOVERNANCE", headers["x-amz-object-lock-mode"]);
            var until = DateTime.Parse(
                headers["x-amz-object-lock-retain-until-date"]!, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
            Assert.Equal(30, Math.Round((until - DateTime.UtcNow).TotalDays));
        });
    }

    [Fact]
    public async Task A_preview_touches_nothing()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 9 * 1024 * 1024);
        var plan = await new CopyBackup().PreviewAsync(
            new CopyBackupRequest { Backup = backup, Destination = _s3.Uri("nightly") }, CancellationToken.None);
        Assert.Contains("send 5 files", plan, StringComparison.Ordinal);
        Assert.Empty(_s3.Objects);
    }

    private string LastPut()
        => _s3.Requests.Last(request => request.StartsWith("PUT", StringComparison.Ordinal))["PUT /bucket/".Length..].Split('?')[0];

    /// <summary>How many objects' contents an action reads, these aside.</summary>
    private int BodiesRead(Func<Task> action, params string[] aside)
    {
        _s3.Requests.Clear();
        action().GetAwaiter().GetResult();
        var read = _s3.Requests.Count(request => request.StartsWith("GET /bucket/nightly", StringComparison.Ordinal));
        return read - _s3.Requests.Count(request => request.StartsWith("GET", StringComparison.Ordinal)
            && aside.Any(name => request.EndsWith(name, StringComparison.Ordinal)))
            - Convert.ToInt32(_s3.Count("drills.jsonl") + _s3.Count("holds.jsonl"), CultureInfo.InvariantCulture);
    }

    private Task<IReadOnlyList<PgBackup>> ListAsync()
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = _s3.Uri("nightly") }, _sink, CancellationToken.None);

    private Task<PgBackup> CopyAsync(PgBackup backup, string destination, long? limit = null, CancellationToken cancellationToken = default)
        => new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = backup, Destination = destination, BandwidthLimit = limit }, _sink, cancellationToken);
}
