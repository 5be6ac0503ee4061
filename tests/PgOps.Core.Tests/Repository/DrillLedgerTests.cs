using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository;

public sealed class DrillLedgerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Ledger => Path.Combine(_folder.Path, DrillLedger.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_newest_drill_of_a_backup_decides()
    {
        await AppendAsync("a", passed: true);
        await AppendAsync("b", passed: false);
        Assert.Equal(["a"], Proven());
        await AppendAsync("a", passed: false);
        await AppendAsync("b", passed: true);
        Assert.Equal(["b"], Proven());
        Assert.Equal(4, File.ReadAllLines(Ledger).Length);
    }

    [Fact]
    public async Task A_manifest_that_is_not_the_drilled_one_is_not_proven()
    {
        await AppendAsync("a", passed: true);
        await File.AppendAllTextAsync(Path.Combine(_folder.Path, "a", "manifest.json"), " ");
        Assert.Empty(Proven());
    }

    [Fact]
    public async Task A_torn_last_line_neither_counts_nor_spoils_the_next()
    {
        await AppendAsync("a", passed: true);
        await AppendAsync("b", passed: true);
        var whole = await File.ReadAllBytesAsync(Ledger);
        for (var lost = 1; lost < 60; lost += 7)
        {
            await File.WriteAllBytesAsync(Ledger, whole[..^lost]);
            Assert.Equal(["a"], Proven());
            Assert.Null(await AppendAsync("c", passed: true));
            Assert.Equal(["a", "c"], Proven());
        }
    }

    [Theory]
    [InlineData("\"passed\":false", "\"passed\":true")]
    [InlineData("\"database\":\"shop\"", "\"database\":\"shoq\"")]
    [InlineData("\"backupId\":\"b\"", "\"backupId\":\"c\"")]
    public async Task An_edited_line_makes_everything_from_it_on_worthless(string was, string becomes)
    {
        await AppendAsync("a", passed: true);
        await AppendAsync("b", passed: false);
        await AppendAsync("c", passed: true);
        var lines = await File.ReadAllLinesAsync(Ledger);
        lines[1] = lines[1].Replace(was, becomes, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Ledger, string.Join('\n', lines) + "\n");

        Assert.Equal(["a"], Proven());
        var remark = await AppendAsync("d", passed: true);
        Assert.Contains("line 2", remark, StringComparison.Ordinal);
        Assert.Equal(["a"], Proven());
    }

    [Fact]
    public async Task A_line_taken_out_breaks_the_chain()
    {
        await AppendAsync("a", passed: true);
        await AppendAsync("a", passed: false);
        await AppendAsync("b", passed: true);
        var lines = await File.ReadAllLinesAsync(Ledger);
        await File.WriteAllTextAsync(Ledger, lines[0] + "\n" + lines[2] + "\n");
        Assert.Equal(["a"], Proven());
    }

    [Fact]
    public async Task Many_writers_at_once_make_one_sound_chain()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(n => Task.Run(() => AppendAsync($"b{n}", passed: true))));
        Assert.Equal(40, Proven().Count());
    }

    [Fact]
    public void No_ledger_means_nothing_is_proven() => Assert.Empty(Proven());

    [Fact]
    public async Task Whoever_writes_the_ledger_anew_proves_nothing_to_who_has_the_key()
    {
        using var key = Signer.Key("hmac");
        await AppendAsync("a", passed: false, key);
        var line = (await File.ReadAllLinesAsync(Ledger))[0];
        var signed = line[..line.LastIndexOf(",\"hash\":", StringComparison.Ordinal)];
        var unsigned = line[..line.LastIndexOf(",\"signature\":", StringComparison.Ordinal)];
        foreach (var forged in new[]
        {
            signed + ",\"passed\":true",
            signed.Replace("\"passed\":false", "\"passed\":true", StringComparison.Ordinal),
            unsigned.Replace("\"passed\":false", "\"passed\":true", StringComparison.Ordinal),
            unsigned + ",\"passed\":true" + signed[unsigned.Length..],
            signed + ",\"passed\":true" + signed[unsigned.Length..],
        })
        {
            // The chain of hashes holds: anyone can compute it.
            var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(new string('0', 64) + forged + "}"))).ToLowerInvariant();
            await File.WriteAllTextAsync(Ledger, $"{forged},\"hash\":\"{hash}\"}}\n");
            Assert.Equal(["a"], Proven());
            Assert.Empty(DrillLedger.ReadProven(_folder.Path, key));
        }

        await AppendAsync("a", passed: true, key);
        Assert.Single(DrillLedger.ReadProven(_folder.Path, key));

        // A drill without the key neither proves nor takes the proof away, unless it failed.
        await AppendAsync("a", passed: true);
        Assert.Single(DrillLedger.ReadProven(_folder.Path, key));
        await AppendAsync("a", passed: false);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path, key));
    }

    private IEnumerable<string> Proven() => DrillLedger.ReadProven(_folder.Path).Keys.Order(StringComparer.Ordinal);

    private Task<string?> AppendAsync(string id, bool passed, BackupKey? key = null)
    {
        var path = Path.Combine(_folder.Path, id);
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "manifest.json"), $"{{\"id\":\"{id}\"}}");
        var drill = new PgDrill
        {
            Backup = new PgBackup { Id = id, Database = "shop", Path = path, Format = "custom", SnapshotAt = DateTime.UtcNow },
            Checks = [passed ? PgCheck.Pass("content", "") : PgCheck.Fail("content", "")],
            ContentEqual = passed,
            StartedAt = DateTime.UtcNow,
            RecoveryTime = TimeSpan.FromSeconds(1.5),
            ServerVersion = "15.18",
        };
        return DrillLedger.AppendAsync(drill, key, CancellationToken.None);
    }
}
