using System.IO.Compression;
using System.Security.Cryptography;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Archives;

[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class ForeignDumpTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public ForeignDumpTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Every_format_is_listed_tested_restored_and_drilled()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        foreach (var (name, options) in Formats)
        {
            await DumpAsync(source, name, options);
        }

        Pack("shop_2026-11-19.sql");
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "001_create.sql"), "CREATE TABLE a ();");
        var listed = await new FindBackups().RunAsync(new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None);
        Assert.Equal(
            ["custom", "directory", "plain", "plain.gz", "tar"], listed.Select(backup => backup.Format).Order(StringComparer.Ordinal));
        Assert.All(listed, backup => Assert.True(
            backup is { Foreign: true, Complete: true, Proven: false, Manifest: null, Id: "" } && backup.Bytes > 1000
                && backup.Age < TimeSpan.FromMinutes(5), $"{backup}"));
        Assert.All(listed, backup => Assert.Equal(
            backup.Format.StartsWith("plain", StringComparison.Ordinal) ? "shop" : source.Database, backup.Database));

        foreach (var backup in listed)
        {
            var test = await TestAsync(backup.Path, deep: true);
            Assert.True(test.Passed, $"{backup.Format}: {string.Join('\n', test.Checks)}");
            Assert.Equal(PgCheckStatus.Skipped, test.Checks.Single(check => check.Name == "hashes").Status);

            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Backup = backup, Server = _server.Target }, _sink, CancellationToken.None);
            Assert.True(drill.Passed, $"{backup.Format}: {string.Join('\n', drill.Checks)}");
            Assert.False(drill.Proven);
            Assert.Equal(0, drill.TablesCompared);
            Assert.Null(drill.Backup.Manifest);
            Assert.Equal(100, drill.Tables.Single(table => table.Name == "Tab le.with 'all'").DifferenceRows);

            var restore = await new RestoreDatabase().RunAsync(
                new RestoreDatabaseRequest
                {
                    Backup = backup,
                    Target = _server.Target,
                    Database = $"foreign_{backup.Format.Replace('.', '_')}",
                }, _sink, CancellationToken.None);
            var comparison = await new CompareDatabase().RunAsync(
                new CompareDatabaseRequest { ReferenceTarget = source, Difference = restore.Target }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed, $"{backup.Format}: {string.Join('\n', comparison.Checks)}");
        }

        Assert.False(File.Exists(Path.Combine(_folder.Path, "drills.jsonl")));
    }

    [PostgresFact]
    public async Task A_hash_beside_it_is_compared()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT 1 AS a");
        var file = await DumpAsync(source, "shop.dump", "--format=custom");
        var folder = await DumpAsync(source, "shop.dir", "--format=directory");
        await File.WriteAllTextAsync(file + ".sha256", $"{Hash(file)}  shop.dump\n");
        await File.WriteAllLinesAsync(
            folder + ".sha256", Directory.GetFiles(folder).Select(one => $"{Hash(one)}  shop.dir/{Path.GetFileName(one)}"));
        foreach (var (path, target) in new[] { (file, file), (folder, Path.Combine(folder, "toc.dat")) })
        {
            Assert.Equal(PgCheckStatus.Passed, (await TestAsync(path)).Checks.Single(check => check.Name == "hashes").Status);
            BackupDamage.FlipBit(target, new FileInfo(target).Length - 3);
            var test = await TestAsync(path);
            Assert.Contains("damaged", test.Checks.Single(check => check.Name == "hashes").Detail, StringComparison.Ordinal);
            var error = await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(path));
            Assert.Equal(PgErrorCode.BackupDamaged, error.Code);
        }
    }

    [PostgresFact]
    public async Task What_is_cut_off_or_empty_is_found()
    {
        var source =
            await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i");
        var plain = await DumpAsync(source, "a.sql", "--format=plain");
        var custom = await DumpAsync(source, "b.dump", "--format=custom");
        var packed = Pack("a.sql");

        // Given a tar archive that breaks off, pg_restore itself would read for ever.
        var tar = await DumpAsync(source, "c.tar", "--format=tar");
        foreach (var path in new[] { plain, packed, custom, tar })
        {
            var content = await File.ReadAllBytesAsync(path);
            foreach (var length in new[] { content.Length - 9, content.Length - 40, content.Length * 2 / 3, content.Length / 10, 20, 0 })
            {
                await File.WriteAllBytesAsync(path, content[..length]);
                var test = await TestAsync(path, deep: true);

                Assert.False(test.Passed, $"{path} cut to {length} of {content.Length}: {string.Join('\n', test.Checks)}");
            }

            Assert.Contains("empty", (await new FindBackups().RunAsync(
                new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None))
                .Single(backup => backup.Path == path).Problem, StringComparison.Ordinal);
            await File.WriteAllBytesAsync(path, content);
            Assert.True((await TestAsync(path, deep: true)).Passed);
        }
    }

    // pg_restore's list reads the contents alone: each of these was taken for whole without -Deep.
    [PostgresFact]
    public async Task A_custom_archive_that_breaks_off_among_its_rows_is_found_without_unpacking_it()
    {
        var source = await CreateFilledAsync();
        foreach (var options in new[] { "", "--compress=0", "--data-only", "--inserts" })
        {
            var name = $"a{options}.dump";
            var whole = await File.ReadAllBytesAsync(await DumpAsync(
                source, name, ["--format=custom", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));

            // Into a pipe pg_dump cannot write where the rows begin.
            var piped = await PipeAsync(source, options);
            foreach (var content in new[] { whole, piped })
            {
                var path = Path.Combine(_folder.Path, name);
                await File.WriteAllBytesAsync(path, content);
                Assert.True((await TestAsync(path)).Passed, $"{name}: {string.Join('\n', (await TestAsync(path)).Checks)}");
                foreach (var length in new[] { content.Length - 1, content.Length - 9, content.Length - 5000, content.Length * 2 / 3 })
                {
                    await File.WriteAllBytesAsync(path, content[..length]);
                    var test = await TestAsync(path);
                    Assert.Contains("it breaks off ", test.Problem, StringComparison.Ordinal);
                }
            }
        }
    }

    [PostgresFact]
    public async Task A_directory_without_a_file_or_with_half_of_one_is_found_without_unpacking_it()
    {
        var source = await CreateFilledAsync();
        foreach (var (name, compress) in new[] { ("gz", "--compress=6"), ("none", "--compress=0") })
        {
            var folder = await DumpAsync(source, name, "--format=directory", compress);
            var test = await TestAsync(folder);
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            foreach (var file in Directory.GetFiles(folder).Where(file => Path.GetFileName(file) != "toc.dat"))
            {
                File.Move(file, file + ".away");
                test = await TestAsync(folder);
                Assert.Contains(
                    $"missing: {Path.GetFileName(file).Replace(".gz", "", StringComparison.Ordinal)} (",
                    test.Problem,
                    StringComparison.Ordinal);
                File.Move(file + ".away", file);

                // Nothing tells how long a large object is that is not compressed.
                if (name == "none" && Path.GetFileName(file).StartsWith("blob", StringComparison.Ordinal))
                {
                    continue;
                }

                var content = await File.ReadAllBytesAsync(file);
                foreach (var length in new[] { content.Length - 5, content.Length / 2 })
                {
                    await File.WriteAllBytesAsync(file, content[..length]);
                    test = await TestAsync(folder);
                    Assert.False(test.Passed, $"{file} cut to {length} of {content.Length}");
                    Assert.True(
                        Path.GetExtension(file) == ".toc" || test.Problem.Contains(Path.GetFileName(file), StringComparison.Ordinal),
                        test.Problem);
                }

                await File.WriteAllBytesAsync(file, content);
            }
        }
    }

    // As Rails writes structure.sql: pg_dump's first lines taken off, rows of its own behind the last.
    [PostgresFact]
    public async Task A_script_without_pg_dumps_first_lines_is_drilled_and_called_neither_whole_nor_damaged()
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, "CREATE TABLE schema_migrations (version text); CREATE TABLE t AS SELECT 1 AS a");
        var text = await File.ReadAllTextAsync(await DumpAsync(source, "dump.sql", "--format=plain", "--schema-only", "--no-owner"));
        var path = Path.Combine(_folder.Path, "structure.sql");
        var body = text[text.IndexOf("SET statement_timeout", StringComparison.Ordinal)..];
        var restricted = body.Contains("\\unrestrict", StringComparison.Ordinal);
        body = restricted ? body[..body.IndexOf("\\unrestrict", StringComparison.Ordinal)] : body;
        await File.WriteAllTextAsync(
            path, body + "\nSET search_path TO public;\n\nINSERT INTO schema_migrations (version) VALUES\n('20260101');\n");
        var samples = new[]
        {
            path,
            await WriteAsync(
                "by_hand.sql", "-- a sample\n/* of\n shops */\ncreate table shops (id int);\ninsert into shops values (1), (2)"),
            await WriteAsync("rows.sql", "create table rows (a int);\ncopy rows from stdin;\n1\n\\.\n"),
        };
        foreach (var sample in samples)
        {
            var test = await TestAsync(sample);
            var contents = test.Checks.Single(check => check.Name == "table-of-contents");
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            Assert.True(test.Backup.Complete);
            Assert.Equal(PgCheckStatus.Skipped, contents.Status);
            Assert.Contains("whether it is complete cannot be known", contents.Detail, StringComparison.Ordinal);
            Assert.Contains($"Test-PgRestore '{sample}'", contents.Detail, StringComparison.Ordinal);
            Assert.Contains("Invoke-PgMigration takes it", contents.Detail, StringComparison.Ordinal);
            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Path = sample, Server = _server.Target }, _sink, CancellationToken.None);
            Assert.True(drill.Passed, $"{sample}: {string.Join('\n', drill.Checks)}");
            Assert.False(drill.Proven);
        }

        foreach (var broken in new[]
        {
            "CREATE TABLE a (b text);\nINSERT INTO a VALUES ('it", "SET a.b = 1;\nCOPY t FROM stdin;\n1\n", "/* a",
        })
        {
            Assert.False((await TestAsync(await WriteAsync("broken.sql", broken))).Passed, broken);
        }

        // With its first lines, as older Rails leaves them, and many rows behind the last one.
        await WriteAsync(
            "older.sql", text + string.Concat(Enumerable.Range(0, 4000).Select(number => $"INSERT INTO t VALUES ({number});\n")));
        Assert.True((await TestAsync(Path.Combine(_folder.Path, "older.sql"))).Passed);
        Assert.Equal(
            ["dump.sql", "older.sql"],
            (await new FindBackups().RunAsync(new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None))
                .Select(backup => Path.GetFileName(backup.Path)).Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public async Task A_script_that_chooses_its_database_or_fails_is_refused()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT 1 AS a");
        var creating = await DumpAsync(source, "creating.sql", "--format=plain", "--create");
        Assert.Equal(source.Database, BackupFolder.Read(creating).Database);
        Assert.True((await TestAsync(creating)).Passed);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(creating));
        Assert.Contains("CREATE DATABASE", error.Message, StringComparison.Ordinal);
        var drill = await new TestRestore().RunAsync(
            new TestRestoreRequest { Path = creating, Server = _server.Target }, _sink, CancellationToken.None);
        Assert.Contains("restore: ", drill.Failure, StringComparison.Ordinal);

        var plain = await DumpAsync(source, "plain.sql", "--format=plain");
        var text = await File.ReadAllTextAsync(plain);
        await File.WriteAllTextAsync(
            plain, text.Replace("COPY public.t", "DO $$ BEGIN RAISE WARNING 'careful'; END $$;\nCOPY public.t", StringComparison.Ordinal));
        Assert.Contains("careful", (await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(plain))).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            plain, text.Replace("COPY public.t", "DO $$ BEGIN RAISE NOTICE 'fine'; END $$;\nCOPY public.t", StringComparison.Ordinal));
        await RestoreAsync(plain);
        await File.WriteAllTextAsync(plain, text.Replace("COPY public.t", "SELECT 1/0;\nCOPY public.t", StringComparison.Ordinal));
        Assert.Contains(
            "division by zero", (await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(plain))).Message, StringComparison.Ordinal);
    }

    private static readonly (string Name, string[] Options)[] Formats =
    [
        ("a.dump", ["--format=custom"]),
        ("b.tar", ["--format=tar"]),
        ("c", ["--format=directory"]),
        ("shop_2026-11-19.sql", ["--format=plain"]),
    ];

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))).ToLowerInvariant();

    private string Pack(string name)
    {
        var path = Path.Combine(_folder.Path, name + ".gz");
        using var plain = File.OpenRead(Path.Combine(_folder.Path, name));
        using var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        plain.CopyTo(packed);
        return path;
    }

    private async Task<string> DumpAsync(PgTarget source, string name, params string[] options)
    {
        var path = Path.Combine(_folder.Path, name);
        var tool = PostgresBinaries.Client("pg_dump");
        (await ToolProcess.RunAsync(
            new ToolCommand(tool.Path, [.. options, "--file=" + path]) { Target = source }, CancellationToken.None)).EnsureSuccess();
        return path;
    }

    private Task<PgTarget> CreateFilledAsync() => BackupTestDatabase.CreateAsync(_server, """
        CREATE TABLE first AS SELECT i, md5(i::text) FROM generate_series(1, 3000) i;
        CREATE TABLE none (a int);
        CREATE TABLE later AS SELECT i, md5(i::text) FROM generate_series(1, 3000) i;
        SELECT lo_from_bytea(0, convert_to(repeat(md5('x'), 500), 'UTF8')), lo_from_bytea(0, 'short');
        """);

    private async Task<byte[]> PipeAsync(PgTarget source, string options)
    {
        using var output = new MemoryStream();
        var tool = PostgresBinaries.Client("pg_dump");
        string[] arguments = ["--format=custom", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        (await ToolProcess.RunAsync(
            new ToolCommand(tool.Path, arguments) { Target = source, Output = output }, CancellationToken.None)).EnsureSuccess();
        return output.ToArray();
    }

    private async Task<string> WriteAsync(string name, params string[] text)
    {
        var path = Path.Combine(_folder.Path, name);
        await File.WriteAllTextAsync(path, string.Concat(text));
        return path;
    }

    private Task<PgRestore> RestoreAsync(string path) => new RestoreDatabase().RunAsync(
        new RestoreDatabaseRequest { Backup = BackupFolder.Read(path), Target = _server.Target, Database = $"f_{Guid.NewGuid():N}" },
        _sink, CancellationToken.None);

    private Task<PgBackupTest> TestAsync(string path, bool deep = false)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = path, Deep = deep }, _sink, CancellationToken.None);
}
