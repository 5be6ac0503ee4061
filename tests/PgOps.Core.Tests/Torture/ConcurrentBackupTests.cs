using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>Backups while pgbench writes at full speed: the restored copy is what the manifest says, row by row.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class ConcurrentBackupTests : IDisposable
{
    // Rows come, change and go, tables come and go, and a sequence runs on.
    private const string Script = """
        INSERT INTO notes (text) SELECT md5(random()::text) FROM generate_series(1, 20);
        DELETE FROM notes WHERE id < (SELECT max(id) - 5000 FROM notes);
        UPDATE notes SET text = text || 'x' WHERE id % 97 = 1 AND length(text) < 60;
        UPDATE totals SET n = n + 1;
        """;

    private static readonly int Rounds = int.TryParse(
        Environment.GetEnvironmentVariable("PGOPS_FAULT_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture,
        out var number) ? number : 2;

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public ConcurrentBackupTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    public void Dispose() => _folder.Dispose();

    [PgbenchFact]
    public async Task A_copy_is_what_the_manifest_says_whatever_was_written_meanwhile()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE notes (id bigserial PRIMARY KEY, text text);
            CREATE TABLE totals AS SELECT 0 AS n;
            """);
        await BenchAsync(source, CancellationToken.None, "--initialize", "--quiet", "--scale=3");
        var script = Path.Combine(_folder.Path, "script.sql");
        await File.WriteAllTextAsync(script, Script);
        using var end = new CancellationTokenSource();
        var writing =
            BenchAsync(source, end.Token, "--time=36000", "--client=4", "--jobs=1", "--builtin=tpcb-like@4", $"--file={script}@1");
        try
        {
            await Eventually.HoldsAsync(async () => await TransactionsAsync(source) > 20, "pgbench writes");
            long written = 0;
            for (var round = 0; round < Rounds; round++)
            {
                var before = await TransactionsAsync(source);
                var backup = await new BackupDatabase().RunAsync(
                    new BackupDatabaseRequest
                    {
                        Target = source,
                        Path = Path.Combine(_folder.Path, "backups"),
                        Format = (PgBackupFormat)(round % 3),
                        Fingerprint = round % 2 == 0 ? PgFingerprintDepth.Source : PgFingerprintDepth.Archive,
                    },
                    _sink,
                    CancellationToken.None);
                var during = await TransactionsAsync(source) - before;
                Assert.False(writing.IsCompleted, "pgbench ended");
                Assert.InRange(during, 1, long.MaxValue);
                written += during;
                var drill = await new TestRestore().RunAsync(
                    new TestRestoreRequest { Backup = backup, Server = _server.Target }, _sink, CancellationToken.None);
                Assert.True(
                    drill.Proven, $"round {round}, {backup.Format}, {backup.Manifest!.Fingerprint}\n{string.Join('\n', drill.Checks)}");
                Assert.All(drill.Tables, table => Assert.Equal(PgTableVerdict.Equal, table.Verdict));
                Directory.Delete(backup.Path, recursive: true);
            }

            _output.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{Rounds} rounds, {written:N0} transactions of pgbench during the backups"));
        }
        finally
        {
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        }
    }

    private static async Task<long> TransactionsAsync(PgTarget source)
        => (long)(await SandboxServer.ExecuteAsync(source, "SELECT count(*) FROM pgbench_history"))!;

    private static async Task BenchAsync(PgTarget target, CancellationToken cancellationToken, params string[] arguments)
        => (await ToolProcess.RunAsync(
            new ToolCommand(PgbenchFactAttribute.Path!, arguments) { Target = target }, cancellationToken)).EnsureSuccess();
}

/// <summary>A test that needs PostgreSQL's programs, pgbench among them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PgbenchFactAttribute() : PeerFactAttribute(PostgresAvailability.Missing ?? Peer.Missing("pgbench", Path))
{
    internal static string? Path => PostgresBinaries.List()
        .Select(installation => System.IO.Path.Combine(installation.BinPath, OperatingSystem.IsWindows() ? "pgbench.exe" : "pgbench"))
        .FirstOrDefault(File.Exists);
}
