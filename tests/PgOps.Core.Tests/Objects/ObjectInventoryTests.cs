using PgOps.Core.Drills;
using PgOps.Core.Objects;
using PgOps.Core.Tests.Restores;
using PgOps.Core.Tests.Sandbox;

namespace PgOps.Core.Tests.Objects;

/// <summary>A restored copy has the objects of its source, whatever a dump writes differently, and no difference goes unseen.</summary>
[Collection(PostgresTests.Name)]
public sealed class ObjectInventoryTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public ObjectInventoryTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_restored_copy_is_equal_in_every_object_and_so_is_a_copy_of_the_copy()
    {
        var source = await CreateAsync();
        var inventory = await ObjectInventory.ReadAsync(source, null, true, CancellationToken.None);
        foreach (var kind in (string[])[
            "schema", "extension", "table", "column", "index", "constraint", "trigger", "event trigger", "rule", "policy", "row security", "view",
            "materialized view", "function", "aggregate", "type", "domain", "sequence", "publication", "foreign table", "foreign server", "user mapping",
            "statistics", "comment", "owner", "grants", "default privileges", "collation", "operator", "cast", "text search configuration"])
        {
            Assert.Contains(inventory.Objects.Keys, one => one.Kind == kind);
        }

        Assert.DoesNotContain(inventory.Objects.Values, one => one.Definition!.Contains("secret-in", StringComparison.Ordinal));
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var copies = new List<PgObjectInventory>();
        var drill = await new TestRestore().RunAsync(
            new()
            {
                Backup = backup,
                Restored = async copy => copies.Add((await ObjectInventory.ReadAsync(copy, null, false, CancellationToken.None)).Record()),
            },
            new CollectingSink(),
            CancellationToken.None);

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.All(drill.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(backup.Manifest!.Objects!.Count, Assert.Single(copies).Count);
    }

    private async Task<PgTarget> CreateAsync()
    {
        await SandboxServer.ExecuteAsync(_server.Target, ObjectSample.Roles);
        var target = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(target, ObjectSample.Sql);
        return target;
    }
}
