using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Common.Files;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>FIELD_NOTES 3: half-written files under final names. Whatever breaks, nothing is left that looks like a backup.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class BackupFaultTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public BackupFaultTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [LinuxPostgresFact]
    public async Task A_killed_pg_dump_leaves_nothing()
    {
        var source = await BigAsync();
        var backup = StartAsync(source, CancellationToken.None);
        await UntilDumpingAsync(backup);
        foreach (var process in Dumping())
        {
            process.Kill();
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => backup);
        Assert.Equal(PgErrorCode.ToolFailed, error.Code);
        Assert.Contains("137", error.Problem, StringComparison.Ordinal);
        await AssertNothingLeftAsync(source);
    }

    [PostgresFact]
    public async Task What_the_server_tells_every_session_stops_no_backup()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE a AS SELECT 1 AS i;");
        await SandboxServer.ExecuteAsync(
            _server.Target, $"UPDATE pg_database SET datcollversion = '1.0' WHERE datname = '{source.Database}'");

        var backup = await StartAsync(source, CancellationToken.None);

        Assert.True(File.Exists(Path.Combine(backup.Path, BackupDatabase.GlobalsFile)));
        Assert.Contains(backup.Warnings, warning => warning.StartsWith("The server said to pg_dumpall: ", StringComparison.Ordinal)
            && warning.Contains("collation version", StringComparison.Ordinal));
    }

    [LinuxPostgresFact]
    public async Task A_terminated_holder_of_the_snapshot_fails_the_backup()
    {
        var source = await BigAsync();
        var backup = StartAsync(source, CancellationToken.None);
        await UntilDumpingAsync(backup);
        while (await SandboxServer.ExecuteAsync(
            _server.Target,
            $"""
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = '{source.Database}' AND application_name LIKE 'PgOps backup%' AND query LIKE '%pg_stat_progress_copy%'
            """) is 0L && !backup.IsCompleted)
        {
            await Task.Delay(20);
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => backup);
        Assert.Equal(PgErrorCode.ConnectionLost, error.Code);
        Assert.Contains("nothing is left", error.State, StringComparison.Ordinal);
        await AssertNothingLeftAsync(source);
    }

    [LinuxPostgresFact]
    public async Task Cancelling_ends_children_and_sessions_before_it_returns()
    {
        var source = await BigAsync();
        using var cancel = new CancellationTokenSource();
        var backup = StartAsync(source, cancel.Token);
        await UntilDumpingAsync(backup);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup);
        Assert.Empty(Dumping());
        await AssertNothingLeftAsync(source);
    }

    [PostgresFact]
    public async Task What_cannot_begin_writes_nothing()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        var cases = new (PgTarget Target, string? BinPath, PgErrorCode Code)[]
        {
            (source with { Database = "there is none" }, null, PgErrorCode.ConnectionFailed),
            (source with { Username = "nobody" }, null, PgErrorCode.PermissionDenied),
            (source.WithPassword(new PgSecret("wrong")), null, PgErrorCode.PermissionDenied),
            (source with { Port = 1 }, null, PgErrorCode.ConnectionFailed),
            (source, _folder.Path, PgErrorCode.ToolMissing),
        };
        foreach (var (target, binPath, code) in cases)
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = target, Path = Path.Combine(_folder.Path, "below"), BinPath = binPath },
                _sink,
                CancellationToken.None));
            Assert.True(code == error.Code, $"{target}: {error}");
            Assert.Equal(BackupDatabase.NothingLeft, error.State);
            Assert.NotNull(error.NextStep);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        }
    }

    // FIELD_NOTES 8.
    [PostgresFact]
    public async Task A_role_that_sees_too_little_writes_nothing()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var role = "few_" + source.Database;
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE ROLE {role} LOGIN PASSWORD 'longsecret'; GRANT pg_read_all_data TO {role}");
        var target = (source with { Username = role }).WithPassword(new PgSecret("longsecret"));
        foreach (var depth in Enum.GetValues<PgFingerprintDepth>())
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(() => new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = target, Path = _folder.Path, Fingerprint = depth }, _sink, CancellationToken.None));
            Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
            Assert.Contains("guarded", error.Problem, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    // FIELD_NOTES 5.
    [LinuxPostgresFact]
    public async Task A_pg_dump_older_than_the_server_is_refused_before_anything_is_written()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        using var old = new TemporaryFolder();
        var path = Path.Combine(old.Path, "pg_dump");
        await File.WriteAllTextAsync(path, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = _folder.Path, BinPath = old.Path }, _sink, CancellationToken.None));
        Assert.Equal(PgErrorCode.ToolTooOld, error.Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [PostgresFact]
    public async Task Strays_of_dead_owners_are_swept_and_no_others()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        using var process = Process.GetCurrentProcess();
        var dead = Partial("dead", $"{ProcessStamp.Scope}\n{process.Id}\n1\n");
        var alive = Partial("alive", $"{ProcessStamp.Scope}\n{process.Id}\n{ProcessStamp.Of(process.Id)}\n");
        var elsewhere = Partial("elsewhere", "another-machine pid:[1]\n1\n1\n");
        var young = Partial("young", null);
        await StartAsync(source, CancellationToken.None);
        Assert.False(Directory.Exists(dead));
        Assert.True(Directory.Exists(alive));
        Assert.True(Directory.Exists(elsewhere));
        Assert.True(Directory.Exists(young));
        var listed = await new FindBackups().RunAsync(new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None);
        Assert.Equal(3, listed.Count(backup => !backup.Complete));
        Assert.Single(await new FindBackups().RunAsync(
            new FindBackupsRequest { Path = _folder.Path, Latest = true }, _sink, CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_newest_backup_that_is_damaged_is_not_passed_over_silently()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        var older = await StartAsync(source, CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        var newest = await StartAsync(source, CancellationToken.None);
        File.WriteAllText(Path.Combine(newest.Path, "manifest.json"), "{\"broken");
        var request = new FindBackupsRequest { Path = _folder.Path, Latest = true };
        var given = Assert.Single(await new FindBackups().RunAsync(request, _sink, CancellationToken.None));
        Assert.Equal(older.Path, given.Path);
        var error = Assert.Single(_sink.Failures);
        Assert.Equal(PgErrorCode.BackupDamaged, error.Code);
        Assert.Contains(newest.Path, error.Problem, StringComparison.Ordinal);
        Assert.Contains(older.Path, error.State, StringComparison.Ordinal);

        // None is left: then the database must not drop out of the list without a word.
        File.Delete(Path.Combine(older.Path, "manifest.json"));
        Assert.Empty(await new FindBackups().RunAsync(request, _sink, CancellationToken.None));
        Assert.Contains("no complete one", _sink.Failures.Last().State, StringComparison.Ordinal);
    }

    private string Partial(string name, string? owner)
    {
        var path = Path.Combine(_folder.Path, $"{name}_20240101-000000Z.partial");
        Directory.CreateDirectory(Path.Combine(path, "data"));
        if (owner is not null)
        {
            File.WriteAllText(Path.Combine(path, OwnerFile.FileName), owner);
        }

        return path;
    }

    private Task<PgTarget> BigAsync() => BackupTestDatabase.CreateAsync(_server, """
        CREATE TABLE big_1 AS SELECT i, md5(i::text) AS a, md5((i + 1)::text) AS b FROM generate_series(1, 500000) i;
        CREATE TABLE big_2 AS TABLE big_1;
        """);

    private Task<PgBackup> StartAsync(PgTarget target, CancellationToken cancellationToken) => Task.Run(
        () => new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = target, Path = _folder.Path, Jobs = 2 }, _sink, cancellationToken),
        CancellationToken.None);

    private async Task UntilDumpingAsync(Task backup)
    {
        while (!Directory.EnumerateFiles(_folder.Path, "*.dat.gz", SearchOption.AllDirectories).Any())
        {
            Assert.False(backup.IsCompleted, "it ended before it could be disturbed");
            await Task.Delay(5);
        }
    }

    private List<Process> Dumping() =>
    [
        .. Process.GetProcessesByName("pg_dump").Where(process =>
        {
            try
            {
                var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/cmdline");
                return File.ReadAllText(path).Contains(_folder.Path, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }),
    ];

    private async Task AssertNothingLeftAsync(PgTarget source)
    {
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        var clock = Stopwatch.StartNew();
        // A killed client's backend notices when it next writes.
        while (await SandboxServer.ExecuteAsync(
            _server.Target, $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{source.Database}'") is not 0L)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "sessions are left");
            await Task.Delay(50);
        }
    }
}
