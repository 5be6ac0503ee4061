using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>Backups of a part of a database, restored and drilled by themselves.</summary>
[Collection(RestoreTests.Name)]
public sealed class PartBackupTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public PartBackupTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Custom, "public")]
    [InlineData(PgBackupFormat.Directory, "public,other")]
    [InlineData(PgBackupFormat.Plain, "public")]
    public async Task A_backup_of_the_schema_public_comes_back(PgBackupFormat format, string schemas)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE SCHEMA other; CREATE TABLE public.a AS SELECT 1 AS x; CREATE TABLE other.b AS SELECT 2 AS x;
            COMMENT ON SCHEMA public IS 'ours'; GRANT CREATE ON SCHEMA public TO PUBLIC
            """);
        var backup = await MakeAsync(source, format, new() { Schemas = schemas.Split(',') });

        var drill = await DrillAsync(backup);

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
    }

    [PostgresTheory]
    [InlineData("CREATE EXTENSION hstore; CREATE TABLE a (h hstore)")]
    [InlineData("CREATE EXTENSION pg_trgm; CREATE TABLE a (t text); CREATE INDEX ON a USING gin (t gin_trgm_ops)")]
    [InlineData("CREATE EXTENSION citext; CREATE TABLE a (t citext[])")]
    [InlineData("CREATE EXTENSION btree_gist; CREATE TABLE a (i int, r int4range, EXCLUDE USING gist (i WITH =, r WITH &&))")]
    [InlineData("CREATE TABLE a (i int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE a")]
    [InlineData("CREATE TABLE a (id serial PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, whole a)")]
    public async Task A_table_brings_the_extensions_and_sequences_it_needs(string sql)
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, $"CREATE TABLE other (x int); {sql.Replace(", whole a", "", StringComparison.Ordinal)}");
        var backup = await MakeAsync(source, PgBackupFormat.Custom, new() { Tables = ["a"] });

        Assert.Empty(backup.Manifest!.Payload.Needs);
        var drill = await DrillAsync(backup);
        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
    }

    [PostgresFact]
    public async Task A_table_outside_of_public_brings_its_schema()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE SCHEMA sales; CREATE TABLE sales.a AS SELECT 1 AS x");
        foreach (var format in new[] { PgBackupFormat.Custom, PgBackupFormat.Directory })
        {
            var drill = await DrillAsync(await MakeAsync(source, format, new() { Tables = ["sales.a"] }));
            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        }
    }

    [PostgresTheory]
    [InlineData("type public.mood", "CREATE TYPE mood AS ENUM ('x'); CREATE TABLE a (m mood, n mood[])")]
    [InlineData("function public.f()", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE a (x int DEFAULT f())")]
    [InlineData("function public.f()", """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE a (x int);
        CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()
        """)]
    [InlineData("table public.b", "CREATE TABLE b (x int PRIMARY KEY); CREATE TABLE a (x int REFERENCES b)")]
    [InlineData("table public.b", "CREATE TABLE b (x int); CREATE VIEW a AS SELECT * FROM b")]
    [InlineData("table public.b", "CREATE TABLE b (x int); CREATE TABLE a (x b)")]
    [InlineData("table public.b", "CREATE TABLE b (x int) PARTITION BY LIST (x); CREATE TABLE a PARTITION OF b DEFAULT")]
    [InlineData("table public.b", "CREATE TABLE b (x int); CREATE TABLE a (y int) INHERITS (b)")]
    [InlineData("sequence public.s", "CREATE SEQUENCE s; CREATE TABLE a (x int DEFAULT nextval('s'))")]
    [InlineData("extension hstore", "CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE a (h ext.hstore)")]
    public async Task What_a_part_lacks_is_named_and_it_is_not_restored(string lack, string sql)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, sql);

        var backup = await MakeAsync(source, PgBackupFormat.Custom, new() { Tables = ["a"] });

        var plain = lack.Replace("public.", "", StringComparison.Ordinal);
        Assert.Equal([plain], backup.Manifest!.Payload.Needs.Select(need => need.Replace("public.", "", StringComparison.Ordinal)));
        Assert.Contains(backup.Warnings, warning => warning.StartsWith("This part cannot be restored by itself", StringComparison.Ordinal));
        var drill = await DrillAsync(backup);
        Assert.False(drill.Proven);
        Assert.False(drill.Passed);
        Assert.Equal("Incomplete", drill.Result);
        Assert.StartsWith("restore: not made: ", drill.Failure, StringComparison.Ordinal);
        Assert.Contains(
            drill.Checks, check => check.Detail.Contains("is a part that needs what it does not hold: ", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = "never" }, new CollectingSink(), CancellationToken.None));
        Assert.Equal("Nothing was restored.", error.State);
    }

    [PostgresFact]
    public async Task A_table_out_of_a_whole_backup_brings_what_its_exclusion_constraint_rests_on()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE EXTENSION btree_gist; CREATE TABLE other (x int);
            CREATE TABLE a (i int, r int4range, EXCLUDE USING gist (i WITH =, r WITH &&))
            """);

        var restore = await new RestoreDatabase().RunAsync(
            new()
            {
                Backup = await MakeAsync(source, PgBackupFormat.Custom, new()),
                Target = _server.Target,
                Database = "booking_alone",
                Tables = ["a"],
            },
            new CollectingSink(),
            CancellationToken.None);

        Assert.Equal(1, restore.TablesVerified);
    }

    [PostgresTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Schemas_and_what_is_excluded_are_looked_at_the_same_way(bool bySchema)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE EXTENSION citext; CREATE SCHEMA one; CREATE SCHEMA two; CREATE TYPE two.mood AS ENUM ('x');
            CREATE TABLE two.far (x int PRIMARY KEY); CREATE TABLE one.near (x int PRIMARY KEY, c citext);
            CREATE TABLE one.a (m two.mood, x int REFERENCES two.far, y int REFERENCES one.near);
            CREATE FUNCTION one.f() RETURNS int LANGUAGE sql RETURN (SELECT max(x) FROM two.far);
            CREATE TABLE two.free (x int); CREATE FUNCTION one.g(two.free) RETURNS int LANGUAGE sql AS 'SELECT 1'
            """);
        var backup = await MakeAsync(
            source, PgBackupFormat.Custom, bySchema ? new() { Schemas = ["one"] } : new() { ExcludedSchemas = ["two"] });

        Assert.Equal(["table two.far", "table two.free", "type two.mood"], backup.Manifest!.Payload.Needs.Order());
        var whole = await MakeAsync(source, PgBackupFormat.Custom, new() { Schemas = ["one", "two"] });
        Assert.Empty(whole.Manifest!.Payload.Needs);
        Assert.True((await DrillAsync(whole)).Proven);
        var excluded = await MakeAsync(source, PgBackupFormat.Custom, new() { ExcludedTables = ["two.far"] });
        Assert.Equal(["table two.far"], excluded.Manifest!.Payload.Needs);
    }

    private Task<PgBackup> MakeAsync(PgTarget source, PgBackupFormat format, DumpSelection selection) => new BackupDatabase().RunAsync(
        new() { Target = source, Path = _folder.Path, Format = format, Selection = selection },
        new CollectingSink(),
        CancellationToken.None);

    private Task<PgDrill> DrillAsync(PgBackup backup) => new TestRestore().RunAsync(
        new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
}
