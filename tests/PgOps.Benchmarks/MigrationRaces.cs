using System.Text;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Benchmarks;

/// <summary>The migration engine beside psql and the tools that registries have.</summary>
internal sealed class MigrationRaces
{
    private const int Count = 500;
    private const int LargeCount = 4400;

    private readonly Ground _ground;
    private readonly int _rounds;
    private readonly Race _race;
    private readonly string _psql = PostgresBinaries.Client("psql").Path;
    private readonly string _set;

    internal MigrationRaces(Ground ground, int rounds)
    {
        _ground = ground;
        _rounds = rounds;
        _race = new Race(ground.ServerSeconds);
        _set = Path.Combine(ground.Folder, "set");
        MigrationSet.Write(_set, Count);
    }

    internal async Task RunAsync(IReadOnlySet<string> chosen)
    {
        var races = new (string Name, Func<Task> Run)[]
        {
            ("apply", ApplyAsync), ("nothing", NothingPendingAsync), ("one", OnePendingAsync), ("status", StatusAsync),
            ("process", ProcessAsync), ("seed", SeedAsync),
        };
        foreach (var (name, run) in races)
        {
            if (chosen.Count == 0 || chosen.Contains(name))
            {
                await run().ConfigureAwait(false);
            }
        }
    }

    private async Task ApplyAsync()
    {
        var session = PsqlSession();
        var sides = new List<Side>
        {
            OnEmpty("psql, one transaction a file, one session", "psql_session", target => PsqlAsync(target, "-f", session)),
            OnEmpty("PgOps, warm session", "pgops", async target =>
            {
                var run = await Ground.MigrateAsync(target, _set).ConfigureAwait(false);
                return run.Applied.Count == Count ? 0 : throw new InvalidOperationException("not all were applied");
            }),
        };
        await _race.RunAsync($"{Count} small migrations on an empty database", _rounds, sides).ConfigureAwait(false);
    }

    private async Task NothingPendingAsync()
    {
        var target = await _ground.EmptyAsync("nothing").ConfigureAwait(false);
        await Ground.MigrateAsync(target, _set).ConfigureAwait(false);
        await _race.RunAsync(
            $"Nothing pending of {Count}",
            Math.Max(20, _rounds),
            [
                new("psql, a bare connection", Nothing, () => PsqlAsync(target, "-c", "")),
                new("PgOps, warm session", Nothing, () => Engine(target, _set)),
            ]).ConfigureAwait(false);
    }

    private async Task OnePendingAsync()
    {
        var some = Path.Combine(_ground.Folder, "some");
        MigrationSet.Write(some, Count - 1);
        await Ground.MigrateAsync(await _ground.EmptyAsync("almost").ConfigureAwait(false), some).ConfigureAwait(false);
        await _race.RunAsync(
            $"One pending of {Count}",
            _rounds,
            [
                FromAlmost("psql, that one file", target => PsqlAsync(target, "-1", "-f", MigrationSet.Files(_set)[^1])),
                FromAlmost("PgOps, warm session", target => Engine(target, _set)),
            ]).ConfigureAwait(false);

        Side FromAlmost(string name, Func<PgTarget, Task<long>> run)
        {
            var target = _ground.Target.WithDatabase("one");
            return new Side(name, () => _ground.EmptyAsync("one", "almost"), () => run(target));
        }
    }

    private async Task StatusAsync()
    {
        var many = Path.Combine(_ground.Folder, "many");
        MigrationSet.Write(many, LargeCount);
        var target = await _ground.EmptyAsync("many").ConfigureAwait(false);
        await new InvokeMigrations().RunAsync(
            new MigrationRequest { Target = target, Path = many, Baseline = true }, new SilentSink(),
            CancellationToken.None).ConfigureAwait(false);
        await _race.RunAsync(
            $"{LargeCount} files and records",
            _rounds,
            [
                new("psql, a bare connection", Nothing, () => PsqlAsync(target, "-c", "")),
                new("PgOps status, warm session", Nothing, async () =>
                {
                    await new GetMigrations().RunAsync(
                        new MigrationRequest { Target = target, Path = many }, false, new SilentSink(),
                        CancellationToken.None).ConfigureAwait(false);
                    return 0;
                }),
                new("PgOps, nothing pending, warm session", Nothing, () => Engine(target, many)),
            ]).ConfigureAwait(false);
    }

    private async Task ProcessAsync()
    {
        var session = PsqlSession();
        var sides = new List<Side>
        {
            OnEmpty("psql, one transaction a file, one session", "psql_session", target => PsqlAsync(target, "-f", session)),
        };
        if (ModuleCommand() is { } module)
        {
            sides.Add(OnEmpty("pwsh with PgOps", "pwsh", target => module(target, _set)));
        }

        sides.AddRange(Peers.Find(_ground.Folder, MigrationSet.Files(_set)).Select(peer => OnEmpty(peer.Name, "peer", peer.Run)));
        sides.Add(OnEmpty("psql, one process a file", "psql_process", async target =>
        {
            foreach (var file in MigrationSet.Files(_set))
            {
                await PsqlAsync(target, "-1", "-f", file).ConfigureAwait(false);
            }

            return 0;
        }));
        await _race.RunAsync($"{Count} small migrations, whole processes", Math.Min(3, _rounds), sides).ConfigureAwait(false);
        if (ModuleCommand() is { } again)
        {
            var target = await _ground.EmptyAsync("nothing").ConfigureAwait(false);
            await Ground.MigrateAsync(target, _set).ConfigureAwait(false);
            var pwsh = ChildProgram.Find("pwsh", "PGOPS_BENCHMARK_PWSH")!;
            await _race.RunAsync(
                $"Nothing pending of {Count}, whole processes",
                _rounds,
                [
                    new("pwsh -NoProfile, nothing else", Nothing, () => ChildProgram.RunAsync(target, pwsh, ["-NoProfile", "-c", "1"])),
                    new("pwsh with PgOps", Nothing, () => again(target, _set)),
                ]).ConfigureAwait(false);
        }
    }

    private async Task SeedAsync()
    {
        var small = Path.Combine(_ground.Folder, "small");
        var seed = Path.Combine(_ground.Folder, "seed");
        MigrationSet.Write(small, 1);
        Directory.CreateDirectory(seed);
        var file = Path.Combine(seed, "1_seed.sql");
        MigrationSet.WriteSeed(file, 200_000_000);
        var sides = new List<Side> { OnEmpty("psql", "psql_seed", target => PsqlAsync(target, "-1", "-f", file)) };
        if (ModuleCommand() is { } module)
        {
            sides.Add(OnEmpty("pwsh with PgOps", "pgops_seed", target => module(target, seed)));
            sides.Add(OnEmpty("pwsh with PgOps, one small migration", "pgops_small", target => module(target, small)));
        }

        await _race.RunAsync("200 MB of COPY data in one migration", 1, sides).ConfigureAwait(false);
    }

    private static Func<PgTarget, string, Task<long>>? ModuleCommand()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "PgOps.psd1")))
        {
            folder = folder.Parent;
        }

        if (folder is null || ChildProgram.Find("pwsh", "PGOPS_BENCHMARK_PWSH") is not { } pwsh)
        {
            Console.WriteLine("(pwsh or the built module is not here and is left out)");
            return null;
        }

        var module = Path.Combine(folder.FullName, "PgOps.psd1");
        return (target, path) => ChildProgram.RunAsync(
            target,
            pwsh,
            ["-NoProfile", "-c", $"$ErrorActionPreference = 'Stop'; Import-Module '{module}'; Invoke-PgMigration -Path '{path}' "
                + "-Confirm:$false | Out-Null"]);
    }

    private static Task Nothing() => Task.CompletedTask;

    private static async Task<long> Engine(PgTarget target, string path)
    {
        await Ground.MigrateAsync(target, path).ConfigureAwait(false);
        return 0;
    }

    private Side OnEmpty(string name, string database, Func<PgTarget, Task<long>> run)
    {
        var target = _ground.Target.WithDatabase(database);
        return new Side(name, () => _ground.EmptyAsync(database), () => run(target));
    }

    private Task<long> PsqlAsync(PgTarget target, params string[] arguments)
        => ChildProgram.RunAsync(target, _psql, ["-X", "-q", "-v", "ON_ERROR_STOP=1", .. arguments]);

    /// <summary>A script that includes every file in a transaction of its own.</summary>
    private string PsqlSession()
    {
        var text = new StringBuilder();
        foreach (var file in MigrationSet.Files(_set))
        {
            text.Append("BEGIN;\n\\i '").Append(file).Append("'\nCOMMIT;\n");
        }

        var path = Path.Combine(_ground.Folder, "session.psql");
        File.WriteAllText(path, text.ToString());
        return path;
    }
}
