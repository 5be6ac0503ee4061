using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Torture;

/// <summary>A database of everything goes through backup, restore and drill, and comes out equal.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class TortureTests : IDisposable
{
    private const string Name = "Torture \"db\" = 'ü' %s \\";
    private static readonly bool Everything = Environment.GetEnvironmentVariable("PGOPS_TORTURE") == "all";
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public TortureTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    // The default is each format once, half of them at each depth; PGOPS_TORTURE=all makes every pair and restores each.
    [PostgresFact]
    public async Task Everything_comes_back_in_every_format_and_at_every_depth()
    {
        var source = await TortureDatabase.CreateAsync(_server.Target, Name);
        (PgBackupFormat Format, PgFingerprintDepth Depth)[] rounds =
        [
            (PgBackupFormat.Directory, PgFingerprintDepth.Archive),
            (PgBackupFormat.Custom, PgFingerprintDepth.Source),
            (PgBackupFormat.Plain, PgFingerprintDepth.Archive),
            (PgBackupFormat.Directory, PgFingerprintDepth.Source),
            (PgBackupFormat.Custom, PgFingerprintDepth.Archive),
            (PgBackupFormat.Plain, PgFingerprintDepth.Source),
        ];
        IReadOnlyList<PgTableFingerprint>? first = null;
        foreach (var (format, depth) in rounds.Take(Everything ? 6 : 3))
        {
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, Fingerprint = depth }, _sink,
                CancellationToken.None);
            Assert.Empty(backup.Warnings);
            Assert.Equal(depth.ToString(), backup.Manifest!.Fingerprint);

            // The archive gives the same rows back as the source gave.
            first ??= backup.Manifest.Tables;
            Assert.Equal(BackupTestDatabase.Lines(first), BackupTestDatabase.Lines(backup.Manifest.Tables));
            var test =
                await new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path, Deep = true }, _sink, CancellationToken.None);
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            await DrillAsync(backup, new() { Backup = backup });
            if (Everything || format == PgBackupFormat.Directory)
            {
                await RestoreAsync(backup, source);
            }
        }
    }

    // So that the test above may say "everything": a type that a new version brings is missed here.
    [PostgresFact]
    public async Task Every_built_in_type_has_a_column()
    {
        var source = await TortureDatabase.CreateAsync(_server.Target, "torture_types");
        Assert.Equal(
            "",
            await SandboxServer.ExecuteAsync(source, """
                SELECT coalesce(pg_catalog.string_agg(t.typname::text, ' '), '') FROM pg_catalog.pg_type t
                WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
                  AND t.typname NOT IN ('gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'pg_dependencies',
                      'pg_mcv_list', 'pg_ndistinct', 'pg_node_tree')
                  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                                   WHERE a.atttypid = t.oid AND c.relkind = 'r' AND c.oid >= 16384)
                """));
    }

    private async Task RestoreAsync(PgBackup backup, PgTarget source)
    {
        var restored = await new RestoreDatabase().RunAsync(
            new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = $"{backup.Format} {backup.Id[..8]}" }, _sink,
            CancellationToken.None);
        Assert.All(restored.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        var comparison = await new CompareDatabase().RunAsync(
            new CompareDatabaseRequest { ReferenceTarget = source, Difference = restored.Target }, _sink, CancellationToken.None);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
    }

    private async Task DrillAsync(PgBackup backup, TestRestoreRequest request)
    {
        var drill = await new TestRestore().RunAsync(request, _sink, CancellationToken.None);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.All(drill.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));

        // The three partitions by the hash of an enum count as one.
        Assert.Equal(backup.Manifest!.Tables.Count - 2, drill.TablesCompared);
    }
}
