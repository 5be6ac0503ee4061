using System.Globalization;
using Npgsql;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Sql;

namespace PgOps.Benchmarks;

/// <summary>The server of a benchmark and its databases.</summary>
internal sealed class Ground : IAsyncDisposable
{
    private readonly PgSandbox _sandbox;

    private Ground(PgSandbox sandbox, string folder)
    {
        _sandbox = sandbox;
        Folder = folder;
    }

    /// <summary>A folder for whatever the sides need; it goes with the ground.</summary>
    internal string Folder { get; }

    internal PgTarget Target => _sandbox.Target;

    /// <summary>Starts a sandbox that syncs as a server in earnest does.</summary>
    /// <param name="sync">Whether it does.</param>
    /// <param name="more">Further settings, <c>name=value;…</c>; PGOPS_BENCHMARK_SETTINGS wins over them.</param>
    internal static async Task<Ground> CreateAsync(bool sync, string more = "")
    {
        var settings = new Dictionary<string, string>();
        if (sync)
        {
            settings = new() { ["fsync"] = "on", ["synchronous_commit"] = "on", ["full_page_writes"] = "on", ["wal_level"] = "replica" };
        }

        foreach (var pair in $"{more};{Environment.GetEnvironmentVariable("PGOPS_BENCHMARK_SETTINGS")}".Split(
            ';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            settings[parts[0]] = parts[1];
        }

        var sandbox = await new StartSandbox().RunAsync(
            new StartSandboxRequest { Settings = settings }, new SilentSink(), CancellationToken.None).ConfigureAwait(false);
        return new Ground(sandbox, Directory.CreateTempSubdirectory("pgops-benchmark-").FullName);
    }

    /// <summary>An empty database of this name, whatever it held before.</summary>
    internal async Task<PgTarget> EmptyAsync(string name, string? template = null)
    {
        var connection = await ServerConnection.OpenAsync(Target, null, CancellationToken.None).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await ExecuteAsync(connection, $"DROP DATABASE IF EXISTS {Quote.Identifier(name)} WITH (FORCE)").ConfigureAwait(false);
            await ExecuteAsync(connection, $"CREATE DATABASE {Quote.Identifier(name)} TEMPLATE {template ?? "template1"}")
                .ConfigureAwait(false);
            await ExecuteAsync(connection, "CHECKPOINT").ConfigureAwait(false);
        }

        return Target.WithDatabase(name);
    }

    /// <summary>Runs statements.</summary>
    internal static async Task ExecuteAsync(PgTarget target, string sql)
    {
        var connection = await ServerConnection.OpenAsync(target, null, CancellationToken.None).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await ExecuteAsync(connection, sql).ConfigureAwait(false);
        }
    }

    /// <summary>Migrates with the engine.</summary>
    internal static Task<PgMigrationRun> MigrateAsync(PgTarget target, string path)
        => new InvokeMigrations().RunAsync(new MigrationRequest { Target = target, Path = path }, new SilentSink(), CancellationToken.None);

    /// <summary>Processor time of the sessions that have ended so far; 0 where the system does not tell.</summary>
    internal double ServerSeconds()
    {
        var path = $"/proc/{_sandbox.ServerProcessId}/stat";
        if (!File.Exists(path))
        {
            return 0;
        }

        // Behind the program's name, which may hold spaces: fields 16 and 17 of proc(5), in ticks of 10 ms.
        var text = File.ReadAllText(path);
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) / 100.0;
    }

    public async ValueTask DisposeAsync()
    {
        await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = _sandbox }, new SilentSink(), CancellationToken.None)
            .ConfigureAwait(false);
        Directory.Delete(Folder, recursive: true);
    }

    private static Task<int> ExecuteAsync(NpgsqlConnection connection, string sql) => connection.ExecuteAsync(sql, CancellationToken.None);
}
