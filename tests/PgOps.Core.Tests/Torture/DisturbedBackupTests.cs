using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using PgOps.Core.Backups;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// Backups that are disturbed at random moments: nothing lies under a final name but what is whole, the backups that were there are
/// untouched, the error says what to do, and the next run sweeps what a dead owner left, and nothing else. PGOPS_FAULT_ROUNDS says how
/// many moments each way gets (2 when it is not set).
/// </summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class DisturbedBackupTests : IDisposable
{
    private const string Rows = """
        CREATE TABLE big_1 AS SELECT i, md5(i::text) AS a, md5((i + 1)::text) AS b FROM generate_series(1, 80000) i;
        CREATE TABLE big_2 AS TABLE big_1;
        """;

    private static readonly int Rounds = int.TryParse(
        Environment.GetEnvironmentVariable("PGOPS_FAULT_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture,
        out var number) ? number : 2;

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private string _before = "";

    public DisturbedBackupTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    public void Dispose() => _folder.Dispose();

    [LinuxPostgresFact]
    public async Task A_killed_PgOps_leaves_a_stray_that_the_next_run_sweeps()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Rows);
        var time = await PrepareAsync(source);
        var alive = Directory.CreateDirectory(Path.Combine(_folder.Path, "alive_20240101-000000Z.partial")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(alive, OwnerFile.FileName), OwnerFile.Own());
        for (var round = 0; round < Rounds; round++)
        {
            using var process =
                await MigratorProcess.StartAsync(source, MigratorProcess.Backup + (round % 2 == 0 ? "Directory" : "Custom"), _folder.Path);
            process.Go();

            // Not before it has begun to write, and not only while pg_dump is at work.
            await Eventually.HoldsAsync(() => Strays().Count > 1, "a folder is begun");
            await Task.Delay(Random.Shared.Next((int)(time.TotalMilliseconds / 2) + 1));
            await process.KillAsync();
            var said = await process.EndAsync();
            await CheckAsync(said.Length == 0 ? 2 : 1);
            await BackupAsync(source);
            Assert.Equal([alive], Strays());
            await Eventually.HoldsAsync(() => !Dumping(), "pg_dump ends with its PgOps");
            _output.WriteLine($"{round}: {(said.Length == 0 ? "killed" : "had ended")}");
        }

        await SessionsEndAsync(source);
    }

    [LinuxPostgresFact]
    public async Task A_cut_connection_ends_in_an_error_and_leaves_nothing()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Rows);
        var time = await PrepareAsync(source);

        // Whichever it is: the snapshot's holder, the reader, the workers, pg_dump's own.
        for (var round = 0; round < Rounds * 3; round++)
        {
            await using var proxy = new CuttingProxy(source);
            var backup = BackupAsync(proxy.Target with { SslMode = PgSslMode.Disable });
            var connection = round % 6;
            while (proxy.ProcessOf(connection) is null && !backup.IsCompleted)
            {
                await Task.Delay(1);
            }

            await Task.WhenAny(backup, Task.Delay(Random.Shared.Next((int)(time.TotalMilliseconds / 4) + 1)));
            proxy.Cut(connection);
            await FailedOrWholeAsync(
                backup, $"connection {connection}", PgErrorCode.ConnectionLost, PgErrorCode.ConnectionFailed, PgErrorCode.ToolFailed);
        }

        await SessionsEndAsync(source);
    }

    [LinuxPostgresFact]
    public async Task A_killed_server_ends_in_an_error_and_leaves_nothing()
    {
        TimeSpan? time = null;
        for (var round = 0; round < Rounds; round++)
        {
            var sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest(), _sink, CancellationToken.None);
            try
            {
                await SandboxServer.ExecuteAsync(sandbox.Target, Rows);
                time ??= await PrepareAsync(sandbox.Target);
                var backup = BackupAsync(sandbox.Target);
                await Task.Delay(Random.Shared.Next((int)time.Value.TotalMilliseconds + 1));
                using (var postmaster = Process.GetProcessById(sandbox.ServerProcessId))
                {
                    postmaster.Kill();
                }

                await FailedOrWholeAsync(
                    backup, "server", PgErrorCode.ConnectionLost, PgErrorCode.ConnectionFailed, PgErrorCode.ToolFailed);
            }
            finally
            {
                await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
            }
        }
    }

    // /dev/full refuses every byte as a full disk does. The backup is written into it by a pg_dump that finds its file there already.
    [LinuxPostgresFact]
    public async Task A_full_disk_is_called_that_and_leaves_nothing()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Rows);
        await PrepareAsync(source);
        using var bin = new TemporaryFolder();
        foreach (var tool in (string[])["pg_dump", "pg_restore", "pg_dumpall"])
        {
            var real = PostgresBinaries.Client(tool).Path;
            var full = "for a in \"$@\"; do case \"$a\" in --file=*) ln -s /dev/full \"${a#--file=}\";; esac; done\n";
            var path = Path.Combine(bin.Path, tool);
            await File.WriteAllTextAsync(path, $"#!/bin/sh\n{(tool == "pg_dump" ? full : "")}exec '{real}' \"$@\"\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = PgBackupFormat.Custom, BinPath = bin.Path }, _sink,
            CancellationToken.None));
        Assert.Equal(PgErrorCode.DiskFull, error.Code);
        Assert.Contains("No space left", error.Problem, StringComparison.Ordinal);
        Assert.Contains("Remove-PgBackup", error.NextStep, StringComparison.Ordinal);
        await CheckAsync(0);
    }

    // A limit on the length of files (RLIMIT_FSIZE) stops pg_dump in one round and PgOps' own manifest in the other.
    [LinuxPostgresFact]
    public async Task A_file_that_cannot_be_written_to_its_end_leaves_nothing()
    {
        var large = await BackupTestDatabase.CreateAsync(_server, Rows);
        var many = await BackupTestDatabase.CreateAsync(
            _server,
            "DO $$ BEGIN FOR i IN 1..700 LOOP EXECUTE format('CREATE TABLE t%s (a int PRIMARY KEY, b text)', i); END LOOP; END $$");
        await PrepareAsync(many);
        foreach (var (source, format, kilobytes) in new[] { (large, "Directory", 256), (many, "Plain", 128) })
        {
            using var process = await MigratorProcess.StartAsync(
                source,
                MigratorProcess.Backup + format,
                _folder.Path,
                "env", "DOTNET_EnableWriteXorExecute=0", "bash", "-c", $"trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"", "bash");
            process.Go();
            var said = await process.EndAsync();
            _output.WriteLine(said);
            Assert.Contains("Nothing", said.Replace("nothing is left", "Nothing", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Contains("too large", said, StringComparison.OrdinalIgnoreCase);
            await CheckAsync(0);
        }
    }

    [PostgresFact]
    public async Task A_place_that_cannot_be_used_is_named_and_nothing_is_touched()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT 1 AS a");
        await PrepareAsync(source);
        var file = Path.Combine(_folder.Path, "file");
        await File.WriteAllTextAsync(file, "");
        foreach (var place in OperatingSystem.IsLinux() ? (string[])[file, Path.Combine(file, "below"), "/dev/null/below"] : [file])
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source, Path = place }, _sink, CancellationToken.None));
            Assert.True(error.Code == PgErrorCode.PathInaccessible, error.ToString());
            Assert.Contains(place, error.Problem, StringComparison.Ordinal);
            Assert.NotNull(error.State);
            Assert.NotNull(error.NextStep);
        }

        // A store that does not answer costs the copy, not the backup.
        File.Delete(file);
        using (var s3 = new FaultyS3())
        {
            s3.Break = _ => Fault.Error500;
            var backup = Assert.Single(Final());
            Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", "1");
            try
            {
                var error = await Assert.ThrowsAsync<PgOpsException>(() => new CopyBackup().RunAsync(
                    new CopyBackupRequest { Backup = BackupFolder.Read(backup), Destination = s3.Uri("nightly") }, _sink,
                    CancellationToken.None));
                Assert.Equal(PgErrorCode.StoreFailed, error.Code);
                Assert.NotNull(error.NextStep);
                Assert.Equal(PgErrorCode.StoreFailed, (await Assert.ThrowsAsync<PgOpsException>(() => new FindBackups().RunAsync(
                    new FindBackupsRequest { Path = s3.Uri("nightly") }, _sink, CancellationToken.None))).Code);
            }
            finally
            {
                Environment.SetEnvironmentVariable("AWS_MAX_ATTEMPTS", null);
            }

            Assert.Empty(s3.Objects);
        }

        await CheckAsync(0);
    }

    /// <summary>Makes the backup that must not be touched, and says how long one takes.</summary>
    private async Task<TimeSpan> PrepareAsync(PgTarget source)
    {
        var clock = Stopwatch.StartNew();
        await BackupAsync(source);
        _before = Picture(Assert.Single(Final()));
        return clock.Elapsed;
    }

    private async Task FailedOrWholeAsync(Task<PgBackup> backup, string what, params PgErrorCode[] codes)
    {
        try
        {
            await backup.WaitAsync(TimeSpan.FromSeconds(60));
            _output.WriteLine(what + ": had ended");
        }
        catch (PgOpsException error)
        {
            _output.WriteLine($"{what}: {error.Code}: {error.Problem.ReplaceLineEndings(" ")}");
            Assert.True(codes.Contains(error.Code), error.ToString());
            Assert.False(string.IsNullOrEmpty(error.NextStep), error.ToString());
            Assert.False(string.IsNullOrEmpty(error.State), error.ToString());
        }

        await CheckAsync(0);
    }

    /// <summary>Whatever bears a final name is whole, and the first one is as it was.</summary>
    private async Task CheckAsync(int mostStrays)
    {
        Assert.InRange(Strays().Count, 0, mostStrays);
        var all = Final();
        Assert.Equal(_before, Picture(all[0]));
        foreach (var path in all.Skip(1))
        {
            var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = path }, _sink, CancellationToken.None);
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            Directory.Delete(path, recursive: true);
        }
    }

    private Task<PgBackup> BackupAsync(PgTarget source) => Task.Run(() => new BackupDatabase().RunAsync(
        new BackupDatabaseRequest { Target = source, Path = _folder.Path, Jobs = 2 }, _sink, CancellationToken.None));

    private List<string> Final()
        => [.. Directory.EnumerateDirectories(_folder.Path).Where(path => !path.EndsWith(".partial", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    private List<string> Strays() => [.. Directory.EnumerateDirectories(_folder.Path, "*.partial")];

    private static string Picture(string folder)
        => string.Join('\n', Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"));

    private bool Dumping() => Process.GetProcessesByName("pg_dump").Any(process =>
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/cmdline"))
                .Contains(_folder.Path, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });

    private Task SessionsEndAsync(PgTarget source) => Eventually.HoldsAsync(
        async () => await SandboxServer.ExecuteAsync(
            _server.Target, $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{source.Database}'") is 0L,
        "every session ends");
}
