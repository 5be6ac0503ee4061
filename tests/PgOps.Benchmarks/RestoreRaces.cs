using System.Diagnostics;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Restores;

namespace PgOps.Benchmarks;

/// <summary>
/// Restores and drills beside raw pg_restore with the same jobs into a server with default settings, and beside pg_restore with the
/// ANALYZE that a database in service needs.
/// </summary>
internal sealed class RestoreRaces
{
    // What a sandbox sets otherwise; Ground.CreateAsync turns the syncing on.
    internal const string DefaultSettings =
        "autovacuum=on;jit=on;max_wal_size=1GB;checkpoint_timeout=5min;log_checkpoints=on;"
        + "max_locks_per_transaction=64;maintenance_work_mem=64MB";

    private const string Copy = "copy";

    private readonly Ground _ground;
    private readonly int _rounds;
    private readonly int _scale;
    private readonly Race _race;

    internal RestoreRaces(Ground ground, int rounds, int scale)
    {
        _ground = ground;
        _rounds = rounds;
        _scale = scale;
        _race = new Race(ground.ServerSeconds);
    }

    internal async Task RunAsync(IReadOnlySet<string> chosen)
    {
        var source = await _ground.EmptyAsync("big").ConfigureAwait(false);
        await Ground.ExecuteAsync(source, SampleData.Fill(_scale)).ConfigureAwait(false);
        var indexed = chosen.Contains("indexed");
        if (indexed)
        {
            await Ground.ExecuteAsync(source, SampleData.Index).ConfigureAwait(false);
        }

        var jobs = Math.Min(Environment.ProcessorCount, 4);
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest
            {
                Target = source,
                Path = Path.Combine(_ground.Folder, "backups"),
                Fingerprint = PgFingerprintDepth.Archive,
                NoGlobals = true,
            },
            new SilentSink(),
            CancellationToken.None).ConfigureAwait(false);
        var payload = Path.Combine(backup.Path, backup.Manifest!.Payload.Path);
        var restore = PostgresBinaries.Client("pg_restore").Path;
        var analyze = Path.Combine(Path.GetDirectoryName(restore)!, "vacuumdb");
        var target = _ground.Target.WithDatabase(Copy);
        var sides = new List<Side>
        {
            new($"pg_restore -j{jobs}", EmptyAsync, RawAsync),
            new($"pg_restore -j{jobs}; vacuumdb -Z -j{jobs}", EmptyAsync, async () =>
            {
                var peak = await RawAsync().ConfigureAwait(false);
                await ChildProgram.RunAsync(target, analyze, ["-Z", $"-j{jobs}", Copy], watch: false).ConfigureAwait(false);
                return peak;
            }),
            new("Restore-PgDatabase, every check", DropAsync, () => WatchAsync(RestoreAsync)),
            Drill("Test-PgRestore in a sandbox", PgIndexCheck.Quick),
        };
        if (chosen.Contains("amcheck"))
        {
            sides.Add(Drill("the same, -IndexCheck None", PgIndexCheck.None));
            sides.Add(Drill("the same, -IndexCheck Full", PgIndexCheck.Full));
        }

        await _race.RunAsync(
            $"Restore of {SampleData.Describe(_scale)}, {(indexed ? "five indexes and a foreign key" : "primary keys alone")}",
            _rounds,
            sides).ConfigureAwait(false);
        if (chosen.Contains("steps"))
        {
            var drill = await DrillAsync(PgIndexCheck.Quick).ConfigureAwait(false);
            Show($"RecoveryTime of one more drill: {drill.RecoveryTime.TotalSeconds:0.00} s", drill.Checks);
            await DropAsync().ConfigureAwait(false);
            var copy = await RestoreAsync().ConfigureAwait(false);
            Show($"One more restore: {copy.Duration.TotalSeconds:0.00} s", copy.Checks);
        }

        async Task DropAsync()
        {
            await Ground.ExecuteAsync(_ground.Target, $"DROP DATABASE IF EXISTS {Copy} WITH (FORCE)").ConfigureAwait(false);
            await Ground.ExecuteAsync(_ground.Target, "CHECKPOINT").ConfigureAwait(false);
        }

        async Task EmptyAsync()
        {
            await DropAsync().ConfigureAwait(false);
            await Ground.ExecuteAsync(_ground.Target, $"CREATE DATABASE {Copy} TEMPLATE template0").ConfigureAwait(false);
        }

        Task<long> RawAsync() => ChildProgram.RunAsync(target, restore, [$"-j{jobs}", "-d", Copy, "--exit-on-error", payload]);

        Side Drill(string name, PgIndexCheck depth) => new(name, DropAsync, () => WatchAsync(() => DrillAsync(depth)));

        Task<PgRestore> RestoreAsync() => new RestoreDatabase().RunAsync(
            new RestoreDatabaseRequest { Backup = backup, Target = _ground.Target, Database = Copy, Jobs = jobs }, new SilentSink(),
            CancellationToken.None);

        async Task<PgDrill> DrillAsync(PgIndexCheck depth)
        {
            var drill = await new TestRestore().RunAsync(
                new TestRestoreRequest { Backup = backup, Jobs = jobs, IndexCheck = depth }, new SilentSink(), CancellationToken.None)
                .ConfigureAwait(false);
            return drill.Proven ? drill : throw new InvalidOperationException(drill.Failure);
        }
    }

    private static void Show(string title, IEnumerable<PgCheck> checks)
    {
        Console.WriteLine($"\n{title}");
        foreach (var check in checks)
        {
            Console.WriteLine($"{check.Duration.TotalSeconds,8:0.00} s  {check.Name}: {check.Status}, {check.Detail}");
        }
    }

    private static async Task<long> WatchAsync(Func<Task> work)
    {
        await work().ConfigureAwait(false);
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
