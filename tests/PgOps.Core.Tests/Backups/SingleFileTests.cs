using System.Diagnostics;
using System.Security.Cryptography;
using PgOps.Core.Backups;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>A backup that is delivered as one file with its hash beside it.</summary>
[Collection(PostgresTests.Name)]
public sealed class SingleFileTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public SingleFileTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Plain, ".sql.gz", "plain.gz")]
    [InlineData(PgBackupFormat.Custom, ".dump", "custom")]
    public async Task It_lies_beside_its_hash_alone_and_restores(PgBackupFormat format, string ending, string kind)
    {
        var source = await OddDatabase.CreateAsync(_server);
        var request = Request(source) with { Format = format, Label = "pre-migration", FileName = "{label}-{utc}" + ending };

        var backup = await MakeAsync(request);

        var name = $"pre-migration-{backup.SnapshotAt:yyyyMMdd-HHmmss}Z{ending}";
        Assert.Equal([name, name + ".sha256"], Names());
        Assert.Equal((Path.Combine(_folder.Path, name), true, true, kind), (backup.Path, backup.Foreign, backup.Complete, backup.Format));
        Assert.Contains(backup.Warnings, warning => warning.StartsWith($"{backup.Path} has no manifest", StringComparison.Ordinal));
        AssertHash(backup.Path);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(backup.Path));
            using var sum = Process.Start(new ProcessStartInfo("sha256sum", ["-c", "--quiet", name + ".sha256"])
            {
                WorkingDirectory = _folder.Path,
            })!;
            await sum.WaitForExitAsync();
            Assert.Equal(0, sum.ExitCode);
        }

        var drill = await new TestRestore().RunAsync(new() { Backup = BackupFolder.Read(backup.Path) }, _sink, CancellationToken.None);
        Assert.Equal(PgCheckStatus.Passed, drill.Checks.Single(check => check.Name == "hashes").Status);
        Assert.Equal(PgCheckStatus.Passed, drill.Checks.Single(check => check.Name == "restore").Status);
        Assert.DoesNotContain(drill.Checks, check => check.Status == PgCheckStatus.Failed);
    }

    [PostgresFact]
    public async Task Another_files_name_is_taken_on_request_alone()
    {
        var source = await _server.CreateDatabaseAsync();
        var request = Request(source) with { FileName = "nightly" };
        var path = Path.Combine(_folder.Path, "nightly.sql.gz");
        await File.WriteAllTextAsync(path + ".sha256", "mine");
        foreach (var refused in new[] { await FailAsync(request), await Assert.ThrowsAsync<PgOpsException>(
            () => new PreviewBackup().RunAsync(request, _sink, CancellationToken.None)) })
        {
            Assert.Equal((PgErrorCode.PathInaccessible, $"{path}.sha256 is there already."), (refused.Code, refused.Problem));
        }

        Assert.Equal(["nightly.sql.gz.sha256"], Names());
        await MakeAsync(request with { Force = true });
        AssertHash(path);
        var first = await File.ReadAllBytesAsync(path);
        await SandboxServer.ExecuteAsync(source, "CREATE TABLE t AS SELECT 1 AS a");
        await MakeAsync(request with { Force = true });
        AssertHash(path);
        Assert.NotEqual(first, await File.ReadAllBytesAsync(path));
        Assert.Equal(["nightly.sql.gz", "nightly.sql.gz.sha256"], Names());

        File.Delete(path + ".sha256");
        Directory.CreateDirectory(path + ".sha256");
        Assert.Contains("it is a folder", (await FailAsync(request with { Force = true })).NextStep, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("a/b", "it is a path")]
    [InlineData("..\\x", "it is a path")]
    [InlineData("a..b", "holds two dots")]
    [InlineData(".hidden", "begins with a dot")]
    [InlineData("-rf", "a hyphen")]
    [InlineData("x.", "ends with a dot")]
    [InlineData(".sql.gz", "it is empty")]
    [InlineData("x{date}", "{date} is unknown; there are {utc}, {database} and {label}")]
    [InlineData("x{UTC}", "{UTC} is unknown")]
    [InlineData("x{utc", "a character that file names do not have everywhere")]
    [InlineData("a:b", "a character that file names do not have everywhere")]
    [InlineData("a\nb", "a character that file names do not have everywhere")]
    [InlineData("nul.x", "Windows keeps it for a device")]
    [InlineData("x.dump", "its ending speaks of something else than the .sql.gz that it gets")]
    [InlineData("x.sql", "its ending speaks of something else")]
    [InlineData("x{label}", "there is no -Label for {label}")]
    public async Task What_is_no_plain_name_is_refused(string name, string why)
    {
        var error = await FailAsync(Request(_server.Target) with { FileName = name });
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Contains(why, error.Problem, StringComparison.Ordinal);
        Assert.Empty(Names());
    }

    [PostgresFact]
    public async Task What_a_single_file_cannot_be_or_keep_is_refused()
    {
        var request = Request(_server.Target);
        (BackupDatabaseRequest Request, string Why)[] wrong =
        [
            (request with { Format = PgBackupFormat.Directory }, "A dump in the Directory format is no single file."),
            (request with { Format = PgBackupFormat.Custom, Recipients = ["age1x"] }, "A single file is neither encrypted nor signed"),
            (request with { Label = "x" }, "A single file has no manifest to keep a label or a hold in."),
            (request with { KeepUntil = DateTime.UtcNow.AddDays(1) }, "A single file has no manifest to keep a label or a hold in."),
            (request with { SingleFile = false, FileName = "x" }, "-FileName names a single file."),
        ];
        foreach (var (one, why) in wrong)
        {
            Assert.StartsWith(why, (await FailAsync(one)).Problem, StringComparison.Ordinal);
        }
    }

    private static void AssertHash(string path)
    {
        var hash = Hex.Of(SHA256.HashData(File.ReadAllBytes(path)));
        Assert.Equal($"{hash}  {Path.GetFileName(path)}\n", File.ReadAllText(path + ".sha256"));
    }

    private BackupDatabaseRequest Request(PgTarget source)
        => new() { Target = source, Path = _folder.Path, Format = PgBackupFormat.Plain, SingleFile = true };

    private IEnumerable<string?> Names()
        => Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private Task<PgBackup> MakeAsync(BackupDatabaseRequest request)
        => new BackupDatabase().RunAsync(request, _sink, CancellationToken.None);

    private Task<PgOpsException> FailAsync(BackupDatabaseRequest request)
        => Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(request));
}
