using System.Text.RegularExpressions;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// PgOps and the tools themselves, by turns on one database: each migration runs once, and after every step both say the same of it.
/// </summary>
[Collection(AdoptionTests.Name)]
[Trait("Category", "Slow")]
public sealed partial class RealToolBesideTests : IAsyncLifetime, IDisposable
{
    private const int Rounds = 20;

    private readonly SandboxServer _server;
    private readonly Random _random = new(13);
    private MigrationWorkspace _workspace = null!;

    public RealToolBesideTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
            await _workspace.ExecuteAsync("CREATE SCHEMA proof; CREATE TABLE proof.effect (version int, v int)");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [RealToolFact("DBMATE")]
    public Task Dbmate() => TakeTurnsAsync(new Tool(
        _workspace.Folder,
        number => _workspace.Write($"{number}_m.sql", $"-- migrate:up\n{Up(number)}-- migrate:down\n{Down(number)}"),
        () => DbmateAsync("migrate"),
        () => DbmateAsync("rollback"),
        async () => Applied((await DbmateAsync("status")).Split('\n').Where(line => line.StartsWith("[X]", StringComparison.Ordinal)))));

    [RealToolFact("DBMATE")]
    public async Task Dbmate_which_takes_no_lock_and_PgOps_at_the_same_moment_apply_each_migration_once()
    {
        Write(1_000_000_000);
        await DbmateAsync("migrate");
        await new ImportHistory().RunAsync(
            new ImportRequest { Migrations = _workspace.Request, Beside = true }, _workspace.Sink, CancellationToken.None);
        for (var number = 1_000_000_001; number <= 1_000_000_010; number++)
        {
            Write(number);
            var theirs = Record.ExceptionAsync(() => DbmateAsync("migrate"));
            await Task.Delay(_random.Next(100));
            var ours = await Record.ExceptionAsync(() => _workspace.RunAsync());
            Assert.False(await theirs is not null && ours is not null, $"{await theirs}\n{ours}");
            Assert.Equal($"{number}:1", await _workspace.ScalarAsync<string>(
                $"SELECT string_agg(version || ':' || v, ' ') FROM proof.effect WHERE version = {number}"));
        }

        Assert.Empty((await _workspace.RunAsync()).Applied);
        Assert.Equal(11L, await _workspace.ScalarAsync<long>("SELECT count(*) FROM schema_migrations"));

        void Write(int number) => _workspace.Write(
            $"{number}_m.sql", $"-- migrate:up\n{Up(number)}SELECT pg_sleep(0.2);\n-- migrate:down\n{Down(number)}");
    }

    [RealToolFact("NODE_PG_MIGRATE")]
    public Task Node_pg_migrate() => TakeTurnsAsync(new Tool(
        _workspace.Folder,
        number =>
        {
            _workspace.Write($"{number}_m.sql", Up(number));
            _workspace.Write($"{number}_m.down.sql", Down(number));
        },
        () => NodeAsync("up"),
        null,
        async () =>
        {
            var pending = Applied((await NodeAsync("up", "--dry-run")).Split('\n').Where(line => Migrating().IsMatch(line)));
            var all = Directory.GetFiles(_workspace.Folder, "*_m.sql").Select(file => Number(Path.GetFileName(file)));
            return [.. all.Except(pending).Order()];
        }));

    [RealToolFact("PRISMA")]
    public async Task Prisma()
    {
        using var project = await PrismaProject.CreateEmptyAsync();

        // Prisma wants an empty database for its first migration, and this one has the table that shows the effects in a schema of its own.
        await TakeTurnsAsync(new Tool(
            project.Migrations,
            number =>
            {
                var folder = Directory.CreateDirectory(Path.Combine(project.Migrations, $"{number}_m")).FullName;
                File.WriteAllText(Path.Combine(folder, "migration.sql"), Up(number));
                File.WriteAllText(Path.Combine(folder, "down.sql"), Down(number));
            },
            () => project.DeployAsync(_workspace.Target),
            null,
            async () =>
            {
                var status = await project.StatusAsync(_workspace.Target);
                var all = Directory.GetDirectories(project.Migrations).Select(folder => Number(Path.GetFileName(folder))).Order();
                if (status.Contains("Database schema is up to date", StringComparison.Ordinal))
                {
                    return [.. all];
                }

                Assert.Contains("not yet been applied", status, StringComparison.Ordinal);
                return [.. all.Except(Applied(status[status.IndexOf("not yet been applied", StringComparison.Ordinal)..].Split('\n')
                    .Where(line => Named().IsMatch(line))))];
            }));

        // A row of PgOps' is like one of Prisma's in all that is not its own moment or id.
        Assert.Equal(1L, await _workspace.ScalarAsync<long>(
            """
            SELECT count(DISTINCT (length(id), length(checksum), finished_at >= started_at, logs, rolled_back_at, applied_steps_count))
            FROM _prisma_migrations
            """));
    }

    /// <summary>A tool: its folder, how a migration is written for it, its run and undo, and what its status says is applied.</summary>
    private sealed record Tool(string Folder, Action<int> Write, Func<Task> Up, Func<Task>? Down, Func<Task<List<int>>> StatusAsync);

    private async Task TakeTurnsAsync(Tool tool)
    {
        var applied = new List<int>();
        var pending = new List<int>();
        var number = 1_000_000_000;
        var request = _workspace.Request with { Path = tool.Folder };
        Add();
        await tool.Up();
        Move();
        await CheckAsync("the first run of the tool");
        await new ImportHistory().RunAsync(
            new ImportRequest { Migrations = request, Beside = true }, _workspace.Sink, CancellationToken.None);
        var turns = new HashSet<string>();
        for (var round = 1; round <= Rounds; round++)
        {
            if (pending.Count == 0 || _random.Next(2) == 0)
            {
                Add();
            }

            if (_random.Next(3) == 0)
            {
                Add();
            }

            var turn = _random.Next(tool.Down is null ? 3 : 4);
            switch (turn)
            {
                case 0:
                    await tool.Up();
                    Move();
                    break;
                case 1:
                    var run = await new InvokeMigrations().RunAsync(request, _workspace.Sink, CancellationToken.None);
                    Assert.Equal(pending, run.Applied.Select(migration => int.Parse(migration.Version)));
                    Move();
                    break;
                case 2 when applied.Count > 1:
                    var undo = await new UndoMigrations().RunAsync(request, _workspace.Sink, CancellationToken.None);
                    Assert.Equal([applied[^1]], undo.Reverted.Select(migration => int.Parse(migration.Version)));
                    Back();
                    break;
                case 3 when applied.Count > 1:
                    await tool.Down!();
                    Back();
                    break;
            }

            turns.Add($"{turn}");
            await CheckAsync($"round {round}, turn {turn}");
        }

        Assert.Equal(tool.Down is null ? 3 : 4, turns.Count);

        void Add()
        {
            number += 10;
            tool.Write(number);
            pending.Add(number);
        }

        void Move()
        {
            applied.AddRange(pending);
            pending.Clear();
        }

        void Back()
        {
            pending.Insert(0, applied[^1]);
            applied.RemoveAt(applied.Count - 1);
        }

        async Task CheckAsync(string when)
        {
            var status = await tool.StatusAsync();
            Assert.True(
                applied.SequenceEqual(status), $"{when}: the tool says {string.Join(' ', status)}, {string.Join(' ', applied)} is right");
            var sink = new CollectingSink();
            await new GetMigrations().RunAsync(request, false, sink, CancellationToken.None);
            var states = sink.Outputs.Cast<PgMigration>()
                .Where(migration => migration.State is PgMigrationState.Applied or PgMigrationState.Baselined)
                .Select(migration => int.Parse(migration.Version)).ToList();
            Assert.True(
                applied.SequenceEqual(states), $"{when}: PgOps says {string.Join(' ', states)}, {string.Join(' ', applied)} is right");
            Assert.Equal(
                string.Join(' ', applied.Select(version => $"{version}:1")),
                await _workspace.ScalarAsync<string>(
                    "SELECT string_agg(version || ':' || v, ' ' ORDER BY version) FROM proof.effect") ?? "");
        }
    }

    // Run twice, the effect would be 2.
    private static string Up(int number) =>
        $"INSERT INTO proof.effect SELECT {number}, 0 WHERE NOT EXISTS (SELECT FROM proof.effect WHERE version = {number});\n"
            + $"UPDATE proof.effect SET v = v + 1 WHERE version = {number};\n";

    private static string Down(int number) => $"DELETE FROM proof.effect WHERE version = {number};\n";

    private static List<int> Applied(IEnumerable<string> lines) => [.. lines.Select(Number).Distinct().Order()];

    private static int Number(string text) => int.Parse(Digits().Match(text).Value);

    private Task<string> DbmateAsync(string command) => RealTool.RunAsync(
        "DBMATE", _workspace.Target, _workspace.Folder, "--url", RealTool.DbmateUrl(_workspace.Target), "--migrations-dir",
        _workspace.Folder, "--no-dump-schema", command);

    private Task<string> NodeAsync(params string[] arguments)
        => RealTool.RunAsync(
            "NODE_PG_MIGRATE", _workspace.Target, _workspace.Folder,
            [.. arguments, "-m", _workspace.Folder, "--ignore-pattern", ".*\\.down\\.sql"]);

    [GeneratedRegex("10[0-9]{8}", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();

    [GeneratedRegex("MIGRATION 10[0-9]{8}_m", RegexOptions.CultureInvariant)]
    private static partial Regex Migrating();

    [GeneratedRegex("^10[0-9]{8}_m", RegexOptions.CultureInvariant)]
    private static partial Regex Named();
}
