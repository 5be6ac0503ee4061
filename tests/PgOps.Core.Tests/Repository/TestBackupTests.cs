using PgOps.Core.Backups;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class TestBackupTests : IDisposable
{
    private const int Flips = 300;
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public TestBackupTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    // BASELINES: one flipped bit in an uncompressed custom archive is noticed by nothing else.
    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory, null)]
    [InlineData(PgBackupFormat.Custom, "0")]
    public async Task Every_flipped_bit_is_found_and_its_file_named(PgBackupFormat format, string? compression)
    {
        var backup = await MakeAsync(format, compression);
        var files = Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories).ToList();
        var random = new Random(20251015);
        for (var flip = 0; flip < Flips; flip++)
        {
            // Every file gets its share, however small it is.
            var file = files[flip % files.Count];
            var content = await File.ReadAllBytesAsync(file);
            var place = random.Next(content.Length);
            var bit = random.Next(8);
            content[place] ^= (byte)(1 << bit);
            await File.WriteAllBytesAsync(file, content);
            var check = await TestBackup.HashesAsync(backup.Path, CancellationToken.None);
            Assert.True(check.Status == PgCheckStatus.Failed, $"bit {bit} of byte {place} of {file} was not noticed");
            if (Path.GetFileName(file) != HashList.FileName)
            {
                Assert.Contains(Path.GetFileName(file), check.Detail, StringComparison.Ordinal);
            }

            content[place] ^= (byte)(1 << bit);
            await File.WriteAllBytesAsync(file, content);
        }

        Assert.True((await TestAsync(backup.Path)).Passed);
    }

    // The whole test, as Test-PgBackup makes it. PGOPS_FLIP_ROUNDS=10000 for the full number.
    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task A_bit_flipped_or_a_file_cut_anywhere_is_found(PgBackupFormat format)
    {
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("PGOPS_FLIP_ROUNDS"), out var given) ? given / 2 : 50;
        var backup = await MakeAsync(format, null);
        var files = Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories).ToList();
        var random = new Random(20261120);
        for (var round = 0; round < rounds; round++)
        {
            var file = files[random.Next(files.Count)];
            var content = await File.ReadAllBytesAsync(file);
            var place = random.Next(content.Length);
            var damaged = round % 4 == 0 ? content[..place] : [.. content];
            if (damaged.Length == content.Length)
            {
                damaged[place] ^= (byte)(1 << random.Next(8));
            }

            await File.WriteAllBytesAsync(file, damaged);
            var test = await TestAsync(backup.Path);
            Assert.False(test.Passed, $"{file}: {(damaged.Length < content.Length ? "cut at" : "a bit of")} byte {place} was not noticed");
            await File.WriteAllBytesAsync(file, content);
        }

        Assert.True((await TestAsync(backup.Path)).Passed);
    }

    // A hash proves what was written, not that it was written well.
    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task What_was_hashed_right_but_does_not_unpack_is_found_by_unpacking(PgBackupFormat format)
    {
        var backup = await MakeAsync(format, "6", "CREATE TABLE t AS SELECT md5(i::text) FROM generate_series(1, 20000) i");
        var file = Directory.EnumerateFiles(backup.Path, "data.dump")
            .Concat(Directory.EnumerateFiles(backup.Path, "*.gz", SearchOption.AllDirectories))
            .MaxBy(path => new FileInfo(path).Length)!;
        BackupDamage.FlipBit(file, new FileInfo(file).Length * 3 / 4);
        await BackupDamage.ForgeAsync(backup, manifest => manifest);
        Assert.True((await TestAsync(backup.Path)).Passed);
        var deep =
            await new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path, Deep = true }, _sink, CancellationToken.None);
        Assert.NotEmpty(Detail(deep, "decompression"));
        BackupDamage.FlipBit(file, new FileInfo(file).Length * 3 / 4);
        await BackupDamage.ForgeAsync(backup, manifest => manifest);
        deep = await new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path, Deep = true }, _sink, CancellationToken.None);
        Assert.True(deep.Passed);
    }

    [PostgresFact]
    public async Task Several_are_tested_side_by_side_and_told_in_their_order()
    {
        var good = await MakeAsync(PgBackupFormat.Custom, null);
        var bad = await MakeAsync(PgBackupFormat.Directory, null);
        BackupDamage.FlipBit(Path.Combine(bad.Path, "data", "toc.dat"), 50);
        var paths = new[] { good.Path, bad.Path, Path.Combine(_folder.Path, "none"), good.Path };
        await new TestBackups().RunAsync(new TestBackupsRequest { Paths = paths, ThrottleLimit = 3 }, _sink, CancellationToken.None);
        Assert.Equal([true, false, true], _sink.Outputs.OfType<PgBackupTest>().Select(test => test.Passed));
        Assert.Equal(PgErrorCode.PathNotFound, Assert.Single(_sink.Failures).Code);
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new TestBackups().RunAsync(new TestBackupsRequest { Paths = paths }, _sink, stopped.Token));
    }

    [PostgresFact]
    public async Task A_damaged_file_fails_the_whole_test_and_is_named()
    {
        var backup = await MakeAsync(PgBackupFormat.Directory, null);
        foreach (var name in HashList.Files(backup.Path).Append(HashList.FileName))
        {
            var path = Path.Combine(backup.Path, name);
            var content = await File.ReadAllBytesAsync(path);
            content[^1] ^= 0x20;
            await File.WriteAllBytesAsync(path, content);
            var test = await TestAsync(backup.Path);
            Assert.False(test.Passed);
            Assert.Contains(
                test.Checks, check => check.Status == PgCheckStatus.Failed && check.Detail.Contains(name, StringComparison.Ordinal));
            content[^1] ^= 0x20;
            await File.WriteAllBytesAsync(path, content);
        }
    }

    [PostgresFact]
    public async Task Letter_case_and_line_ends_of_the_list_matter()
    {
        var backup = await MakeAsync(PgBackupFormat.Custom, null);
        var path = Path.Combine(backup.Path, HashList.FileName);
        var text = await File.ReadAllTextAsync(path);
        foreach (var changed in new[] { text.ToUpperInvariant(), text.ReplaceLineEndings("\r\n"), text.TrimEnd('\n'), text + "\n", "" })
        {
            await File.WriteAllTextAsync(path, changed);
            var test = await TestAsync(backup.Path);
            Assert.Contains(test.Checks, check => check.Name == "hashes" && check.Status == PgCheckStatus.Failed);
        }
    }

    [PostgresFact]
    public async Task Missing_and_additional_files_are_named()
    {
        var backup = await MakeAsync(PgBackupFormat.Directory, null);
        await File.WriteAllTextAsync(Path.Combine(backup.Path, "data", "more.txt"), "x");
        var extra = await TestAsync(backup.Path);
        Assert.Contains("data/more.txt", Detail(extra, "files"), StringComparison.Ordinal);
        File.Delete(Path.Combine(backup.Path, "data", "more.txt"));

        File.Delete(Path.Combine(backup.Path, "data", "toc.dat"));
        var less = await TestAsync(backup.Path);
        Assert.Contains("missing: data/toc.dat", Detail(less, "files"), StringComparison.Ordinal);

        Directory.Delete(Path.Combine(backup.Path, "data"), recursive: true);
        Assert.False((await TestAsync(backup.Path)).Passed);
        File.Delete(Path.Combine(backup.Path, "manifest.json"));
        var bare = await TestAsync(backup.Path);
        Assert.False(bare.Passed);
        Assert.Contains("manifest.json is missing", Detail(bare, "manifest"), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_manifest_of_another_format_is_told_apart_from_damage()
    {
        var backup = await MakeAsync(PgBackupFormat.Custom, null);
        var path = Path.Combine(backup.Path, "manifest.json");
        var text = await File.ReadAllTextAsync(path);
        await File.WriteAllTextAsync(path, text.Replace("pgops-backup/1", "pgops-backup/9", StringComparison.Ordinal));
        Assert.Contains("pgops-backup/9", BackupFolder.Read(backup.Path).Problem, StringComparison.Ordinal);
        foreach (var broken in new[]
        {
            "",
            "{",
            "null",
            "{}",
            "[]",
            text.Replace("\"roles\"", "\"soles\"", StringComparison.Ordinal),
            text.Replace("\"tool\"", "\"pool\"", StringComparison.Ordinal),
            text.Replace("\"tables\": [", "\"tables\": 5, \"x\": [", StringComparison.Ordinal),
        })
        {
            await File.WriteAllTextAsync(path, broken);
            var read = BackupFolder.Read(backup.Path);
            Assert.False(read.Complete);
            Assert.Contains("manifest.json", read.Problem, StringComparison.Ordinal);
            Assert.False((await TestAsync(backup.Path)).Passed);
        }
    }

    [Fact]
    public async Task Missing_empty_and_unfinished_folders_get_a_clear_answer()
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => TestAsync(Path.Combine(_folder.Path, "none")));
        Assert.Equal(PgErrorCode.PathNotFound, error.Code);
        var empty = Directory.CreateDirectory(Path.Combine(_folder.Path, "empty")).FullName;
        Assert.Contains("empty", Assert.Single((await TestAsync(empty)).Checks).Detail, StringComparison.Ordinal);
        var partial = Directory.CreateDirectory(Path.Combine(_folder.Path, "x_20240101-000000Z.partial")).FullName;
        Assert.Contains("unfinished", Assert.Single((await TestAsync(partial)).Checks).Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Without_pg_restore_the_contents_are_skipped_and_said_so()
    {
        var backup = await MakeAsync(PgBackupFormat.Custom, null);
        var test = await new TestBackup().RunAsync(
            new TestBackupRequest { Path = backup.Path, BinPath = _folder.Path }, _sink, CancellationToken.None);
        Assert.Equal(PgCheckStatus.Skipped, test.Checks.Single(check => check.Name == "table-of-contents").Status);
    }

    private static string Detail(PgBackupTest test, string check)
    {
        var found = test.Checks.Single(one => one.Name == check);
        Assert.Equal(PgCheckStatus.Failed, found.Status);
        return found.Detail;
    }

    private Task<PgBackupTest> TestAsync(string path)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = path }, _sink, CancellationToken.None);

    private async Task<PgBackup> MakeAsync(PgBackupFormat format, string? compression, string sql = BackupTestDatabase.Types)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, sql);
        return await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, Compression = compression }, _sink,
            CancellationToken.None);
    }
}
