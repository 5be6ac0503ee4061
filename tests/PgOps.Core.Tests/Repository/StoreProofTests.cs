using System.Text;
using PgOps.Core.Backups;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

/// <summary>
/// A backup on its whole way: signed, encrypted, sent to a store, tested and drilled there, restored from there, fetched back.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class StoreProofTests : IDisposable
{
    private const string Secret = "NOBODYMAYREADTHIS";
    private readonly SandboxServer _server;
    private readonly FaultyS3 _s3 = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly BackupKey _key = Signer.Key("ecdsa");
    private readonly BackupKey _other = Signer.Key("rsa");

    public StoreProofTests(SandboxServer server)
    {
        _server = server;
    }

    private string Identity => Path.Combine(_folder.Path, "identity");

    private string Store => _s3.Uri("nightly");

    public void Dispose()
    {
        _s3.Dispose();
        _folder.Dispose();
        _key.Dispose();
        _other.Dispose();
    }

    [AgeTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task A_signed_and_encrypted_backup_is_proven_in_the_store_and_comes_back(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, BackupTestDatabase.Types + $"CREATE TABLE small AS SELECT '{Secret}'::text AS s;");
        var backup = await MakeAsync(source, format);
        var copy = await CopyAsync(backup, Store);
        Assert.True(copy.Complete, copy.Problem);
        Assert.DoesNotContain(_s3.Objects.Values, stored => stored.Content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)) >= 0);

        // Without key and identity the files are sound, and nothing more is claimed; with another key it is not a backup of ours.
        var bare = await TestAsync(copy.Path, null, null);
        Assert.True(bare.Passed, string.Join('\n', bare.Checks));
        Assert.Equal(["signature", "table-of-contents"], Names(bare.Checks, PgCheckStatus.Skipped));
        var whole = await TestAsync(copy.Path, _key, Identity);
        Assert.All(whole.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(["signature"], Names((await TestAsync(copy.Path, _other, Identity)).Checks, PgCheckStatus.Failed));

        // The drill in the store is written down in the store, and counts for the key that signed it alone.
        Assert.Empty(await ProvenAsync(_key));
        var drill = await DrillAsync(copy.Path, _key);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.True(_s3.Objects.ContainsKey("nightly/drills.jsonl"));
        Assert.Equal(copy.Path, Assert.Single(await ProvenAsync(_key)).Path);
        Assert.Empty(await ProvenAsync(_other));

        var name = "from_store_" + backup.Id[..8];
        var refused = await Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(copy, name, _other));
        Assert.Equal(PgErrorCode.SignatureInvalid, refused.Code);
        Assert.Equal(
            0L, await SandboxServer.ExecuteAsync(_server.Target, $"SELECT count(*) FROM pg_database WHERE datname LIKE '{name}%'"));
        var restored = await RestoreAsync(copy, name, _key);
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = restored.Target }, _sink, CancellationToken.None);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));

        var back = await CopyAsync(copy, Path.Combine(_folder.Path, "back"));
        Assert.Equal(await ContentsAsync(backup.Path), await ContentsAsync(back.Path));
        Assert.All((await TestAsync(back.Path, _key, Identity)).Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
    }

    // Who can write the store has neither key: a changed row count with a list of hashes that agrees with it.
    [AgeFact]
    public async Task A_forgery_in_the_store_is_refused()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT generate_series(1, 100) AS a");
        var copy = await CopyAsync(await MakeAsync(source, PgBackupFormat.Custom), Store);
        var forged = await CopyAsync(copy, Path.Combine(_folder.Path, "forged"));
        var manifest = Path.Combine(forged.Path, "manifest.json");
        await File.WriteAllTextAsync(
            manifest, (await File.ReadAllTextAsync(manifest)).Replace("\"rows\": 100", "\"rows\": 10", StringComparison.Ordinal));
        var names = HashList.Files(forged.Path).Where(name => !name.StartsWith(HashList.FileName, StringComparison.Ordinal)).ToList();
        var list = HashList.Text(await HashList.HashAsync(forged.Path, names, null, CancellationToken.None));
        var folder = $"nightly/{Path.GetFileName(forged.Path)}/";
        Put(folder + "manifest.json", await File.ReadAllBytesAsync(manifest));
        Put(folder + HashList.FileName, list);

        Assert.Equal(["signature"], Names((await TestAsync(copy.Path, null, null)).Checks, PgCheckStatus.Failed));
        Assert.Equal(["signature"], Names((await TestAsync(copy.Path, _key, Identity)).Checks, PgCheckStatus.Failed));
        Assert.False((await DrillAsync(copy.Path, _key)).Passed);
        Assert.Empty(await ProvenAsync(_key));
    }

    // The folder that a damaged backup was fetched to is gone when its messages are read: they name the store.
    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Plain)]
    public async Task What_is_wrong_is_told_with_the_name_of_the_store(PgBackupFormat format)
    {
        const string Temporary = "pgops-private-";
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT generate_series(1, 100) AS a");
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = Path.Combine(_folder.Path, "local"), Format = format }, _sink,
            CancellationToken.None);
        var copy = await CopyAsync(backup, Store);
        var payload = _s3.Objects.Keys.First(
            key => key.EndsWith(".dat.gz", StringComparison.Ordinal) || key.Contains("/data.", StringComparison.Ordinal));
        if (format == PgBackupFormat.Directory)
        {
            _s3.Objects.TryRemove(payload, out _);
        }
        else
        {
            Put(payload, [.. _s3.Objects[payload].Content.Take(20)]);
        }

        var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = copy.Path, Deep = true }, _sink, CancellationToken.None);
        Assert.Contains("decompression", Names(test.Checks, PgCheckStatus.Failed));
        Assert.DoesNotContain(test.Checks, check => check.Detail.Contains(Temporary, StringComparison.Ordinal));
        // Of a single file that breaks off pg_restore names none.
        var place = copy.Path[..copy.Path.IndexOf('?', StringComparison.Ordinal)] + "/data";
        Assert.Equal(format != PgBackupFormat.Custom, test.Checks.Any(check => check.Detail.Contains(place, StringComparison.Ordinal)));
        var drill = await new TestRestore().RunAsync(
            new TestRestoreRequest { Path = copy.Path, Server = _server.Target }, _sink, CancellationToken.None);
        Assert.False(drill.Passed);
        Assert.DoesNotContain(drill.Checks, check => check.Detail.Contains(Temporary, StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
            new RestoreDatabaseRequest { Backup = copy, Target = _server.Target, Database = "never" }, _sink, CancellationToken.None));
        Assert.DoesNotContain(Temporary, error.Message, StringComparison.Ordinal);
        Assert.Equal(copy.Path, Assert.IsType<PgBackup>(error.Subject).Path);
        Assert.DoesNotContain(_sink.Reports, report => report.Activity.Contains("Testing backup", StringComparison.Ordinal));
    }

    private void Put(string key, byte[] content)
    {
        Assert.True(_s3.Objects.ContainsKey(key), key);
        var hash = System.Security.Cryptography.SHA256.HashData(content);
        _s3.Objects[key] = (content, Convert.ToBase64String(hash), Convert.ToHexString(hash).ToLowerInvariant());
    }

    private async Task<PgBackup> MakeAsync(PgTarget source, PgBackupFormat format)
    {
        var keygen = ProgramSearch.OnPath("age-keygen")!;
        (await ToolProcess.RunAsync(new ToolCommand(keygen, "-o", Identity), CancellationToken.None)).EnsureSuccess();
        var recipient = "";
        (await ToolProcess.RunAsync(
            new ToolCommand(keygen, "-y", Identity) { OnOutput = line => recipient += line }, CancellationToken.None)).EnsureSuccess();
        return await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest
            {
                Target = source,
                Path = Path.Combine(_folder.Path, "local"),
                Format = format,
                Recipients = [recipient],
                SigningKey = _key,
            },
            _sink,
            CancellationToken.None);
    }

    private Task<PgBackup> CopyAsync(PgBackup backup, string destination)
        => new CopyBackup().RunAsync(new CopyBackupRequest { Backup = backup, Destination = destination }, _sink, CancellationToken.None);

    private Task<PgBackupTest> TestAsync(string path, BackupKey? key, string? identity)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = path, Key = key, Identity = identity }, _sink, CancellationToken.None);

    private Task<PgDrill> DrillAsync(string path, BackupKey key) => new TestRestore().RunAsync(
        new TestRestoreRequest { Path = path, Server = _server.Target, Key = key, Identity = Identity }, _sink, CancellationToken.None);

    private Task<PgRestore> RestoreAsync(PgBackup backup, string name, BackupKey key) => new RestoreDatabase().RunAsync(
        new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = name, Key = key, Identity = Identity }, _sink,
        CancellationToken.None);

    private Task<IReadOnlyList<PgBackup>> ProvenAsync(BackupKey key)
        => new FindBackups().RunAsync(new FindBackupsRequest { Path = Store, Proven = true, Key = key }, _sink, CancellationToken.None);

    private static IEnumerable<string> Names(IEnumerable<PgCheck> checks, PgCheckStatus status)
        => checks.Where(check => check.Status == status).Select(check => check.Name).Order();

    private static async Task<IReadOnlyList<string>> ContentsAsync(string folder)
        => [.. (await HashList.HashAsync(folder, HashList.Files(folder), null, CancellationToken.None)).Select(file => file.ToString())];
}
