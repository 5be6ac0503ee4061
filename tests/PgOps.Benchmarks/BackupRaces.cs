using System.Diagnostics;
using PgOps.Core.Backups;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Benchmarks;

/// <summary>Backups beside raw pg_dump with the same options, and beside the pipe that many sites run.</summary>
internal sealed class BackupRaces
{
    private readonly Ground _ground;
    private readonly int _rounds;
    private readonly int _scale;
    private readonly Race _race;
    private readonly string _folder;

    internal BackupRaces(Ground ground, int rounds, int scale)
    {
        _ground = ground;
        _rounds = rounds;
        _scale = scale;
        _race = new Race(ground.ServerSeconds);
        _folder = Path.Combine(ground.Folder, "backups");
    }

    internal async Task RunAsync(IReadOnlySet<string> chosen)
    {
        var target = await _ground.EmptyAsync("big").ConfigureAwait(false);
        await Ground.ExecuteAsync(target, SampleData.Fill(_scale)).ConfigureAwait(false);
        var tool = PostgresBinaries.Client("pg_dump");
        var dump = tool.Path;
        var compression = await DumpCompression.BestAsync(tool, PgBackupFormat.Directory, CancellationToken.None).ConfigureAwait(false);
        var raw = Path.Combine(_ground.Folder, "raw");
        var jobs = Math.Min(Environment.ProcessorCount, 4);
        var sides = new List<Side>
        {
            new($"pg_dump -Fd -j{jobs} -Z{compression}", Clear, () => ChildProgram.RunAsync(
                target, dump, ["-Fd", $"-j{jobs}", $"-Z{compression}", "-f", raw])),
            PgOps(PgFingerprintDepth.None),
            PgOps(PgFingerprintDepth.Counts),
            PgOps(PgFingerprintDepth.Archive),
            PgOps(PgFingerprintDepth.Source),
        };
        if (chosen.Contains("pipe"))
        {
            sides.Add(new("pg_dump | gzip > f; sha256sum f", Clear, () => ChildProgram.RunAsync(
                target, "/bin/sh", ["-c", $"'{dump}' | gzip > '{raw}.gz'; sha256sum '{raw}.gz'"], watch: false)));
        }

        await _race.RunAsync($"Backup of {SampleData.Describe(_scale)}", _rounds, sides).ConfigureAwait(false);

        Task Clear()
        {
            foreach (var path in Directory.Exists(_folder) ? Directory.EnumerateDirectories(_folder) : [])
            {
                Directory.Delete(path, recursive: true);
            }

            if (Directory.Exists(raw))
            {
                Directory.Delete(raw, recursive: true);
            }

            return Task.CompletedTask;
        }

        Side PgOps(PgFingerprintDepth depth) => new($"PgOps, -Fingerprint {depth}", Clear, async () =>
        {
            await new BackupDatabase().RunAsync(
                new BackupDatabaseRequest { Target = target, Path = _folder, Fingerprint = depth, NoGlobals = true },
                new SilentSink(),
                CancellationToken.None).ConfigureAwait(false);
            using var self = Process.GetCurrentProcess();
            return self.PeakWorkingSet64;
        });
    }
}
