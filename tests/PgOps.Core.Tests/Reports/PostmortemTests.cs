using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Reports;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Reports;

[Collection(PostgresTests.Name)]
public sealed class PostmortemTests : IDisposable
{
    private static readonly string[] Sections =
        ["Summary", "Root cause", "Impact", "Data loss", "Timeline", "Resolution", "Prevention", "Evidence"];

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public PostmortemTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_any_source_every_section_asks()
    {
        var text = await WriteAsync(new() { Path = Path.Combine(_folder.Path, "bare.md"), Title = ReportSamples.Evil });
        Assert.Equal(Sections, HeadingsOf(text));
        Assert.Contains("Nothing was given to read from.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", text, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task History_ledger_log_and_records_make_one_timeline()
    {
        var target = await _server.CreateDatabaseAsync();
        var migrations = Directory.CreateDirectory(Path.Combine(_folder.Path, "m")).FullName;
        await File.WriteAllTextAsync(Path.Combine(migrations, "001_good.sql"), "CREATE TABLE t (a int);");
        await File.WriteAllTextAsync(Path.Combine(migrations, "002_bad.sql"), "ALTER TABLE \"no|<b>such\" ADD COLUMN x int;");
        var error = await Assert.ThrowsAsync<PgOpsException>(() => new InvokeMigrations().RunAsync(
            new MigrationRequest { Target = target, Path = migrations }, _sink, CancellationToken.None));
        var backups = Directory.CreateDirectory(Path.Combine(_folder.Path, "b")).FullName;
        var log = Path.Combine(_folder.Path, "log.jsonl");
        await File.WriteAllLinesAsync(log,
        [
            """{"time":"2001-01-01T00:00:00Z","level":"Warning","command":"X","message":"too old"}""",
            $$"""{"time":"{{DateTime.UtcNow:O}}","level":"Warning","command":"X","message":"password=hunter22 and <i>"}""",
            $$"""{"time":"{{DateTime.UtcNow:O}}","level":"Debug","command":"X","message":"chatter"}""",
            "torn",
        ]);
        var backup = await new BackupDatabase().RunAsync(
            new() { Target = target, Path = backups }, _sink, CancellationToken.None);
        await new TestRestore().RunAsync(new() { Backup = backup }, _sink, CancellationToken.None);
        var request = new WritePostmortemRequest
        {
            Path = Path.Combine(_folder.Path, "incident.md"),
            Target = target,
            BackupPath = backups,
            LogFiles = [log],
            Records = [error],
            Since = DateTimeOffset.UtcNow.AddHours(-1),
        };

        var text = await WriteAsync(request);

        Assert.Equal(Sections, HeadingsOf(text));
        Assert.Contains("Migration 001\\_good was applied", Part(text, "Timeline"), StringComparison.Ordinal);
        Assert.Contains(
            "Migration 002\\_bad failed: 42P01: relation \"no\\|&lt;b&gt;such\"", Part(text, "Root cause"), StringComparison.Ordinal);
        Assert.Contains("MigrationFailed", Part(text, "Root cause"), StringComparison.Ordinal);
        Assert.Contains("holds the data as of", Part(text, "Data loss"), StringComparison.Ordinal);
        Assert.Contains(backup.Id, Part(text, "Timeline"), StringComparison.Ordinal);
        Assert.Contains(": proven after", Part(text, "Timeline"), StringComparison.Ordinal);
        Assert.Contains("| log, warning |", Part(text, "Timeline"), StringComparison.Ordinal);
        Assert.Contains("No proven backup stood behind migration 001\\_good", Part(text, "Prevention"), StringComparison.Ordinal);
        Assert.Contains("their chain of hashes holds", Part(text, "Evidence"), StringComparison.Ordinal);
        Assert.Contains("1 line; 1 line not of PgOps' form left out", Part(text, "Evidence"), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter22", text, StringComparison.Ordinal);
        Assert.DoesNotContain("chatter", text, StringComparison.Ordinal);
        Assert.DoesNotContain("too old", text, StringComparison.Ordinal);

        await SandboxServer.ExecuteAsync(target, "UPDATE pgops.migration_history SET applied_by = 'nobody' WHERE id = 1");
        var ledger = Path.Combine(backups, DrillLedger.FileName);
        await File.WriteAllTextAsync(
            ledger, (await File.ReadAllTextAsync(ledger)).Replace("\"passed\":true", "\"passed\":false", StringComparison.Ordinal));
        // What people wrote on stays, and so does a report.
        Assert.Equal(PgErrorCode.PathInaccessible, (await Assert.ThrowsAsync<PgOpsException>(() => WriteAsync(request))).Code);
        text = await WriteAsync(request with { Force = true });
        Assert.Contains(
            "**the history was edited: row 1 (version ", Part(text, "Evidence"), StringComparison.Ordinal);
        Assert.Contains("**its chain of hashes breaks at line 1: it was edited**", Part(text, "Evidence"), StringComparison.Ordinal);
        Assert.Contains("No whole backup of", Part(text, "Data loss"), StringComparison.Ordinal);
        Assert.Empty(_sink.Failures);

        // Backups of another database were looked at, and are none of this one.
        text = await WriteAsync(request with { Force = true, Target = target.WithDatabase("postgres") });
        Assert.Contains("There was no backup of postgres in", Part(text, "Data loss"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_could_be_brought_back_is_said_by_a_whole_backup_of_a_time_that_can_be()
    {
        var now = DateTime.UtcNow;
        var whole = BackupSample.Write(_folder.Path, "shop", now.AddHours(-9));
        var part = BackupSample.Write(
            _folder.Path, "shop", now.AddHours(-1),
            manifest: one => one with { Payload = one.Payload with { Selection = ["--table=log"] } });
        var ahead = BackupSample.Write(_folder.Path, "shop", now.AddYears(1));
        foreach (var backup in new[] { whole, part, ahead })
        {
            await BackupSample.ProveAsync(backup);
        }

        var text = await WriteAsync(new() { Path = Path.Combine(_folder.Path, "incident.md"), BackupPath = _folder.Path });
        Assert.Contains($"id {whole.Id}, proven ", Part(text, "Data loss"), StringComparison.Ordinal);
        Assert.DoesNotContain(part.Id, Part(text, "Data loss"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_gone_is_an_error_and_the_document_is_there_all_the_same()
    {
        var gone = new PgTarget { Host = "127.0.0.1", Port = 1, Database = "shop" }.WithPassword(new PgSecret(ReportSamples.Secret));
        var text = await WriteAsync(new() { Path = Path.Combine(_folder.Path, "gone.md"), Target = gone });
        Assert.Equal(PgErrorCode.ConnectionFailed, Assert.Single(_sink.Failures).Code);
        Assert.Contains("**the migration history was not read**", Part(text, "Evidence"), StringComparison.Ordinal);
        Assert.DoesNotContain(ReportSamples.Secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_path_it_has_its_place_and_no_other_incidents_file_is_taken()
    {
        var broke = new WritePostmortemRequest
        {
            Folder = _folder.Path,
            Title = "Orders weren't taken: \u00DCber ../../3 h",
            Since = new DateTimeOffset(2026, 1, 31, 23, 30, 0, TimeSpan.FromHours(-2)),
        };
        var first = await FileAsync(broke);
        Assert.Equal("docs/postmortems/2026-02-01-orders-weren-t-taken-\u00FCber-3-h.md", Below(first));
        Assert.Equal(first, WritePostmortem.PathOf(broke));

        // The same incident's document is people's by now; another's goes beside it.
        await File.AppendAllTextAsync(first, "\nmine\n");
        var error = await Assert.ThrowsAsync<PgOpsException>(() => FileAsync(broke));
        Assert.Equal(PgErrorCode.PathInaccessible, error.Code);
        Assert.Contains("mine", await File.ReadAllTextAsync(first), StringComparison.Ordinal);
        var another = broke with { Since = broke.Since!.Value.AddMinutes(1), Force = true };
        Assert.EndsWith("3-h-2.md", await FileAsync(another), StringComparison.Ordinal);
        Assert.Equal(first, await FileAsync(broke with { Force = true }));
        Assert.DoesNotContain("mine", await File.ReadAllTextAsync(first), StringComparison.Ordinal);

        // Nothing tells these apart from others of the day.
        var bare = new WritePostmortemRequest { Folder = _folder.Path };
        var day = DateTime.UtcNow;
        string[] names = [Below(await FileAsync(bare)), Below(await FileAsync(bare with { Force = true }))];
        Assert.Equal([$"docs/postmortems/{day:yyyy-MM-dd}-incident.md", $"docs/postmortems/{day:yyyy-MM-dd}-incident-2.md"], names);
    }

    [Fact]
    public async Task Incidents_told_at_once_each_get_a_file()
    {
        var files = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => FileAsync(new() { Folder = _folder.Path, Target = new() { Host = "127.0.0.1", Port = 1, Database = "shop" } }))));
        Assert.Equal(8, files.Distinct().Count());
        Assert.All(files, file => Assert.Contains("-shop", Path.GetFileName(file), StringComparison.Ordinal));
    }

    private async Task<string> FileAsync(WritePostmortemRequest request)
        => (await new WritePostmortem().RunAsync(request, _sink, CancellationToken.None)).FullName;

    private string Below(string file) => Path.GetRelativePath(_folder.Path, file).Replace('\\', '/');

    private async Task<string> WriteAsync(WritePostmortemRequest request)
        => await File.ReadAllTextAsync((await new WritePostmortem().RunAsync(request, _sink, CancellationToken.None)).FullName);

    private static IEnumerable<string> HeadingsOf(string text)
        => text.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..]);

    private static string Part(string text, string heading) => text.Split($"## {heading}\n")[1].Split("\n## ")[0];
}
