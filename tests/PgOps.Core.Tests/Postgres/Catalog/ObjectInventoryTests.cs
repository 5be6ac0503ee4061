using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Catalog;

/// <summary>A restored copy has the objects of its source, whatever a dump writes differently, and no difference goes unseen.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
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
            "schema", "extension", "table", "column", "index", "constraint", "trigger", "event trigger", "rule", "policy", "row security",
            "view",
            "materialized view", "function", "aggregate", "type", "domain", "sequence", "publication", "foreign table", "foreign server",
            "user mapping",
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
                Server = _server.Target,
                Restored = async copy => copies.Add((await ObjectInventory.ReadAsync(copy, null, false, CancellationToken.None)).Record()),
            },
            new CollectingSink(),
            CancellationToken.None);

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.All(drill.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(backup.Manifest!.Objects!.Count, Assert.Single(copies).Count);
    }

    // What the parser names when it reads a dump, and did not when the views were made, is no difference; what people name is one.
    [PostgresFact]
    public async Task Names_that_a_restore_makes_up_are_no_difference()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE a (x int, y text);
            CREATE VIEW v AS SELECT x FROM (SELECT x FROM a UNION ALL SELECT NULL FROM a) q;
            CREATE VIEW long AS SELECT x FROM (SELECT x FROM a UNION ALL SELECT NULL FROM a) q WHERE x::text <> LONG;
            CREATE MATERIALIZED VIEW m AS WITH c AS (SELECT x FROM a EXCEPT SELECT NULL) SELECT * FROM c;
            CREATE VIEW e AS SELECT x FROM a WHERE x IN (SELECT NULL UNION SELECT x FROM a);
            CREATE RULE r AS ON INSERT TO a DO ALSO UPDATE a SET y = 'r' WHERE x IN (SELECT NULL UNION SELECT 1);
            ALTER TABLE a ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON a USING (x IN (SELECT NULL UNION SELECT 1))
            """.Replace("LONG", $"'{new string('a', 1000)}'", StringComparison.Ordinal));
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var copy = source with { Database = source.Database + "_copy" };

        await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = copy.Database }, new CollectingSink(), CancellationToken.None);

        Assert.NotEqual(await DefinitionOfVAsync(source), await DefinitionOfVAsync(copy));
        await SandboxServer.ExecuteAsync(copy, "ALTER VIEW e RENAME COLUMN x TO z");
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = copy }, new CollectingSink(), CancellationToken.None);
        Assert.Contains(comparison.Objects, one => one.Name == "public.e");
        Assert.All(comparison.Objects, one => Assert.StartsWith("public.e", one.Name, StringComparison.Ordinal));

        static Task<object?> DefinitionOfVAsync(PgTarget target)
            => SandboxServer.ExecuteAsync(target, "SELECT pg_get_viewdef('v'::regclass)");
    }

    // A dump by pg_dump 14 or older, restored to 15 or newer: the difference is real, and what to do about it is said beside it.
    [PostgresFact]
    public async Task An_old_dumps_schema_public_is_explained()
    {
        var manifest = (await OddDatabase.BackUpAsync(await CreateAsync(), _folder)).Manifest!;
        manifest = manifest with { Payload = manifest.Payload with { Tool = "pg_dump (PostgreSQL) 13.16" } };
        var copy = await CreateAsync();
        await SandboxServer.ExecuteAsync(copy, "GRANT CREATE ON SCHEMA public TO pg_monitor");
        var found = await ObjectInventory.ReadAsync(copy, null, true, CancellationToken.None);
        var privileges = ObjectComparison.Compare(manifest, found, ObjectRules.Restored).Checks.Single(check => check.Name == "privileges");
        Assert.Equal(PgCheckStatus.Failed, privileges.Status);
        Assert.Equal(found.ServerMajor >= 15, privileges.Detail.Contains("back up with pg_dump 15 or newer", StringComparison.Ordinal));
        Assert.Equal(found.ServerMajor >= 15, privileges.IsLeftOutByDump);

        // A grant that was lost is not to hide behind it.
        await SandboxServer.ExecuteAsync(copy, "GRANT SELECT ON app.orders TO pg_monitor");
        var more = await ObjectInventory.ReadAsync(copy, null, true, CancellationToken.None);
        Assert.DoesNotContain(
            "back up with",
            ObjectComparison.Compare(manifest, more, ObjectRules.Restored).Checks.Single(check => check.Name == "privileges").Detail,
            StringComparison.Ordinal);
        manifest = manifest with { Payload = manifest.Payload with { Tool = "pg_dump (PostgreSQL) 15.1" } };
        privileges = ObjectComparison.Compare(manifest, found, ObjectRules.Restored).Checks.Single(check => check.Name == "privileges");
        Assert.DoesNotContain("back up with", privileges.Detail, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("ALTER TABLE app.customers ALTER total SET DEFAULT 1", "objects",
        "column app.customers.total: defined differently (expected: numeric(12,2) DEFAULT 0 at 11 / found: numeric(12,2) DEFAULT 1 at 11)")]
    [InlineData("ALTER TABLE app.orders ADD more int", "objects", "column app.orders.more: not in the reference")]
    [InlineData(
        "ALTER TYPE app.mood RENAME VALUE 'ok' TO 'okay'",
        "objects",
        "type app.mood: defined differently (expected: 'sad', 'so so', 'ok', 'it''s fine' / found: 'sad', 'so so', 'okay', 'it''s fine')")]
    [InlineData("COMMENT ON COLUMN app.customers.name IS NULL", "objects", "comment table column app.customers.name: missing")]
    [InlineData("ALTER TABLE app.events DETACH PARTITION app.events_2", "objects", "table app.events_2: defined differently")]
    [InlineData("ALTER SEQUENCE app.loose NO CYCLE", "objects", "sequence app.loose: defined differently")]
    [InlineData("DROP EXTENSION hstore CASCADE", "objects", "extension hstore: missing")]
    [InlineData("ALTER PUBLICATION few DROP TABLE app.typed", "objects", "publication few: defined differently")]
    [InlineData("ALTER SERVER away OPTIONS (SET dbname 'y')", "objects", "foreign server away: defined differently")]
    [InlineData("ALTER TABLE app.customers RESET (fillfactor)", "objects", "table app.customers: defined differently")]
    [InlineData("DROP RULE quiet ON app.single", "views", "rule quiet on app.single: missing")]
    [InlineData("ALTER FUNCTION app.add STRICT", "functions", "function app.add(a integer, b integer): defined differently")]
    [InlineData("ALTER INDEX app.customers_lower SET (fillfactor = 50)", "indexes", "index app.customers_lower: defined differently")]
    [InlineData(
        "ALTER TABLE app.customers VALIDATE CONSTRAINT later", "constraints", "constraint later on app.customers: defined differently")]
    [InlineData("ALTER EVENT TRIGGER noted ENABLE", "triggers", "event trigger noted: defined differently")]
    [InlineData("ALTER TABLE app.events_2 ENABLE TRIGGER each", "triggers", "trigger each on app.events_2: missing")]
    [InlineData(
        "ALTER POLICY strict ON app.customers WITH CHECK (total > 1)", "policies", "policy strict on app.customers: defined differently")]
    [InlineData("ALTER TABLE app.orders NO FORCE ROW LEVEL SECURITY", "policies", "row security app.orders: defined differently")]
    [InlineData(
        "ALTER TABLE app.typed OWNER TO objects_owner",
        "privileges",
        "owner table app.typed: defined differently (expected: postgres / found: objects_owner)")]
    [InlineData("GRANT CREATE ON SCHEMA public TO PUBLIC", "privileges", "grants schema public: defined differently")]
    [InlineData("REVOKE SELECT (id) ON app.customers FROM objects_owner", "privileges", "grants column app.customers.id: missing")]
    [InlineData(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM \"Objects reader\"", "privileges", "default privileges")]
    public async Task A_changed_object_is_named(string change, string check, string named)
    {
        var source = await CreateAsync();
        var before = await ObjectInventory.ReadAsync(source, null, true, CancellationToken.None);
        await SandboxServer.ExecuteAsync(source, change);
        var after = await ObjectInventory.ReadAsync(source, null, true, CancellationToken.None);

        var comparison = ObjectComparison.Compare(before, after, ObjectRules.Same);

        var failed = comparison.Checks.Single(one => one.Name == check);
        Assert.Equal(PgCheckStatus.Failed, failed.Status);
        Assert.Contains(named, failed.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task What_a_restore_leaves_out_is_skipped_and_said_so_and_an_old_manifest_is_read()
    {
        var source = await CreateAsync();
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var restore = new RestoreDatabaseRequest
        {
            Backup = backup,
            Target = _server.Target,
            Database = "bare copy",
            NoOwner = true,
            NoPrivileges = true,
        };
        var bare = await new RestoreDatabase().RunAsync(restore, new CollectingSink(), CancellationToken.None);
        var privileges = bare.Checks.Single(check => check.Name == "privileges");
        Assert.Equal(PgCheckStatus.Skipped, privileges.Status);
        Assert.Contains("owners were left out", privileges.Detail, StringComparison.Ordinal);
        Assert.All(
            bare.Checks.Where(check => check.Name is not ("privileges" or "roles")),
            check => Assert.Equal(PgCheckStatus.Passed, check.Status));

        var old = await BackupDamage.ForgeAsync(backup, manifest => manifest with { Objects = null });
        var drill =
            await new TestRestore().RunAsync(new() { Backup = old, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Contains("older PgOps", drill.Checks.Single(check => check.Name == "objects").Detail, StringComparison.Ordinal);
        Assert.All(
            ObjectComparison.Groups,
            group => Assert.Equal(PgCheckStatus.Skipped, drill.Checks.Single(check => check.Name == group).Status));
    }

    [PostgresFact]
    public async Task Two_manifests_are_compared()
    {
        var source = await CreateAsync();
        var first = await OddDatabase.BackUpAsync(source, _folder);
        var second = await OddDatabase.BackUpAsync(source, _folder);
        var equal = await CompareAsync(new() { ReferenceBackup = first, DifferenceBackup = second });
        Assert.True(equal.Passed, string.Join('\n', equal.Checks));
        Assert.All(equal.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));

        await SandboxServer.ExecuteAsync(source, "UPDATE app.orders SET note = 'x' WHERE id = 3; DROP INDEX app.customers_trgm");
        var third = await OddDatabase.BackUpAsync(source, _folder);
        var changed = await CompareAsync(new() { ReferenceBackup = first, DifferenceBackup = third });
        Assert.Equal("orders", Assert.Single(changed.Differences).Name);
        Assert.Equal("index app.customers_trgm: missing", Assert.Single(changed.Objects).ToString());

        // Definitions of reasonable length stand in the manifest, longer ones as a hash alone.
        await SandboxServer.ExecuteAsync(
            source, $"ALTER TABLE app.orders ALTER note SET DEFAULT '{new string('x', 1000)}', ALTER customer SET NOT NULL");
        var fourth = await OddDatabase.BackUpAsync(source, _folder);
        var objects = (await CompareAsync(
            new() { ReferenceBackup = third, DifferenceBackup = fourth })).Checks.Single(check => check.Name == "objects");
        Assert.Equal(
            "column app.orders.customer: defined differently (expected: bigint at 2 / found: bigint NOT NULL at 2); "
            + "column app.orders.note: defined differently (expected: text at 3 / found: not known, only its hash was kept)",
            objects.Detail);
        Assert.Equal(
            ["content", "indexes"], changed.Checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => check.Name));
    }

    [PostgresFact]
    public async Task Finds_the_rows_that_differ_by_ranges_of_the_key()
    {
        const string Tables = """
            CREATE TABLE big (a int, b text COLLATE "C", v text, PRIMARY KEY (b, a));
            INSERT INTO big SELECT g, 'b' || g % 7, repeat('x', g % 50) FROM generate_series(1, 50000) g;
            CREATE TABLE keyless AS SELECT 1 AS x;
            """;
        var one = await _server.CreateDatabaseAsync();
        var other = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(one, Tables);
        await SandboxServer.ExecuteAsync(other, Tables);
        await SandboxServer.ExecuteAsync(
            other, "DELETE FROM big WHERE a = 4711; UPDATE big SET v = 'y' WHERE a IN (1, 50000); "
                + "INSERT INTO big VALUES (0, 'z'); UPDATE keyless SET x = 2");

        var comparison = await CompareAsync(new() { ReferenceTarget = one, Difference = other, Detailed = true });

        Assert.Equal(
            ["b=b0, a=4711: Missing", "b=b1, a=1: Differs", "b=b6, a=50000: Differs", "b=z, a=0: Extra"],
            comparison.Rows.Select(row => row.ToString()["public.big ".Length..]).Order(StringComparer.Ordinal));
        var rows = comparison.Checks.Single(check => check.Name == "rows");
        Assert.Equal(PgCheckStatus.Failed, rows.Status);
        Assert.Contains("public.keyless: no primary key", rows.Detail, StringComparison.Ordinal);

        await SandboxServer.ExecuteAsync(other, "TRUNCATE big");
        var empty = await CompareAsync(new() { ReferenceTarget = one, Difference = other, Detailed = true, MaxRows = 10 });
        Assert.Equal(10, empty.Rows.Count);
        Assert.Contains("public.big: 10 and more", empty.Checks.Single(check => check.Name == "rows").Detail, StringComparison.Ordinal);
    }

    private static Task<PgComparison> CompareAsync(CompareDatabaseRequest request)
        => new CompareDatabase().RunAsync(request, new CollectingSink(), CancellationToken.None);

    private async Task<PgTarget> CreateAsync()
    {
        await SandboxServer.ExecuteAsync(_server.Target, ObjectSample.Roles);
        var target = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(target, ObjectSample.Sql);
        return target;
    }
}
