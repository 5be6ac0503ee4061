using System.Text;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>When one of these fails, a new Npgsql has changed what it does not promise; the test's name says what would break.</summary>
[Collection(PostgresTests.Name)]
public sealed class NpgsqlInternalsTests(SandboxServer server)
{
    [PostgresFact]
    public async Task Migrations_select_values_of_types_that_Npgsql_does_not_know()
    {
        await using var connection = await ServerConnection.OpenAsync(await server.CreateDatabaseAsync(), null, CancellationToken.None);
        await connection.ExecuteAsync("CREATE TYPE mood AS ENUM ('glad'); CREATE TYPE pair AS (a int, b mood)", CancellationToken.None);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT ROW(1, 'glad')::pair, '{glad}'::mood[], 1::money"));
        NpgsqlInternals.AskForText(batch);

        await using var reader = await batch.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        Assert.Equal(["(1,glad)", "{glad}"], [reader.GetValue(0), reader.GetValue(1)]);
        Assert.IsType<string>(reader.GetValue(2));
    }

    [PostgresFact]
    public async Task Fingerprints_read_the_bytes_of_COPY_as_the_server_sends_them()
    {
        await using var connection = await ServerConnection.OpenAsync(server.Target, null, CancellationToken.None);
        var read = new MemoryStream();
        var copy = await NpgsqlInternals.CopyTextAsync(
            connection, "COPY (SELECT n, E'ä\\\\b\\n', NULL FROM generate_series(1, 20000) n) TO STDOUT", CancellationToken.None);
        await using (copy)
        {
            await copy.CopyToAsync(read);
        }

        var expected = string.Concat(Enumerable.Range(1, 20000).Select(n => $"{n}\tä\\\\b\\n\t\\N\n"));
        Assert.Equal(Encoding.UTF8.GetBytes(expected), read.ToArray());

        // Its end is the COPY's end: the session goes on.
        Assert.Equal(1, await connection.ScalarAsync<int>("SELECT 1", CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_fingerprint_that_stops_in_the_middle_leaves_a_session_that_goes_on()
    {
        await using var connection = await ServerConnection.OpenAsync(server.Target, null, CancellationToken.None);
        var copy = await NpgsqlInternals.CopyTextAsync(
            connection, "COPY (SELECT generate_series(1, 200000)) TO STDOUT", CancellationToken.None);
        await using (copy)
        {
            Assert.True(await copy.ReadAsync(new byte[100]) > 0);
        }

        Assert.Equal(1, await connection.ScalarAsync<int>("SELECT 1", CancellationToken.None));
    }
}
