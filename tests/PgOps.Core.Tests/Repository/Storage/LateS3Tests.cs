using PgOps.Core.Common.Files;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>An S3 service that is not consistent at once: what it has accepted shows later, in answers and in listings.</summary>
[Trait("Category", "Slow")]
public sealed class LateS3Tests : IDisposable
{
    private const string Name = "shop_20260101-000000Z";
    private const string Big = $"nightly/{Name}/data/1.dat.gz";
    private const string List = $"nightly/{Name}/SHA256SUMS";
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
    public async Task What_is_seen_late_is_waited_for_and_not_removed(bool checksums)
    {
        _s3.Checksums = checksums;
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        LateTheFirst(2, $"HEAD /bucket/{Big}", $"GET /bucket/{Big}", $"GET /bucket/{List}");
        var copy = await CopyAsync(backup);
        Assert.True(copy.Complete, copy.Problem);
        Assert.Equal(0, _s3.Count("DELETE"));
        Assert.Equal(6, _s3.Objects.Count);
    }

    [Fact]
    public async Task What_stays_unseen_is_left_there_and_the_copy_is_taken_up_again()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        _s3.Break = what => what == $"HEAD /bucket/{Big}" ? Fault.Late : Fault.None;
        var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup, TimeSpan.FromSeconds(1)));
        Assert.Equal(PgErrorCode.StoreFailed, error.Code);
        Assert.EndsWith(
            ": the service accepted 1 file and does not show it, 1.0 s later: data/1.dat.gz.", error.Problem, StringComparison.Ordinal);
        Assert.StartsWith("What was sent stays there", error.State, StringComparison.Ordinal);
        Assert.Equal(0, _s3.Count("DELETE"));
        Assert.True(_s3.Objects.ContainsKey(Big));
        Assert.False(Assert.Single(await ListAsync()).Complete);

        _s3.Break = _ => Fault.None;
        _s3.Requests.Clear();
        Assert.True((await CopyAsync(backup)).Complete);
        Assert.Equal(["PUT /bucket/" + List], _s3.Requests.Where(what => what.StartsWith("PUT", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_list_of_hashes_that_stays_unseen_is_left_there()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        _s3.Break = what => what == $"GET /bucket/{List}" ? Fault.Late : Fault.None;
        var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup, TimeSpan.FromSeconds(1)));
        Assert.Equal(PgErrorCode.StoreFailed, error.Code);
        Assert.Contains("does not show it", error.Problem, StringComparison.Ordinal);
        Assert.Equal(0, _s3.Count("DELETE"));
        Assert.True(_s3.Objects.ContainsKey(List));

        _s3.Break = _ => Fault.None;
        _s3.Requests.Clear();
        Assert.True((await CopyAsync(backup)).Complete);
        Assert.Equal(0, _s3.Count("PUT"));
    }

    [Fact]
    public async Task A_whole_copy_that_is_not_wholly_seen_is_not_taken_apart()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        _s3.Listing = _s3.Now;
        await CopyAsync(backup);
        _s3.Requests.Clear();
        LateTheFirst(2, $"HEAD /bucket/{Big}");
        Assert.True((await CopyAsync(backup)).Complete);
        Assert.Equal(0, _s3.Count("DELETE") + _s3.Count("PUT") + _s3.Count("POST"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_is_seen_as_it_was_before_is_waited_for(bool checksums)
    {
        _s3.Checksums = checksums;
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        await CopyAsync(backup);
        var content = _s3.Objects[Big].Content.ToArray();
        content[5_000_000] ^= 1;
        _s3.Objects[Big] = (content, checksums ? "AAAA-3" : null, null);
        _s3.Requests.Clear();

        // The damage is seen once by the look before; the first look after it was mended finds the damage still.
        var after = false;
        var late = 0;
        _s3.Break = what =>
        {
            after |= what.StartsWith("POST", StringComparison.Ordinal) && what.Contains("uploadId", StringComparison.Ordinal);
            return after && what.EndsWith(Big, StringComparison.Ordinal) && late++ < 2 ? Fault.Late : Fault.None;
        };
        Assert.True((await CopyAsync(backup)).Complete);
        Assert.Equal(["DELETE /bucket/" + List], _s3.Requests.Where(what => what.StartsWith("DELETE", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_listing_that_lags_behind_a_copy_makes_it_neither_incomplete_nor_damaged()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        _s3.Listing = _s3.Now;
        var copy = await CopyAsync(backup);
        Assert.True(copy.Complete, copy.Problem);

        // Of what was written last nothing is listed yet.
        _s3.Listing = _s3.Now.Where(one => one.Key != List && one.Key != Big).ToDictionary(one => one.Key, one => one.Value);
        var listed = Assert.Single(await ListAsync());
        Assert.True(listed.Complete, listed.Problem);
        Assert.Equal(copy.Bytes, listed.Bytes);
        var test = await new TestBackup().RunAsync(
            new TestBackupRequest { Path = copy.Path, BinPath = _folder.Path }, _sink, CancellationToken.None);
        Assert.True(test.Passed, string.Join('\n', test.Checks));
        var back = await new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = copy, Destination = Path.Combine(_folder.Path, "back") }, _sink, CancellationToken.None);
        Assert.True(back.Complete, back.Problem);

        await StoredBackups.DeleteAsync(copy.Path, CancellationToken.None);
        Assert.Empty(_s3.Objects);
    }

    [Fact]
    public async Task A_listing_that_lags_behind_a_removal_lets_no_rule_count_what_is_gone()
    {
        var older = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 1000, "shop_20250101-000000Z"));
        var newer = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 1000));
        _s3.Listing = _s3.Now;
        await StoredBackups.DeleteAsync(newer.Path, CancellationToken.None);
        var gone = (await ListAsync()).Single(backup => backup.Path == newer.Path);
        Assert.False(gone.Complete);
        Assert.Equal("the service lists it and has none of its files: it was just removed, or is not to be seen yet", gone.Problem);

        await RemoveAsync();
        Assert.Contains(_s3.Objects.Keys, key => key.Contains("shop_20250101-000000Z/SHA256SUMS", StringComparison.Ordinal));
        Assert.True((await ListAsync()).Single(backup => backup.Path == older.Path).Complete);
    }

    [Fact]
    public async Task The_last_backup_is_guarded_although_no_listing_shows_it()
    {
        _s3.Listing = _s3.Now;
        var only = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 1000));
        await new RemoveBackups().RunAsync(new RemoveBackupsRequest { Backups = [only] }, _sink, CancellationToken.None);
        var decision = Assert.IsType<PgBackupRetention>(Assert.Single(_sink.Outputs));
        Assert.Equal((PgRetentionAction.Keep, "last complete; -Force removes it by name"), (decision.Action, decision.Reason));
        Assert.Equal(6, _s3.Objects.Count);
    }

    [Fact]
    public async Task The_mark_of_a_removal_that_is_over_does_not_let_a_new_copy_go()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 1000);
        await CopyAsync(backup);
        _s3.Listing = new Dictionary<string, long>(_s3.Now.Where(one => one.Key != List))
        {
            [$"nightly/{Name}/{FileEndings.Removing}"] = 30,
        };
        _s3.Break = what => what == $"GET /bucket/{List}" ? Fault.Late : Fault.None;
        Assert.False(Assert.Single(await ListAsync()).RemovalBegun);
        await RemoveAsync();
        Assert.Equal(6, _s3.Objects.Count);
    }

    [Fact]
    public async Task A_hold_that_is_seen_late_holds_and_is_not_overwritten()
    {
        var first = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 1000));
        var second = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 2000, "shop_20250101-000000Z"));
        var until = DateTime.UtcNow.AddDays(9);
        await HoldAsync(first, until);
        LateTheFirst(1, "GET /bucket/nightly/holds.jsonl");
        await HoldAsync(second, until);
        Assert.Equal(2, System.Text.Encoding.UTF8.GetString(_s3.Objects["nightly/holds.jsonl"].Content).Count(letter => letter == '\n'));
    }

    [Fact]
    public async Task A_ledger_that_is_listed_and_not_given_is_waited_for()
    {
        var copy = await CopyAsync(await BackupOnDisk.MakeAsync(_folder.Path, 1000));
        await HoldAsync(copy, DateTime.UtcNow.AddDays(9));
        LateTheFirst(2, "GET /bucket/nightly/holds.jsonl");
        Assert.NotNull(Assert.Single(await ListAsync()).KeepUntil);
    }

    [Fact]
    public async Task Uploads_that_are_listed_although_they_are_over_are_no_error()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path);
        _s3.ListsUploadsLate = true;
        Assert.True((await CopyAsync(backup)).Complete);
        _s3.Objects.TryRemove(Big, out _);
        Assert.True((await CopyAsync(backup, TimeSpan.FromSeconds(1))).Complete);
        Assert.True(_s3.Objects.ContainsKey(Big));
    }

    /// <summary>Answers each of these requests so many times with what was there before.</summary>
    private void LateTheFirst(int times, params string[] requests)
    {
        var left = requests.ToDictionary(request => request, _ => times);
        _s3.Break = what =>
        {
            lock (left)
            {
                return left.TryGetValue(what, out var more) && (left[what] = more - 1) >= 0 ? Fault.Late : Fault.None;
            }
        };
    }

    private Task HoldAsync(PgBackup backup, DateTime until) => new HoldBackup().RunAsync(
        new HoldBackupRequest { Backup = backup, Until = until }, _sink, CancellationToken.None);

    private Task RemoveAsync() => new RemoveBackups().RunAsync(
        new RemoveBackupsRequest { Folders = [_s3.Uri("nightly")], Policy = new() { KeepLast = 1 } }, _sink, CancellationToken.None);

    private Task<IReadOnlyList<PgBackup>> ListAsync()
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = _s3.Uri("nightly") }, _sink, CancellationToken.None);

    private Task<PgBackup> CopyAsync(PgBackup backup, TimeSpan? patience = null)
        => new CopyBackup { Patience = patience ?? TimeSpan.FromSeconds(20) }.RunAsync(
            new CopyBackupRequest { Backup = backup, Destination = _s3.Uri("nightly") }, _sink, CancellationToken.None);
}
