using Microsoft.Extensions.Logging;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Drills;

[Collection(RestoreTests.Name)]
public sealed class TestRestoreTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public TestRestoreTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Plain)]
    public async Task Proves_a_good_backup_and_writes_it_down(PgBackupFormat format)
    {
        await SandboxServer.ExecuteAsync(_server.Target, "DROP ROLE IF EXISTS drill_owner; CREATE ROLE drill_owner");
        var source = await OddDatabase.CreateAsync(
            _server, "ALTER TABLE public.events OWNER TO drill_owner; CREATE POLICY own ON public.events TO drill_owner USING (true)");
        var backup = await OddDatabase.BackUpAsync(source, _folder, format);
        await SandboxServer.ExecuteAsync(source, "DROP OWNED BY drill_owner CASCADE; DROP ROLE drill_owner");

        var drill = await RunAsync(new() { Backup = backup });

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.Equal(DrillSteps.Always, drill.Checks.Select(check => check.Name));
        Assert.All(drill.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(backup.Manifest!.Tables.Count, drill.TablesCompared);
        Assert.All(drill.Tables, table => Assert.Equal(PgTableVerdict.Equal, table.Verdict));
        Assert.Equal(2660, drill.Rows);
        Assert.Equal(source, drill.Target);
        Assert.True(drill.RecoveryTime > TimeSpan.Zero);
        Assert.True(drill.DataAge > TimeSpan.Zero);
        Assert.Contains("drill_owner", drill.Checks.Single(check => check.Name == "roles").Detail, StringComparison.Ordinal);
        Assert.Equal(backup.Id, Assert.Single(DrillLedger.ReadProven(_folder.Path)).Key);
        Assert.Empty(_sink.Outputs);
        await AssertNoSandboxAsync();
    }

    [PostgresFact]
    public async Task A_flipped_bit_fails_at_the_hashes_and_nothing_else_is_called_passed()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder, PgBackupFormat.Directory);
        foreach (var file in Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories).ToList())
        {
            var at = new FileInfo(file).Length / 2;
            BackupDamage.FlipBit(file, at);
            var drill = await RunAsync(new() { Path = backup.Path });
            BackupDamage.FlipBit(file, at);

            Assert.False(drill.Passed, file);
            Assert.Equal(PgCheckStatus.Failed, drill.Checks[0].Status);
            Assert.Equal("hashes", drill.Checks[0].Name);
            Assert.All(drill.Checks.Skip(1), check => Assert.Equal(PgCheckStatus.Skipped, check.Status));
            Assert.Contains("hashes failed", drill.Checks[1].Detail, StringComparison.Ordinal);
            Assert.Equal(DrillSteps.Always.Length, drill.Checks.Count);
        }

        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
        Assert.True((await RunAsync(new() { Path = backup.Path })).Passed);
        Assert.Single(DrillLedger.ReadProven(_folder.Path));
    }

    [PostgresFact]
    public async Task A_copy_that_differs_from_the_manifest_fails_and_the_table_is_named()
    {
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder),
            manifest => manifest with
            {
                Tables = [.. manifest.Tables.Select(table => table.Name == "events_2024" ? table with { Rows = table.Rows + 1 } : table)],
            });

        var drill = await RunAsync(new() { Backup = backup });

        Assert.False(drill.Passed);
        Assert.Contains("public.events_2024", drill.Failure, StringComparison.Ordinal);
        Assert.Equal("events_2024", Assert.Single(drill.Tables, table => !table.Passed).Name);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
    }

    [PostgresFact]
    public async Task A_warning_of_pg_restore_fails_the_drill_with_its_words()
    {
        // The role is in no list, so nobody creates it, and pg_restore meets it.
        await SandboxServer.ExecuteAsync(_server.Target, "DROP ROLE IF EXISTS unlisted; CREATE ROLE unlisted");
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, "GRANT SELECT ON public.events TO unlisted"), _folder),
            manifest => manifest with { Facts = manifest.Facts with { Roles = ["postgres"] } });

        var drill = await RunAsync(new() { Backup = backup });

        Assert.False(drill.Passed);
        var restore = drill.Checks.Single(check => check.Name == "restore");
        Assert.Equal(PgCheckStatus.Failed, restore.Status);
        Assert.Contains("role \"unlisted\" does not exist", restore.Detail, StringComparison.Ordinal);
        Assert.All(drill.Checks.SkipWhile(check => check != restore).Skip(1), check => Assert.Equal(PgCheckStatus.Skipped, check.Status));
        await AssertNoSandboxAsync();
    }

    [PostgresFact]
    public async Task Says_that_content_was_not_compared_when_the_manifest_holds_no_hashes()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder, depth: PgFingerprintDepth.Counts);
        var drill = await RunAsync(new() { Backup = backup });
        var content = drill.Checks.Single(check => check.Name == "content");
        Assert.Equal(PgCheckStatus.Skipped, content.Status);
        Assert.Contains("no content hashes", content.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_given_server_gets_a_scratch_database_and_loses_it_again()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var forged = await BackupDamage.ForgeAsync(backup, manifest => manifest with
        {
            Facts = manifest.Facts with { Roles = [.. manifest.Facts.Roles, "only for the drill"] },
        });
        var before = await SandboxServer.ExecuteAsync(_server.Target, "SELECT count(*) FROM pg_database");

        var drill = await RunAsync(new() { Backup = forged, Server = _server.Target });

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.Equal(before, await SandboxServer.ExecuteAsync(_server.Target, "SELECT count(*) FROM pg_database"));
        Assert.Equal(
            0L, await SandboxServer.ExecuteAsync(_server.Target, "SELECT count(*) FROM pg_roles WHERE rolname = 'only for the drill'"));
    }

    [PostgresFact]
    public async Task Cancelled_it_takes_its_sandbox_along_and_writes_nothing_down()
    {
        var source = await OddDatabase.CreateAsync(
            _server, "INSERT INTO public.events SELECT '2024-05-05', repeat('x', 200) FROM generate_series(1, 300000)");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        using var stop = new CancellationTokenSource();
        var running = new TestRestore().RunAsync(new() { Backup = backup }, _sink, stop.Token);
        while (!running.IsCompleted && _sink.Reports.All(report => !report.Activity.StartsWith("Restoring", StringComparison.Ordinal)))
        {
            await Task.Delay(5);
        }

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await AssertNoSandboxAsync();
        Assert.False(File.Exists(Path.Combine(_folder.Path, DrillLedger.FileName)));
    }

    [PostgresFact]
    public async Task Without_server_programs_it_says_so_instead_of_blaming_the_backup()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(new() { Backup = backup, BinPath = _folder.Path }));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
        Assert.False(File.Exists(Path.Combine(_folder.Path, DrillLedger.FileName)));
    }

    [PostgresFact]
    public async Task A_ledger_that_cannot_be_written_is_a_warning()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        Directory.CreateDirectory(Path.Combine(_folder.Path, DrillLedger.FileName));
        Assert.True((await RunAsync(new() { Backup = backup })).Passed);
        Assert.Contains(_sink.Lines, line => line.Level == LogLevel.Warning && line.Text.Contains("ledger", StringComparison.Ordinal));
    }

    private Task<PgDrill> RunAsync(TestRestoreRequest request) => new TestRestore().RunAsync(request, _sink, CancellationToken.None);

    private async Task AssertNoSandboxAsync()
    {
        var ids = _sink.Lines.Select(line => line.Text).Where(text => text.StartsWith("Sandbox ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(ids);
        var running = await new FindSandboxes().RunAsync(new FindSandboxesRequest(), _sink, CancellationToken.None);
        Assert.DoesNotContain(running, sandbox => sandbox.OwnerProcessId == Environment.ProcessId && sandbox.Id != _server.Sandbox.Id
            && ids.Exists(text => text.Contains(sandbox.Id, StringComparison.Ordinal)));
    }
}
