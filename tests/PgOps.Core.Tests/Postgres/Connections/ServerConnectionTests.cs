using System.Collections;
using System.Reflection;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>What a session leaves in the process when it has ended.</summary>
[Collection(PostgresTests.Name)]
public sealed class ServerConnectionTests(SandboxServer server)
{
    [PostgresFact]
    public async Task A_session_takes_its_data_source_with_it()
    {
        var name = $"leaves_nothing_{Guid.NewGuid():N}";
        var target = server.Target with { ApplicationName = name };
        for (var session = 0; session < 20; session++)
        {
            await using var connection = await ServerConnection.OpenAsync(target, null, CancellationToken.None);
            Assert.Equal(1, await connection.ScalarAsync<int>("SELECT 1", CancellationToken.None));
            Assert.True(Reporters() > 0);
        }

        Assert.Equal(0, Reporters(name));
    }

    [PostgresFact]
    public async Task A_session_that_the_server_ended_or_refused_takes_it_along_too()
    {
        var name = $"leaves_nothing_{Guid.NewGuid():N}";
        var target = server.Target with { ApplicationName = name };
        await using (var connection = await ServerConnection.OpenAsync(target, null, CancellationToken.None))
        {
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => connection.ExecuteAsync(
                "SELECT pg_terminate_backend(pg_backend_pid())", CancellationToken.None));
        }

        await Assert.ThrowsAsync<PgOpsException>(
            () => ServerConnection.OpenAsync(target.WithDatabase("no_such_database"), null, CancellationToken.None));
        using var ended = new CancellationTokenSource();
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ServerConnection.OpenAsync(target, null, ended.Token));

        Assert.Equal(0, Reporters(name));
    }

    /// <summary>Npgsql's metrics hold every data source that was not disposed; a pool's name has its connection string.</summary>
    private static int Reporters(string name = "")
    {
        var type = typeof(NpgsqlConnection).Assembly.GetType("Npgsql.MetricsReporter", throwOnError: true)!;
        var reporters = (IEnumerable)type.GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            .Single(field => typeof(IEnumerable).IsAssignableFrom(field.FieldType) && field.FieldType.IsGenericType
                && field.FieldType.GetGenericArguments()[0] == type).GetValue(null)!;
        return reporters.Cast<object>().Count(reporter => type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
            .Select(field => field.GetValue(reporter)).OfType<NpgsqlDataSource>()
            .Any(source => source.ConnectionString.Contains(name, StringComparison.Ordinal)));
    }
}
