using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Restores;
using PgOps.Core.Tests.Sandbox;

namespace PgOps.Core.Tests.Torture;

/// <summary>A database of everything goes through backup, restore and drill, and comes out equal.</summary>
[Collection(PostgresTests.Name)]
public sealed class TortureTests : IDisposable
{
    private const string Name = "Torture \"db\" = 'ü' %s \\";
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public TortureTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

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
        foreach (var (format, depth) in rounds)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var backup = await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = source, Path = _folder.Path, Format = format, Fingerprint = depth }, _sink, CancellationToken.None);
            Assert.Empty(backup.Warnings);
            Assert.Equal(depth.ToString(), backup.Manifest!.Fingerprint);
            Console.WriteLine($"{format} {depth} backup {clock.Elapsed}");

            // The archive gives the same rows back as the source gave.
            first ??= backup.Manifest.Tables;
            Assert.Equal(first.Select(Line), backup.Manifest.Tables.Select(Line));

            var restored = await new RestoreDatabase().RunAsync(
                new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = $"{Name} {format} {depth}" }, _sink, CancellationToken.None);
            Assert.All(restored.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
            Console.WriteLine($"{format} {depth} restored {clock.Elapsed}");
            var comparison = await new CompareDatabase().RunAsync(
                new CompareDatabaseRequest { ReferenceTarget = source, Difference = restored.Target }, _sink, CancellationToken.None);
            Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
            Console.WriteLine($"{format} {depth} compared {clock.Elapsed}");

            var drill = await new TestRestore().RunAsync(new TestRestoreRequest { Backup = backup }, _sink, CancellationToken.None);
            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            Assert.Equal(backup.Manifest.Tables.Count, drill.TablesCompared);
            Console.WriteLine($"{format} {depth} drilled {clock.Elapsed}");
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
                  AND t.typname NOT IN ('gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'pg_dependencies', 'pg_mcv_list', 'pg_ndistinct', 'pg_node_tree')
                  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                                   WHERE a.atttypid = t.oid AND c.relkind = 'r' AND c.oid >= 16384)
                """));
    }

    private static string Line(PgTableFingerprint table) => $"{table} {table.Rows} {table.Hash}";
}
