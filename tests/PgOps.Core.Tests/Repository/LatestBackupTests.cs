using System.Globalization;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

/// <summary>Which backup is the newest of its database.</summary>
public sealed class LatestBackupTests : IDisposable
{
    private static readonly DateTime Now = new(DateTime.UtcNow.Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_part_is_never_the_newest_backup_of_a_database_and_has_a_newest_of_its_kind()
    {
        var whole = Write(Now.AddHours(-9));
        var log = Write(Now.AddHours(-1), "--table=log", "--strict-names");
        Write(Now.AddHours(-2), "--strict-names", "--table=log");
        var schema = Write(Now.AddHours(-3), "--schema-only");
        Assert.Equal([whole.Path], await FindAsync(Latest));
        Assert.Equal([log.Path, schema.Path], await FindAsync(Latest with { Part = true }));
        Assert.Equal(3, (await FindAsync(Latest with { Part = true, Latest = false })).Count);
        Assert.Empty(_sink.Failures);
        Assert.Equal("part", log.State);
    }

    [Fact]
    public async Task A_database_with_nothing_but_parts_is_an_error()
    {
        Write(Now, "--schema-only");
        Assert.Empty(await FindAsync(Latest));
        Assert.Equal(
            "Of shop there are backups of a part only, and none of the whole database.\nState: Nothing is given for it.\nNext:  "
                + $"Get-PgBackup '{_folder.Path}' -Part lists the parts; Backup-PgDatabase makes a whole one.",
            Said());
    }

    [Fact]
    public async Task What_is_dated_after_now_is_passed_over_with_a_warning()
    {
        var soon = Write(Now.AddMinutes(50));
        Assert.Equal([soon.Path], await FindAsync(Latest));
        var ahead = Write(Now.AddYears(10));
        Assert.Equal([soon.Path], await FindAsync(Latest));
        Assert.Contains($"{ahead.Path} is dated ", Assert.Single(_sink.Warnings), StringComparison.Ordinal);
        Assert.Empty(_sink.Failures);
    }

    [Fact]
    public async Task Where_all_are_dated_after_now_none_is_given_and_the_error_says_how_late_it_is_here()
    {
        var ahead = Write(Now.AddDays(2));
        Assert.Empty(await FindAsync(Latest));
        var said = Said();
        Assert.StartsWith(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Every backup of shop that was asked for is dated after now: {ahead.Path} is of {Now.AddDays(2):u}, and"),
            said, StringComparison.Ordinal);
        Assert.EndsWith($"See which clock is wrong. A backup is also taken by its name: '{ahead.Path}'.", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_dump_stands_in_only_where_no_whole_backup_is()
    {
        var dump = Path.Combine(_folder.Path, "shop.sql");
        await File.WriteAllTextAsync(dump, "--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n");
        Assert.Equal([dump], await FindAsync(Latest));
        Write(Now.AddDays(-2), "--table=log");
        Assert.Equal([dump], await FindAsync(Latest));
        var whole = Write(Now.AddDays(-3));
        Assert.Equal([whole.Path], await FindAsync(Latest));
        Assert.Empty(_sink.Failures);
    }

    [Fact]
    public async Task A_damaged_part_is_no_concern_of_the_whole()
    {
        var whole = Write(Now.AddDays(-2));
        var part = Write(Now, "--table=log");
        File.Delete(Path.Combine(part.Path, "data.dump"));
        Assert.Equal([whole.Path], await FindAsync(Latest));
        Assert.Empty(_sink.Failures);
        Assert.Empty(await FindAsync(Latest with { Part = true }));
        Assert.Contains("data.dump is missing", Said(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_answers_as_a_folder_does()
    {
        using var s3 = new FaultyS3();
        var (whole, part, ahead) = (Write(Now.AddHours(-9)), Write(Now.AddHours(-1), "--table=log"), Write(Now.AddDays(9)));
        foreach (var backup in new[] { whole, part, ahead })
        {
            await new CopyBackup().RunAsync(
                new CopyBackupRequest { Backup = backup, Destination = s3.Uri("nightly") }, _sink, CancellationToken.None);
        }

        var there = Latest with { Path = s3.Uri("nightly") };
        Assert.Contains(Path.GetFileName(whole.Path), Assert.Single(await FindAsync(there)), StringComparison.Ordinal);
        Assert.Contains(
            Path.GetFileName(part.Path), Assert.Single(await FindAsync(there with { Part = true })), StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(ahead.Path), Assert.Single(_sink.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_are_found()
    {
        Write(Now);
        var labelled = BackupSample.Write(_folder.Path, "shop", Now.AddDays(-1), manifest: one => one with { Label = "pre-migration" });
        Assert.Equal([labelled.Path], await FindAsync(Latest with { Label = label => label == "pre-migration" }));
        Assert.Empty(await FindAsync(Latest with { Label = label => label.Length == 0 }));
    }

    private FindBackupsRequest Latest => new() { Path = _folder.Path, Latest = true };

    private PgBackup Write(DateTime at, params string[] selection) => BackupSample.Write(
        _folder.Path, "shop", at, manifest: one => one with { Payload = one.Payload with { Selection = selection } });

    private async Task<List<string>> FindAsync(FindBackupsRequest request)
        => [.. (await new FindBackups().RunAsync(request, _sink, CancellationToken.None)).Select(backup => backup.Path)];

    private string Said() => Assert.Single(_sink.Failures).Message;
}
