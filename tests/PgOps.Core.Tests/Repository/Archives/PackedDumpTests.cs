using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Archives;

/// <summary>Dumps that others packed, or that a shell wrote in another encoding.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class PackedDumpTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public PackedDumpTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Every_packing_is_listed_tested_drilled_and_restored()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var script = await DumpAsync(source, "plain", "--format=plain");
        var custom = await DumpAsync(source, "custom", "--format=custom");
        var directory = await DumpAsync(source, "directory", "--format=directory");
        var tar = await DumpAsync(source, "tar", "--format=tar");
        var wanted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (program, ending) in new[] { ("gzip", "gz"), ("zstd", "zst"), ("xz", "xz"), ("bzip2", "bz2"), ("lz4", "lz4") })
        {
            if (ProgramSearch.OnPath(program) is null)
            {
                continue;
            }

            var closed = ending is not ("gz" or "zst");
            await RunAsync($"{program} -c < '{script}' > '{Of($"a.sql.{ending}")}'");
            wanted[$"a.sql.{ending}"] = closed ? ending : $"plain.{ending}";
            await RunAsync($"{program} -c < '{custom}' > '{Of($"b.dump.{ending}")}'");
            wanted[$"b.dump.{ending}"] = closed ? ending : $"custom.{ending}";
        }

        await RunAsync($"gzip -c < '{tar}' > '{Of("c.tar.gz")}'; tar -C '{_folder.Path}/raw' -czf '{Of("d.tgz")}' directory");
        // Which file comes first is the file system's choice; a large object's is known, too.
        await RunAsync($"cd '{directory}' && tar -cf '{Of("e.tar")}' ./blob_* ./blobs* ./[!b]*");
        await RunAsync($"tar -C '{_folder.Path}/raw' -czf '{Of("h.sql.tar.gz")}' plain");
        wanted["h.sql.tar.gz"] = "plain.tar.gz";
        File.Copy(custom, Of("latest.dump.1"));
        File.Copy(custom, Of("f.backup"));
        (wanted["c.tar.gz"], wanted["d.tgz"], wanted["e.tar"]) = ("tar.gz", "directory.tar.gz", "directory.tar");
        (wanted["latest.dump.1"], wanted["f.backup"]) = ("custom", "custom");
        ZipFile.CreateFromDirectory(directory, Of("g.zip"), CompressionLevel.Fastest, includeBaseDirectory: true);
        wanted["g.zip"] = "zip";

        // What is no dump is nobody's business: packed, in a tar archive, or plain.
        await RunAsync($"echo hello | gzip > '{Of("notes.txt.gz")}'; tar -C / -czf '{Of("etc.tar.gz")}' etc/passwd");
        await File.WriteAllTextAsync(Of("x.backup"), "hi");
        var listed = await new FindBackups().RunAsync(new FindBackupsRequest { Path = Of("") }, _sink, CancellationToken.None);
        Assert.Equal(
            wanted.Select(one => $"{one.Key}: {one.Value}"),
            listed.OrderBy(backup => backup.Path, StringComparer.Ordinal)
                .Select(backup => $"{Path.GetFileName(backup.Path)}: {backup.Format}"));
        Assert.All(
            listed, backup => Assert.True(backup is { Complete: true, Foreign: true, Problem: null }, $"{backup}: {backup.Problem}"));
        Assert.Contains(listed, backup => backup.Path == Of("a.sql.gz") && backup.Database == "a");

        foreach (var backup in listed)
        {
            var test = await TestAsync(backup.Path, deep: true);
            Assert.True(test.Passed, $"{backup}: {string.Join('\n', test.Checks)}");
            Assert.Equal(backup.Path, test.Backup.Path);
            Assert.DoesNotContain(test.Checks, check => check.Detail?.Contains("pgops-private-", StringComparison.Ordinal) == true);
            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Backup = backup, Server = _server.Target }, _sink, CancellationToken.None);
            Assert.True(drill.Passed, $"{backup}: {string.Join('\n', drill.Checks)}");
            Assert.Equal(backup.Path, drill.Backup.Path);
            Assert.Equal(100, drill.Tables.Single(table => table.Name == "Tab le.with 'all'").DifferenceRows);
        }

        var restore = await RestoreAsync(Of("d.tgz"));
        var comparison = await new CompareDatabase().RunAsync(
            new CompareDatabaseRequest { ReferenceTarget = source, Difference = restore.Target }, _sink, CancellationToken.None);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        Assert.DoesNotContain(
            Directory.GetDirectories(Path.GetTempPath(), "pgops-private-*"), folder => Directory.Exists(Path.Combine(folder, "0")));
    }

    [PostgresFact]
    public async Task Gzip_of_several_members_and_with_zeros_behind_it_is_whole_and_misses_its_end()
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 5000) i");
        var text = await File.ReadAllBytesAsync(await DumpAsync(source, "plain", "--format=plain"));
        var (first, second) = (Gzip(text[..(text.Length / 2)]), Gzip(text[(text.Length / 2)..]));
        byte[] both = [.. first, .. second];
        foreach (var (name, content) in new (string, byte[])[]
        {
            ("two", both), ("one", Gzip(text)), ("empty", [.. both, .. Gzip([])]), ("pad", [.. both, .. new byte[1]]),
            ("block", [.. both, .. new byte[10240 - (both.Length % 512)]]), ("much", [.. Gzip(text), .. new byte[200_000]]),
        })
        {
            await File.WriteAllBytesAsync(Of("a.sql.gz"), content);
            var test = await TestAsync(Of("a.sql.gz"));
            Assert.True(test.Passed, $"{name}: {string.Join('\n', test.Checks)}");
        }

        foreach (var (name, content) in new (string, byte[])[]
        {
            ("cut in its trailer", both[..^3]), ("without trailer", both[..^8]), ("cut in the second", both[..^200]),
            ("cut in its header", both[..(first.Length + 5)]), ("first alone", first), ("garbage", [.. both, .. "garbage"u8]),
            ("garbage and zeros", [.. both, .. "x"u8, .. new byte[100]]), ("cut, then zeros", [.. both[..^200], .. new byte[1000]]),
        })
        {
            await File.WriteAllBytesAsync(Of("a.sql.gz"), content);
            Assert.False((await TestAsync(Of("a.sql.gz"))).Passed, name);
        }
    }

    [PostgresFact]
    public async Task A_script_in_utf16_is_read_as_what_it_says()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE \"größe\" AS SELECT 'Ωmega 😀'::text AS a");
        var text = await File.ReadAllTextAsync(await DumpAsync(source, "plain", "--format=plain"));
        foreach (var encoding in new Encoding[] { Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF8 })
        {
            await File.WriteAllTextAsync(Of("a.sql"), text.Replace("\n", "\r\n", StringComparison.Ordinal), encoding);
            var listed = Assert.Single(await new FindBackups().RunAsync(
                new FindBackupsRequest { Path = Of("") }, _sink, CancellationToken.None));
            Assert.True(listed is { Complete: true, Format: "plain" }, listed.Problem);
            var test = await TestAsync(Of("a.sql"));
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            Assert.Equal(
                encoding != Encoding.UTF8, test.Checks.Any(check => check.Detail?.Contains("UTF-16", StringComparison.Ordinal) == true));
            var restore = await RestoreAsync(Of("a.sql"));
            var comparison = await new CompareDatabase().RunAsync(
                new CompareDatabaseRequest { ReferenceTarget = source, Difference = restore.Target }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        }

        await File.WriteAllTextAsync(Of("a.sql"), text[..^60], Encoding.Unicode);
        Assert.False((await TestAsync(Of("a.sql"))).Passed);
    }

    [PostgresFact]
    public async Task A_packed_dump_that_is_damaged_or_cannot_be_unpacked_says_so_and_how()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT 1 AS a");
        var custom = await DumpAsync(source, "custom", "--format=custom");
        await RunAsync($"xz -c < '{custom}' > '{Of("a.dump.xz")}'; gzip -c < '{custom}' > '{Of("b.dump.gz")}'");
        foreach (var path in new[] { Of("a.dump.xz"), Of("b.dump.gz") })
        {
            var hash = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(path)));
            await File.WriteAllTextAsync(path + ".sha256", $"{hash}  {Path.GetFileName(path)}\n");
            Assert.Equal(PgCheckStatus.Passed, (await TestAsync(path)).Checks.Single(check => check.Name == "hashes").Status);
            var content = await File.ReadAllBytesAsync(path);
            await File.WriteAllBytesAsync(path, content[..^5]);
            var test = await TestAsync(path);
            Assert.Contains(path, test.Problem, StringComparison.Ordinal);
            Assert.Contains(
                path.EndsWith(".gz", StringComparison.Ordinal) ? "the end of its gzip data is missing" : " does not unpack: ",
                test.Problem,
                StringComparison.Ordinal);
            Assert.Equal(PgErrorCode.BackupDamaged, (await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(path))).Code);
        }

        await File.WriteAllTextAsync(Of("by_hand"), "CREATE TABLE a (b int);\n");
        await RunAsync($"tar -C '{Of("")}' -cJf '{Of("h.sql.txz")}' by_hand; tar -C '{Of("")}' -czf '{Of("h.sql.tgz")}' by_hand");
        Assert.True((await TestAsync(Of("h.sql.txz"))).Passed);
        Assert.True((await TestAsync(Of("h.sql.tgz"))).Passed);

        byte[] seven = [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, .. new byte[100]];
        await File.WriteAllBytesAsync(Of("c.dump.7z"), seven);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => TestAsync(Of("c.dump.7z")));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
        Assert.Contains($"is packed by 7-Zip", error.Problem, StringComparison.Ordinal);
        Assert.EndsWith($"7z x '{Of("c.dump.7z")}'", error.NextStep, StringComparison.Ordinal);

        using (var zip = ZipFile.Open(Of("d.zip"), ZipArchiveMode.Create))
        {
            zip.CreateEntryFromFile(custom, "one.dump");
            zip.CreateEntryFromFile(custom, "two.dump");
        }

        error = await Assert.ThrowsAsync<PgOpsException>(() => TestAsync(Of("d.zip")));
        Assert.Contains("one.dump, two.dump", error.Problem, StringComparison.Ordinal);

        using (var zip = ZipFile.Open(Of("e.zip"), ZipArchiveMode.Create))
        {
            zip.CreateEntryFromFile(custom, "../../one.dump");
        }

        Assert.Contains("leads out of it", (await TestAsync(Of("e.zip"))).Problem, StringComparison.Ordinal);
        var directory = await DumpAsync(source, "directory", "--format=directory");
        error = await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(Path.Combine(directory, "toc.dat")));
        Assert.Contains("give the folder instead", error.Problem, StringComparison.Ordinal);
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    /// <summary>A file in the folder that is listed; what is packed lies beside it.</summary>
    private string Of(string name) => Path.Combine(Directory.CreateDirectory(Path.Combine(_folder.Path, "dumps")).FullName, name);

    private static async Task RunAsync(string script)
        => (await ToolProcess.RunAsync(new ToolCommand("/bin/sh", "-ec", script), CancellationToken.None)).EnsureSuccess();

    private async Task<string> DumpAsync(PgTarget source, string name, params string[] options)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder.Path, "raw")).FullName, name);
        (await ToolProcess.RunAsync(
            new ToolCommand(PostgresBinaries.Client("pg_dump").Path, [.. options, "--file=" + path]) { Target = source },
            CancellationToken.None)).EnsureSuccess();
        return path;
    }

    private Task<PgRestore> RestoreAsync(string path) => new RestoreDatabase().RunAsync(
        new RestoreDatabaseRequest { Backup = BackupFolder.Read(path), Target = _server.Target, Database = $"f_{Guid.NewGuid():N}" },
        _sink, CancellationToken.None);

    private Task<PgBackupTest> TestAsync(string path, bool deep = false)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = path, Deep = deep }, _sink, CancellationToken.None);
}
