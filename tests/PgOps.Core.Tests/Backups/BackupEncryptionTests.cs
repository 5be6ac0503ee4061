using System.Text;
using PgOps.Core.Backups;
using PgOps.Core.Common.Files;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

[Collection(PostgresTests.Name)]
public sealed class BackupEncryptionTests : IDisposable
{
    // In a table and in a setting of the database: whatever of it is readable shows.
    private const string Secret = "NOBODYMAYREADTHIS";

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _keys = new();
    private readonly CollectingSink _sink = new();

    public BackupEncryptionTests(SandboxServer server)
    {
        _server = server;
    }

    private string Identity => Path.Combine(_keys.Path, "identity");

    public void Dispose()
    {
        _folder.Dispose();
        _keys.Dispose();
    }

    [AgeTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task An_encrypted_backup_shows_no_data_and_is_proven_with_the_identity(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types + $"""
            CREATE TABLE small (s text DEFAULT 'no {Secret}');
            INSERT INTO small VALUES ('{Secret}');
            DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.secret = ''{Secret}''', current_database()); END $do$;
            """);
        var plain = await MakeAsync(source, format);
        var recipient = await NewIdentityAsync("identity");
        var backup = await MakeAsync(source, format, recipient);

        Assert.All(Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories), file => Assert.True(
            file.EndsWith(".age", StringComparison.Ordinal) || Path.GetFileName(file) is "manifest.json" or "SHA256SUMS", file));
        Assert.True(Holds(plain, Secret));
        Assert.False(Holds(backup, Secret));
        var read = BackupFolder.Read(backup.Path);
        Assert.True(read.Complete, read.Problem);
        Assert.Equal([recipient], read.Manifest!.Payload.Encryption!.Recipients);
        Assert.All(read.Manifest.Tables, table => Assert.Null(table.Hash));
        Assert.Equal(BackupTestDatabase.Lines(plain.Manifest!.Tables), BackupTestDatabase.Lines(backup.Manifest!.Tables));
        Assert.Equal(plain.Manifest.Sequences, backup.Manifest.Sequences);

        var unread = await TestAsync(backup, null);
        Assert.True(unread.Passed, string.Join('\n', unread.Checks));
        var contents = unread.Checks.Single(check => check.Name == "table-of-contents");
        Assert.Equal(PgCheckStatus.Skipped, contents.Status);
        Assert.Contains("without the identity", contents.Detail, StringComparison.Ordinal);
        Assert.All((await TestAsync(backup, Identity)).Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));

        var drill = await DrillAsync(read, Identity);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        var restored = await new RestoreDatabase().RunAsync(
            new()
            {
                Backup = read,
                Target = _server.Target,
                Database = "opened_" + format.ToString().ToUpperInvariant(),
                Identity = Identity,
            },
            _sink,
            CancellationToken.None);
        BackupTestDatabase.AssertEqual(
            plain.Manifest with { Sequences = [] }, (await BackupTestDatabase.ReadAsync(restored.Target)) with { Sequences = [] });
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceBackup = read, Difference = restored.Target, Identity = Identity }, _sink, CancellationToken.None);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        Assert.Equal(PgCheckStatus.Passed, comparison.Checks.Single(check => check.Name == "content").Status);
        AssertNothingOpened();
    }

    [AgeFact]
    public async Task A_wrong_identity_and_none_are_told_apart_from_damage()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT generate_series(1, 100) AS a");
        var recipient = await NewIdentityAsync("identity");
        await NewIdentityAsync("other");
        foreach (var format in new[] { PgBackupFormat.Directory, PgBackupFormat.Custom })
        {
            var backup = BackupFolder.Read((await MakeAsync(source, format, recipient)).Path);
            foreach (var identity in new[] { null, Path.Combine(_keys.Path, "other") })
            {
                var drilled = await Assert.ThrowsAsync<PgOpsException>(() => DrillAsync(backup, identity));
                Assert.Equal(PgErrorCode.DecryptionFailed, drilled.Code);
                var restored = await Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
                    new() { Backup = backup, Target = _server.Target, Database = "never", Identity = identity }, _sink,
                    CancellationToken.None));
                Assert.Equal(PgErrorCode.DecryptionFailed, restored.Code);
                Assert.Contains(
                    identity is null ? "no identity was given" : "no identity matched", restored.Message, StringComparison.Ordinal);
            }

            var damaged = Directory.EnumerateFiles(backup.Path, "*.age", SearchOption.AllDirectories)
                .First(file => file.Contains("data", StringComparison.Ordinal));
            BackupDamage.FlipBit(damaged, new FileInfo(damaged).Length - 5);
            Assert.False((await TestAsync(backup, Identity)).Passed);
        }

        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
        AssertNothingOpened();
    }

    [AgeFact]
    public async Task A_part_of_a_database_is_encrypted_on_its_way_too()
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, "CREATE TABLE a AS SELECT generate_series(1, 100) AS x; CREATE TABLE b AS SELECT 1 AS y");
        var recipient = await NewIdentityAsync("identity");
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest
            {
                Target = source,
                Path = _folder.Path,
                Format = PgBackupFormat.Custom,
                Recipients = [recipient],
                Selection = new DumpSelection { Tables = ["a"] },
            },
            _sink,
            CancellationToken.None);
        Assert.Equal("public.a", Assert.Single(backup.Manifest!.Tables).ToString());
        Assert.NotNull(backup.Manifest.Tables[0].Hash);
        var drill = await DrillAsync(BackupFolder.Read(backup.Path), Identity);
        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
    }

    [AgeTheory]
    [InlineData("age1nobody")]
    [InlineData("AGE-SECRET-KEY-1QQQQ")]
    [InlineData("nobody-knows-this-key@example.invalid")]
    public async Task A_bad_recipient_is_refused_before_anything_is_written(string recipient)
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(_server.Target, PgBackupFormat.Custom, recipient));
        Assert.True(error.Code is PgErrorCode.InvalidArgument or PgErrorCode.ToolMissing, error.Message);
        Assert.DoesNotContain("QQQQ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [AgeFact]
    public async Task A_file_of_recipients_names_all_of_them_and_each_can_decrypt()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT 1 AS a");
        var (one, two) = (await NewIdentityAsync("identity"), await NewIdentityAsync("second"));
        var list = Path.Combine(_keys.Path, "recipients.txt");
        await File.WriteAllTextAsync(list, $"# both\n{one}\n\n{two}\n");
        var backup = await MakeAsync(source, PgBackupFormat.Directory, list);
        Assert.Equal([one, two], backup.Manifest!.Payload.Encryption!.Recipients);
        foreach (var identity in new[] { "identity", "second" })
        {
            Assert.Equal(
                PgCheckStatus.Passed,
                (await TestAsync(
                    backup, Path.Combine(_keys.Path, identity))).Checks.Single(check => check.Name == "table-of-contents").Status);
        }
    }

    private static bool Holds(PgBackup backup, string text)
        => Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories)
            .Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    private static void AssertNothingOpened()
        => Assert.DoesNotContain(
            Directory.EnumerateDirectories(Path.GetTempPath(), "pgops-private-*"),
            folder => Directory.Exists(Path.Combine(folder, "data")) // Others hold lists of entries, of tests that run beside this one.
                && File.Exists(Path.Combine(folder, OwnerFile.FileName))
                && File.ReadLines(Path.Combine(folder, OwnerFile.FileName)).ElementAt(1) == $"{Environment.ProcessId}");

    private async Task<string> NewIdentityAsync(string name)
    {
        var path = Path.Combine(_keys.Path, name);
        var lines = new List<string>();
        (await ToolProcess.RunAsync(new ToolCommand("age-keygen", "-o", path), CancellationToken.None)).EnsureSuccess();
        (await ToolProcess.RunAsync(
            new ToolCommand("age-keygen", "-y", path) { OnOutput = lines.Add }, CancellationToken.None)).EnsureSuccess();
        return Assert.Single(lines);
    }

    private Task<PgBackupTest> TestAsync(PgBackup backup, string? identity)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path, Identity = identity }, _sink, CancellationToken.None);

    private Task<PgDrill> DrillAsync(PgBackup backup, string? identity)
        => new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target, Identity = identity }, _sink, CancellationToken.None);

    private Task<PgBackup> MakeAsync(PgTarget source, PgBackupFormat format, params string[] recipients) => new BackupDatabase().RunAsync(
        new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, Recipients = recipients, Compression = "0" },
        _sink, CancellationToken.None);
}
