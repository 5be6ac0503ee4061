using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Torture;

/// <summary>FIELD_NOTES 11: very many tables against the room that the server has for locks (max_locks_per_transaction).</summary>
[Trait("Category", "Slow")]
public sealed class ManyTablesTests : IDisposable
{
    private const int Batch = 50;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();
    private readonly ITestOutputHelper _output;

    public ManyTablesTests(ITestOutputHelper output)
    {
        _output = output;
    }

    public void Dispose() => _folder.Dispose();

    // Some numbers are too large for us, some for pg_dump only, some fit: whichever it is, the error says which setting to raise.
    [PostgresFact]
    public async Task Too_many_tables_for_the_servers_locks_are_refused_with_the_setting_to_raise()
    {
        var few = new Dictionary<string, string> { ["max_locks_per_transaction"] = "10", ["max_connections"] = "20" };
        await WithServerAsync(few, async target =>
        {
            var refused = 0;
            var made = 0;
            foreach (var tables in (int[])[100, 400, 500, 1500])
            {
                await MakeTablesAsync(target, made, tables);
                made = tables;
                try
                {
                    var backup = await BackupAsync(target);
                    Assert.Equal(0, refused);
                    Assert.Equal(tables, backup.Manifest!.Tables.Count);
                    Directory.Delete(backup.Path, recursive: true);
                    _output.WriteLine($"{tables}: made");
                }
                catch (PgOpsException error)
                {
                    _output.WriteLine($"{tables}: {error.Message.ReplaceLineEndings(" ")}");
                    Assert.Contains("max_locks_per_transaction", error.NextStep, StringComparison.Ordinal);
                    Assert.Contains("othing", error.State, StringComparison.Ordinal);
                    refused++;
                }

                Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
            }

            Assert.InRange(refused, 1, 3);
        });
    }

    // PGOPS_MANY_TABLES says how many; 20,000 take some minutes.
    [PostgresFact]
    public async Task Many_tables_are_backed_up_and_proven()
    {
        var tables = int.TryParse(Environment.GetEnvironmentVariable("PGOPS_MANY_TABLES"), CultureInfo.InvariantCulture, out var number)
            ? number
            : 200;
        var enough = new Dictionary<string, string> { ["max_locks_per_transaction"] = tables > 1000 ? "1024" : "64" };
        await WithServerAsync(enough, async target =>
        {
            await MakeTablesAsync(target, 0, tables);
            var backup = await BackupAsync(target);
            _output.WriteLine($"backup {backup.Duration}, {backup.Bytes:N0} bytes");
            Assert.Equal(tables, backup.Manifest!.Tables.Count);
            var drill = await new TestRestore().RunAsync(new TestRestoreRequest { Backup = backup }, _sink, CancellationToken.None);
            _output.WriteLine($"recovery {drill.RecoveryTime}\n{string.Join('\n', drill.Checks)}");
            Assert.True(drill.Proven, drill.Failure);
        });
    }

    private Task<PgBackup> BackupAsync(PgTarget target) => new BackupDatabase().RunAsync(
        new BackupDatabaseRequest { Target = target, Path = _folder.Path, Jobs = 2 }, _sink, CancellationToken.None);

    private async Task WithServerAsync(Dictionary<string, string> settings, Func<PgTarget, Task> run)
    {
        var sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Settings = settings }, _sink, CancellationToken.None);
        try
        {
            await run(sandbox.Target);
        }
        finally
        {
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
        }
    }

    // In batches, for making a table takes a lock as well.
    private static async Task MakeTablesAsync(PgTarget target, int from, int to)
    {
        await using var connection = await SandboxServer.OpenAsync(target);
        for (var first = from; first < to; first += Batch)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = string.Create(
                CultureInfo.InvariantCulture,
                $"DO $$ BEGIN FOR i IN {first}"
                    + $"..{Math.Min(first + Batch, to) - 1} LOOP "
                    + $"EXECUTE format('CREATE TABLE t%s AS SELECT %s AS a', i, i); END LOOP; END $$");
            await command.ExecuteNonQueryAsync();
        }
    }
}
