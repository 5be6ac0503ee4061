using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Catalog;

/// <summary>
/// PostgreSQL 15.20 writes pg_attver among a column's options, another number after each restore. No backup could be proven with it, for
/// pg_dump leaves it out.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class InternalOptionTests : IDisposable
{
    private const string Sample = """
        CREATE TYPE pair AS (x int, y text);
        CREATE TABLE plain (a int, b text) WITH (fillfactor = 70);
        ALTER TABLE plain ALTER a SET (n_distinct = 5);
        CREATE VIEW seen AS SELECT a FROM plain;
        CREATE MATERIALIZED VIEW kept AS SELECT b FROM plain;
        """;

    // As a server of any minor release would write them, if it did.
    private const string Injection = """
        UPDATE pg_attribute SET attoptions = ARRAY['pg_attver=4711'] || coalesce(attoptions, '{}')
        WHERE attnum > 0
          AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'c'))
          AND NOT coalesce(attoptions::text LIKE '%pg_attver%', false);
        UPDATE pg_class SET reloptions = ARRAY['pg_other=4711'] || coalesce(reloptions, '{}')
        WHERE oid IN ('plain'::regclass, 'kept'::regclass) OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'plain'::regclass);
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public InternalOptionTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Nothing_of_them_is_in_the_inventory()
    {
        var target = await CreateAsync();
        await SandboxServer.ExecuteAsync(target, Injection);

        var objects = (await ObjectInventory.ReadAsync(target, null, true, CancellationToken.None)).Objects;

        string[] internals = ["4711", "pg_attver"];
        Assert.DoesNotContain(objects.Values, one => internals.Any(option => one.Definition!.Contains(option, StringComparison.Ordinal)));
        Assert.Equal("integer WITH n_distinct=5 at 1", objects[new("column", "public.plain.a")].Definition);
        Assert.Equal("text at 2", objects[new("column", "public.pair.y")].Definition);
        Assert.Equal("integer at 1", objects[new("column", "public.seen.a")].Definition);
        Assert.Equal("text at 1", objects[new("column", "public.kept.b")].Definition);
        Assert.Equal("WITH fillfactor=70", objects[new("table", "public.plain")].Definition);
    }

    [PostgresFact]
    public async Task A_copy_that_has_them_is_proven_and_equal_to_its_source()
    {
        var source = await CreateAsync();
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target, Restored = copy => SandboxServer.ExecuteAsync(copy, Injection) },
            new CollectingSink(),
            CancellationToken.None);

        Assert.All(drill.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        var other = await CreateAsync();
        await SandboxServer.ExecuteAsync(other, Injection);
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = other }, new CollectingSink(), CancellationToken.None);
        Assert.All(comparison.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Empty(comparison.Objects);
    }

    // An older PgOps hashed them, and a hash does not give them back: what differs may be equal, and is not called wrong.
    [PostgresTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_manifest_that_was_made_with_them_is_compared_but_for_these_columns(bool kept)
    {
        var source = await CreateAsync();
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var found = await ObjectInventory.ReadAsync(source, null, true, CancellationToken.None);
        var columns = found.Objects.Where(one => one.Key.Kind == "column").ToDictionary(
            one => one.Key.Name, one => one.Key.Name == "public.plain.b"
                ? one.Value.Mark
                : SchemaObject.Of(one.Value.Definition!.Replace(
                    " at", " WITH pg_attver=22322856 at", StringComparison.Ordinal), false).Mark);
        var kinds = new Dictionary<string, IReadOnlyDictionary<string, string>>(backup.Manifest!.Objects!.Kinds) { ["column"] = columns };
        var manifest = backup.Manifest with
        {
            Objects = new() { Version = 1, Kinds = kinds },
            Server = backup.Manifest.Server with { VersionNumber = kept ? 190001 : (found.ServerMajor * 10000) + 3 },
        };

        var objects = ObjectComparison.Compare(manifest, found, ObjectRules.Restored).Checks.Single(check => check.Name == "objects");

        Assert.Equal(kept ? PgCheckStatus.Skipped : PgCheckStatus.Failed, objects.Status);
        Assert.Contains(
            kept ? "5 columns not compared: an older PgOps hashed" : "column public.plain.a: defined differently",
            objects.Detail,
            StringComparison.Ordinal);

        // Everything else is held against it as before.
        await SandboxServer.ExecuteAsync(source, "ALTER TABLE plain SET (fillfactor = 71)");
        var changed = ObjectComparison.Compare(
            manifest, await ObjectInventory.ReadAsync(source, null, true, CancellationToken.None), ObjectRules.Restored);
        Assert.Contains(
            kept
                ? "table public.plain: defined differently (expected: not known, only its hash was kept / found: WITH fillfactor=71)"
                : "table public.plain",
            changed.Checks.Single(check => check.Name == "objects").Detail,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(140024, false)]
    [InlineData(140025, true)]
    [InlineData(150019, false)]
    [InlineData(150020, true)]
    [InlineData(160016, true)]
    [InlineData(170011, false)]
    [InlineData(180006, true)]
    [InlineData(130023, false)]
    [InlineData(190000, true)]
    public void The_servers_that_keep_them_are_known(int version, bool expected)
        => Assert.Equal(expected, InternalOptions.AreKeptBy(version));

    [Theory]
    [InlineData("15.18", 150020, true)]
    [InlineData("17.10", 150020, true)]
    [InlineData("15.20", 150020, false)]
    [InlineData("18.6", 150020, false)]
    [InlineData("15.18", 150018, false)]
    public void A_dump_by_a_client_that_does_not_know_them_is_warned_of(string tool, int server, bool warned)
        => Assert.Equal(warned, InternalOptions.WarningOf(tool, new() { Version = "15.20", VersionNumber = server }) is not null);

    [Fact]
    public void A_restore_that_fails_at_one_is_explained()
    {
        string[] said = ["pg_restore: error: could not execute query: ERROR:  unrecognized parameter \"pg_attver\""];
        Assert.Contains("pg_dump older than its server", InternalOptions.Explained(said).Last(), StringComparison.Ordinal);
        Assert.Equal(["ERROR: 42"], InternalOptions.Explained(["ERROR: 42"]));
    }

    // What a pg_dump leaves out no restored copy has; the drill failed at each of these comments.
    [PostgresFact]
    public async Task Comments_that_pg_dump_leaves_out_are_left_out()
    {
        var source = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(source, """
            CREATE TABLE ref (id int PRIMARY KEY);
            CREATE TABLE parent (a int, CONSTRAINT positive CHECK (a > 0)); CREATE TABLE child () INHERITS (parent);
            CREATE TABLE parts (a int CONSTRAINT known REFERENCES ref, b int, PRIMARY KEY (b)) PARTITION BY LIST (b);
            CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
            CREATE TRIGGER each AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION touch();
            CREATE VIEW seen AS SELECT 1 AS x; CREATE TYPE mood AS ENUM ('sad'); CREATE INDEX broken ON ref ((id + 1));
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;
            COMMENT ON CONSTRAINT positive ON child IS 'inherited'; COMMENT ON CONSTRAINT known ON part IS 'of the parent';
            COMMENT ON TRIGGER each ON part IS 'of the parent'; COMMENT ON RULE "_RETURN" ON seen IS 'its query';
            COMMENT ON TYPE _mood IS 'an array'; COMMENT ON TYPE ref IS 'a row'; COMMENT ON INDEX broken IS 'invalid';
            COMMENT ON CONSTRAINT positive ON parent IS 'kept'; COMMENT ON CONSTRAINT part_pkey ON part IS 'kept';
            COMMENT ON TRIGGER each ON parts IS 'kept';
            COMMENT ON TYPE mood IS 'kept'; COMMENT ON COLUMN child.a IS 'kept'; COMMENT ON INDEX ref_pkey IS 'kept';
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);

        Assert.True(drill.Passed, string.Join('\n', drill.Checks));
        Assert.Equal(6, backup.Manifest!.Objects!.Kinds["comment"].Count);
    }

    private async Task<PgTarget> CreateAsync()
    {
        var target = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(target, Sample);
        return target;
    }
}
