using System.Text;
using Npgsql;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Support;

/// <summary>A database of its own and a folder of migrations for it.</summary>
internal sealed class MigrationWorkspace : IDisposable
{
    private readonly bool _ownsDatabase;

    /// <param name="target">A database, perhaps one that others use.</param>
    /// <param name="ownsDatabase">Whether it goes with the workspace.</param>
    internal MigrationWorkspace(PgTarget target, bool ownsDatabase = false)
    {
        Target = target;
        _ownsDatabase = ownsDatabase;
    }

    internal PgTarget Target { get; }

    internal string Folder { get; } = Directory.CreateTempSubdirectory("pgops-migrations-").FullName;

    internal CollectingSink Sink { get; } = new();

    internal MigrationRequest Request => new() { Target = Target, Path = Folder };

    internal static async Task<MigrationWorkspace> CreateAsync(SandboxServer server)
        => new(await server.CreateDatabaseAsync(), ownsDatabase: true);

    internal string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
        return path;
    }

    internal void Delete(string name) => File.Delete(Path.Combine(Folder, name));

    internal Task<PgMigrationRun> RunAsync(
        Func<MigrationRequest, MigrationRequest>? change = null, CancellationToken cancellationToken = default)
        => new InvokeMigrations().RunAsync(change?.Invoke(Request) ?? Request, Sink, cancellationToken);

    /// <summary>Runs, and gives the error that must come.</summary>
    internal Task<PgOpsException> FailAsync(Func<MigrationRequest, MigrationRequest>? change = null)
        => Assert.ThrowsAsync<PgOpsException>(() => RunAsync(change));

    /// <summary>Runs, and checks the error that must come.</summary>
    internal async Task<PgOpsException> FailAsync(PgErrorCode code, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        var error = await FailAsync(change);
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        Assert.False(string.IsNullOrEmpty(error.State));
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }

    internal async Task<T?> ScalarAsync<T>(string sql) => await SandboxServer.ExecuteAsync(Target, sql) is T value ? value : default;

    internal async Task ExecuteAsync(string sql) => await SandboxServer.ExecuteAsync(Target, sql);

    internal async Task<IReadOnlyList<PgMigration>> StatusAsync(bool withScripts = false)
    {
        var sink = new CollectingSink();
        await new GetMigrations().RunAsync(
            new MigrationRequest { Target = Target, Path = Folder }, withScripts, sink, CancellationToken.None);
        return [.. sink.Outputs.Cast<PgMigration>()];
    }

    internal async Task<PgMigration> RepairAsync(string? version, MigrationRepair repair)
    {
        var sink = new CollectingSink();
        await new RepairMigration().RunAsync(Request, version, repair, "because of the test", sink, CancellationToken.None);
        return sink.Outputs.Cast<PgMigration>().First();
    }

    /// <summary>
    /// What an undisturbed run and a disturbed one must agree on: tables, columns, indexes, the rows of <c>effect</c>, the history.
    /// </summary>
    internal Task<string?> PictureAsync() => ScalarAsync<string>(
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT format('column %s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT format('index %s valid=%s', pg_get_indexdef(indexrelid), indisvalid AND indisready)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'effect ' || note FROM effect
            UNION ALL
            SELECT format('history %s %s %s %s %s/%s', version, name, checksum, state, statements_done, statements_total)
            FROM (SELECT DISTINCT ON (version) * FROM pgops.migration_history ORDER BY version, id DESC) h
        ) t
        """);

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        if (_ownsDatabase)
        {
            // Some hundred databases would make the end of the test server long.
            using var connection = new NpgsqlConnection(SandboxTarget.ConnectionString(Target.WithDatabase("postgres")));
            connection.Open();
            using var drop = new NpgsqlCommand($"DROP DATABASE {Quote.Identifier(Target.Database)} WITH (FORCE)", connection);
            drop.ExecuteNonQuery();
        }
    }
}
