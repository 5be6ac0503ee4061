using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Support;

/// <summary>
/// One server for all integration tests. A test class joins by <c>[Collection(MigrationTests.Name)]</c>, takes this in its
/// constructor, and asks for a database of its own.
/// </summary>
public sealed class SandboxServer : IAsyncLifetime
{
    private readonly CollectingSink _sink = new();
    private PgSandbox? _sandbox;
    private int _lastDatabase;

    /// <summary>The server, with superuser credentials.</summary>
    public PgSandbox Sandbox => _sandbox ?? throw new InvalidOperationException("No server: mark the test with [PostgresFact].");

    /// <summary>The database postgres.</summary>
    public PgTarget Target => Sandbox.Target;

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            // Full WAL, so that every kind of test can use the one server: logical slots, base backups, two-phase commits.
            var settings = new Dictionary<string, string> { ["wal_level"] = "logical", ["max_prepared_transactions"] = "10" };
            _sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Settings = settings }, _sink, CancellationToken.None);
        }
    }

    public async Task DisposeAsync()
    {
        if (_sandbox is not null)
        {
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = _sandbox }, _sink, CancellationToken.None);
        }
    }

    /// <summary>A fresh, empty database; it goes with the server.</summary>
    /// <param name="name">Its name; null makes one up.</param>
    public async Task<PgTarget> CreateDatabaseAsync(string? name = null)
    {
        name ??= string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _lastDatabase)}");
        await ExecuteAsync(Target, $"CREATE DATABASE {Quote.Identifier(name)}");
        return Target.WithDatabase(name);
    }

    /// <summary>Opens a connection of Npgsql's own, not pooled.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(PgTarget target)
    {
        var connection = new NpgsqlConnection(SandboxTarget.ConnectionString(target));
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Runs a statement and returns the first value of its first row.</summary>
    public static async Task<object?> ExecuteAsync(PgTarget target, string sql)
    {
        await using var connection = await OpenAsync(target);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

/// <summary>
/// The tests that share a <see cref="SandboxServer"/>. There are four such collections, which run side by side (xunit.runner.json), for
/// the tests spend much of their time waiting. None should be much longer than the others.
/// </summary>
[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<SandboxServer>
{
    public const string Name = "PostgreSQL";
}

/// <summary>The tests of restores, drills and comparisons, beside those of <see cref="PostgresTests"/>.</summary>
[CollectionDefinition(Name)]
public sealed class RestoreTests : ICollectionFixture<SandboxServer>
{
    public const string Name = "PostgreSQL, restores";
}

/// <summary>The tests of migrations and switches, beside those of <see cref="PostgresTests"/>.</summary>
[CollectionDefinition(Name)]
public sealed class MigrationTests : ICollectionFixture<SandboxServer>
{
    public const string Name = "PostgreSQL, migrations";
}

/// <summary>The tests of what other tools have left, and of those tools themselves.</summary>
[CollectionDefinition(Name)]
public sealed class AdoptionTests : ICollectionFixture<SandboxServer>
{
    public const string Name = "PostgreSQL, other tools";
}
