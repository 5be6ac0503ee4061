using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Backups;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

[Collection(PostgresTests.Name)]
public sealed class BackupSignatureTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public BackupSignatureTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("rsa")]
    [InlineData("ecdsa")]
    [InlineData("hmac")]
    public async Task A_signature_is_found_whole_changed_strange_or_missing(string kind)
    {
        using var key = Signer.Key(kind);
        using var other = Signer.Key(kind + " of somebody else");
        var backup = await MakeAsync(key);
        Assert.Equal(backup.Bytes, BackupFolder.Read(backup.Path).Bytes);
        Assert.Equal(PgCheckStatus.Passed, (await SignatureAsync(backup, key)).Status);
        var strange = await SignatureAsync(backup, other);
        Assert.Equal(PgCheckStatus.Failed, strange.Status);
        Assert.Contains(key.Id, strange.Detail, StringComparison.Ordinal);

        var unasked = await SignatureAsync(backup, null);
        Assert.Equal(PgCheckStatus.Skipped, unasked.Status);
        Assert.Contains(kind == "hmac" ? "not given" : "not verified against a key you gave", unasked.Detail, StringComparison.Ordinal);

        var path = Path.Combine(backup.Path, HashList.SignatureFileName);
        var content = await File.ReadAllBytesAsync(path);
        for (var place = 0; place < content.Length; place += 1 + (content.Length / 60))
        {
            BackupDamage.FlipBit(path, place);
            Assert.Equal(PgCheckStatus.Failed, SignatureCheck.Take(backup.Path, List(backup), key)!.Status);
            BackupDamage.FlipBit(path, place);
        }

        File.Delete(path);
        var missing = await SignatureAsync(backup, key);
        Assert.Contains("not signed", missing.Detail, StringComparison.Ordinal);
        Assert.Null(SignatureCheck.Take(backup.Path, List(backup), null));
    }

    [PostgresFact]
    public async Task A_forged_manifest_with_hashes_that_fit_is_refused_everywhere()
    {
        using var key = Signer.Key("rsa");
        var backup = await MakeAsync(key);
        var drill = await DrillAsync(backup, key);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Equal("signature", drill.Checks[0].Name);
        Assert.Single(DrillLedger.ReadProven(_folder.Path, key));

        await BackupDamage.ForgeAsync(backup, manifest => manifest with { CreatedBy = "somebody else" });

        // The forger has recomputed every hash, so nothing but the signature tells.
        var test = await TestAsync(backup, key);
        Assert.Equal(["signature"], test.Checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => check.Name));
        Assert.Equal(PgCheckStatus.Failed, (await SignatureAsync(backup, null)).Status);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path, key));
        var error = await Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = "forged", Key = key }, _sink, CancellationToken.None));
        Assert.Equal(PgErrorCode.SignatureInvalid, error.Code);
        drill = await DrillAsync(backup, key);
        Assert.False(drill.Passed);
        Assert.Contains("signature failed", drill.Checks.Single(check => check.Name == "restore").Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Only_entries_signed_by_the_key_prove_when_the_key_is_given()
    {
        using var certificate = Signer.Certificate();
        using var key = BackupKey.From(certificate);
        using var other = Signer.Key("another");
        var backup = await MakeAsync(key);
        Assert.True((await DrillAsync(backup, null)).Proven);
        Assert.Single(DrillLedger.ReadProven(_folder.Path));
        Assert.Empty(DrillLedger.ReadProven(_folder.Path, key));

        // Whoever has the public half alone can check, but not prove.
        using var half = PublicHalf(certificate);
        using var open = BackupKey.From(half);
        Assert.True((await DrillAsync(backup, open)).Proven);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path, key));
        Assert.Contains(_sink.Lines, line => line.Text.Contains("not signed", StringComparison.Ordinal));

        Assert.True((await DrillAsync(backup, key)).Proven);
        Assert.Single(DrillLedger.ReadProven(_folder.Path, open));
        Assert.Empty(DrillLedger.ReadProven(_folder.Path, other));
    }

    [PostgresFact]
    public async Task A_certificate_without_its_private_key_is_refused_before_anything_is_written()
    {
        using var certificate = Signer.Certificate();
        using var half = PublicHalf(certificate);
        using var key = BackupKey.From(half);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(key));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_short_secret_is_refused_and_not_told()
    {
        var error = Assert.Throws<PgOpsException>(() => BackupKey.From(Signer.Secret("short secret")));
        Assert.DoesNotContain("short secret", error.Message, StringComparison.Ordinal);
    }

    private static X509Certificate2 PublicHalf(X509Certificate2 certificate) => new(certificate.RawData);

    private static byte[] List(PgBackup backup) => File.ReadAllBytes(Path.Combine(backup.Path, HashList.FileName));

    private async Task<PgCheck> SignatureAsync(PgBackup backup, BackupKey? key)
        => (await TestAsync(backup, key)).Checks.Single(check => check.Name == SignatureCheck.Name);

    private Task<PgBackupTest> TestAsync(PgBackup backup, BackupKey? key)
        => new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path, Key = key }, _sink, CancellationToken.None);

    private Task<PgDrill> DrillAsync(PgBackup backup, BackupKey? key)
        => new TestRestore().RunAsync(
            new() { Backup = BackupFolder.Read(backup.Path), Server = _server.Target, Key = key }, _sink, CancellationToken.None);

    private async Task<PgBackup> MakeAsync(BackupKey key)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t AS SELECT generate_series(1, 100) AS a");
        return await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = source, Path = _folder.Path, SigningKey = key }, _sink, CancellationToken.None);
    }
}
