using Npgsql;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Databases;

/// <summary>No swap may lose the original, whatever fails and whoever else is at work.</summary>
[Collection(PostgresTests.Name)]
public sealed class DatabaseSwapTests : IDisposable
{
    private static readonly PgDatabaseFacts Facts = new() { Oid = 1, Encoding = "UTF8", Collate = "C", CType = "C" };

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public DatabaseSwapTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_swap_that_fails_in_its_last_step_leaves_the_original_under_its_name()
    {
        var original = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(original, "CREATE TABLE precious (x int)");
        await using (var staging =
            await StagingDatabase.CreateAsync(_server.Target, original.Database, Facts, _sink, CancellationToken.None))
        {
            var oid = await DatabaseOccupancy.OidAsync(staging.Session, original.Database, CancellationToken.None);
            var error = await Assert.ThrowsAsync<PostgresException>(
                () => DatabaseSwap.RunAsync(
                    staging, new SwapRequest(original, oid) { Owner = "no such role", KeepGrants = true }, CancellationToken.None));
            Assert.Equal(PostgresErrorCodes.UndefinedObject, error.SqlState);
            Assert.False(staging.InPlace);
        }

        Assert.Equal(0L, await SandboxServer.ExecuteAsync(original, "SELECT count(*) FROM precious"));
        Assert.Equal([original.Database], await NamesAsync(original.Database + "%"));
    }

    [PostgresFact]
    public async Task Two_swaps_within_a_second_keep_both_originals()
    {
        var original = await _server.CreateDatabaseAsync();
        for (var round = 0; round < 2; round++)
        {
            await using var staging =
                await StagingDatabase.CreateAsync(_server.Target, original.Database, Facts, _sink, CancellationToken.None);
            var oid = await DatabaseOccupancy.OidAsync(staging.Session, original.Database, CancellationToken.None);
            Assert.NotNull(
                await DatabaseSwap.RunAsync(staging, new SwapRequest(original, oid) { KeepGrants = true }, CancellationToken.None));
            Assert.True(staging.InPlace);
        }

        Assert.Equal(3, (await NamesAsync(original.Database + "%")).Count);
    }

    [PostgresFact]
    public async Task Of_two_restores_to_one_name_one_wins_and_the_other_says_so()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var request = new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = "contested" };
        var both = new[] { 1, 2 }.Select(_ => new RestoreDatabase().RunAsync(request, _sink, CancellationToken.None)).ToArray();

        await Assert.ThrowsAsync<PgOpsException>(() => Task.WhenAll(both));
        _ = Assert.Single(both, task => task.IsCompletedSuccessfully);
        var error = Assert.IsType<PgOpsException>(both.Single(task => task.IsFaulted).Exception!.InnerException);
        Assert.True(error.Code == PgErrorCode.TargetNotEmpty, error.Message);
        Assert.Equal(["contested"], await NamesAsync("contested%"));
    }

    private async Task<List<string>> NamesAsync(string pattern)
    {
        await using var session = await ServerConnection.OpenAsync(_server.Target, null, CancellationToken.None);
        return await session.QueryAsync(
            "SELECT datname::text FROM pg_database WHERE datname "
                + $"LIKE {Quote.Literal(pattern.Replace("_", "\\_", StringComparison.Ordinal))}",
            row => row.GetString(0),
            CancellationToken.None);
    }
}
