using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;
using PgOps.Core.Tests.Support.Faults;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// Every call by which a backup, a copy and a removal reach the disk fails once: the work is done or it has cleanly failed, and what has a
/// final name is whole. PGOPS_FAULT_ROUNDS says how many of the calls of a kind are tried (3 when it is not set, each with one error;
/// from 100 on all, each with every error).
/// </summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class FaultyCallTests : IDisposable
{
    private const int OneOperation = 1, Io = 5, NoSpace = 28, NotSupported = 95, Quota = 122;

    private static readonly int Rounds = int.TryParse(
        Environment.GetEnvironmentVariable("PGOPS_FAULT_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture,
        out var number) ? number : 3;

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _tools = new();
    private readonly TemporaryFolder _root = new();
    private readonly CollectingSink _sink = new();

    public FaultyCallTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    private string Backups => Path.Combine(_root.Path, "backups");

    public void Dispose()
    {
        _root.Dispose();
        _tools.Dispose();
    }

    /// <summary>Where the copies of a folder's backups go.</summary>
    internal static string CopiesOf(string backup) => Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(backup))!, "copies");

    [FaultyCallsFact]
    public async Task A_backup_is_done_or_has_cleanly_failed_whatever_call_fails()
    {
        var source = await SourceAsync();
        await ForEachCallAsync(source, MigratorProcess.Backup + "Directory", Backups, async (said, what) =>
        {
            var found = Whole(Backups);
            Assert.True(found.Count == (said == found.FirstOrDefault() ? 1 : 0), $"{what}: {said}");
            await CheckAsync(found, said, what);
            Assert.True(
                !Directory.Exists(Backups) || Directory.GetDirectories(Backups, "*.partial").Length == 0, $"{what} leaves a stray: {said}");
        });
    }

    [FaultyCallsFact]
    public Task A_single_file_never_lies_beside_another_one_s_hash_whatever_call_fails() => SingleFileAsync(replaces: false);

    [FaultyCallsFact]
    public Task A_single_file_that_takes_another_one_s_place_never_lies_beside_its_hash() => SingleFileAsync(replaces: true);

    private async Task SingleFileAsync(bool replaces)
    {
        var source = await SourceAsync();
        var (dump, hash) = (Path.Combine(Backups, "daily.sql.gz"), Path.Combine(Backups, "daily.sql.gz.sha256"));
        const string Earlier = "earlier";
        await ForEachCallAsync(
            source, MigratorProcess.SingleFile, Backups,
            async (said, what) =>
            {
                var done = said == dump;
                Assert.True(File.Exists(dump) == (replaces || done), $"{what}: {said}");
                if (File.Exists(hash))
                {
                    var sum = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(dump))).ToLowerInvariant();
                    Assert.True((await File.ReadAllTextAsync(hash)).StartsWith(sum, StringComparison.Ordinal), $"{what}: {said}");
                }

                Assert.True(!done || File.Exists(hash), $"{what} leaves no hash");
                if (File.Exists(dump) && new FileInfo(dump).Length != Earlier.Length)
                {
                    using var script = new StreamReader(new GZipStream(File.OpenRead(dump), CompressionMode.Decompress));
                    Assert.Contains("PostgreSQL database dump complete", await script.ReadToEndAsync(), StringComparison.Ordinal);
                }
                else
                {
                    Assert.False(done, what);
                }
            },
            () =>
            {
                Directory.CreateDirectory(Backups);
                if (replaces)
                {
                    File.WriteAllText(dump, Earlier);
                    File.WriteAllText(hash, HashOf(Earlier) + "  daily.sql.gz\n");
                }
            });

        static string HashOf(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text))).ToLowerInvariant();
    }

    [FaultyCallsFact]
    public async Task A_copy_is_done_or_has_cleanly_failed_whatever_call_fails()
    {
        var source = await SourceAsync();
        var backup = (await OddDatabase.BackUpAsync(source, _root, PgBackupFormat.Directory)).Path;
        Directory.CreateDirectory(Backups);
        Directory.Move(backup, backup = Path.Combine(Backups, Path.GetFileName(backup)));
        var copies = CopiesOf(backup);
        await ForEachCallAsync(source, MigratorProcess.Copy, backup, async (said, what) =>
        {
            var found = Whole(copies);
            Assert.True(found.Count == (said == found.FirstOrDefault() ? 1 : 0), $"{what}: {said}");
            await CheckAsync(found, said, what);
            Assert.Equal([backup], Whole(Backups));
        });
    }

    [FaultyCallsFact]
    public async Task A_removal_is_done_or_can_be_done_again_whatever_call_fails()
    {
        var source = await SourceAsync();
        var made = (await OddDatabase.BackUpAsync(source, _root, PgBackupFormat.Directory)).Path;
        var backup = Path.Combine(Backups, Path.GetFileName(made));
        await ForEachCallAsync(
            source, MigratorProcess.Remove, backup,
            async (said, what) =>
            {
                if (Directory.Exists(backup))
                {
                    await CheckAsync([backup], "", what);
                    Assert.True(said != "removed", what);
                }
                else if (said != "removed")
                {
                    Assert.True(said.Contains("is no longer a backup", StringComparison.Ordinal), $"{what}: {said}");
                }
            },
            () =>
            {
                Directory.CreateDirectory(Backups);
                Copy(made, backup);
            });
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.GetDirectories(from))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }

    private Task<PgTarget> SourceAsync() => BackupTestDatabase.CreateAsync(
        _server, "CREATE TABLE a AS SELECT i, md5(i::text) AS t FROM generate_series(1, 5000) i; CREATE TABLE b AS TABLE a;");

    private async Task ForEachCallAsync(
        PgTarget source, string work, string argument, Func<string, string, Task> check, Action? prepare = null)
    {
        var faults = new FaultyCalls(_tools.Path);
        foreach (var (call, errors) in new[]
        {
            ("fsync", new[] { Io, NoSpace, Quota }), ("chmod", [OneOperation, NotSupported]), ("rename", [Io, NoSpace]),
            ("write", [NoSpace, Io, Quota]), ("flock", [Io]),
        })
        {
            Clear(work);
            prepare?.Invoke();
            var said = await RunAsync(0, errors[0]);
            Assert.False(said.Contains(':', StringComparison.Ordinal), said);
            var calls = faults.Calls;
            Assert.True(
                calls > 0 || call == "flock" || (call is "chmod" or "write" && work == MigratorProcess.Remove),
                $"{work} makes no {call}");
            await check(said, $"{work}: no {call} failed");
            var chosen = Enumerable.Range(1, calls).ToArray();
            if (calls > Rounds)
            {
                Random.Shared.Shuffle(chosen);
                chosen = chosen[..Rounds];
            }

            foreach (var at in call == "chmod" && calls > 0 ? chosen.Append(-1) : chosen)
            {
                foreach (var error in Rounds < 100 ? [errors[Random.Shared.Next(errors.Length)]] : errors)
                {
                    Clear(work);
                    prepare?.Invoke();
                    said = await RunAsync(at, error);
                    await check(said, $"{work}: {call} {at} of {calls} failed with {error}");
                    var failed = said.Contains(':', StringComparison.Ordinal);
                    // Not every lock on a file is one that matters: .NET takes some by itself.
                    Assert.True(call == "flock" || failed == (call != "chmod"), $"{call} {at} of {calls}, {error}: {said}");
                    if (failed && call is "write" or "rename")
                    {
                        said = await RunAsync(0, error);
                        await check(said, $"{work}, again: {call} {at} of {calls} failed with {error}");
                        Assert.DoesNotContain(':', said);
                        Assert.Empty(Directory.GetDirectories(_root.Path, "*.partial", SearchOption.AllDirectories));
                    }
                }
            }

            _output.WriteLine($"{work}: {chosen.Length} of {calls} calls of {call}");

            async Task<string> RunAsync(int at, int error)
            {
                using var process = await MigratorProcess.StartAsync(source, work, argument, faults.Before(call, _root.Path, at, error));
                process.Go();
                return await process.EndAsync();
            }
        }
    }

    /// <summary>Leaves what the work begins with.</summary>
    private void Clear(string work)
    {
        foreach (var folder in work == MigratorProcess.Copy ? ["copies"] : new[] { "backups", "copies" })
        {
            if (Path.Combine(_root.Path, folder) is var path && Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
        }
    }

    private static List<string> Whole(string folder) => Directory.Exists(folder)
        ? [.. Directory.GetDirectories(folder).Where(path => !path.EndsWith(".partial", StringComparison.Ordinal))]
        : [];

    private async Task CheckAsync(IEnumerable<string> found, string said, string what)
    {
        foreach (var path in found)
        {
            var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = path }, _sink, CancellationToken.None);
            Assert.True(test.Passed, $"{what}: {said}\n{string.Join('\n', test.Checks)}");
        }
    }
}
