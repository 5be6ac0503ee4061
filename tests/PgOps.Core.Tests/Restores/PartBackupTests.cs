using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>Backups of a part of a database, restored and drilled by themselves.</summary>
[Collection(PostgresTests.Name)]
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
    [InlineData("ext", "CREATE EXTENSION hstore; CREATE TABLE a (h hstore)")]
    [InlineData("opclass", "CREATE EXTENSION pg_trgm; CREATE TABLE a (t text); CREATE INDEX ON a USING gin (t gin_trgm_ops)")]
    [InlineData("type", "CREATE TYPE mood AS ENUM ('x'); CREATE TABLE a (m mood)")]
    [InlineData("func", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE a (x int DEFAULT f())")]
    [InlineData("func2", "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT public.g()'; CREATE TABLE a (x int DEFAULT f())")]
    [InlineData("trigger", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE a (x int); CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()")]
    [InlineData("fk", "CREATE TABLE b (x int PRIMARY KEY); CREATE TABLE a (x int REFERENCES b)")]
    [InlineData("parent", "CREATE TABLE b (x int) PARTITION BY LIST (x); CREATE TABLE a PARTITION OF b DEFAULT")]
    public async Task What_a_table_needs(string name, string sql)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, sql);
        var backup = await MakeAsync(source, PgBackupFormat.Custom, new() { Tables = ["a"] });

        var drill = await DrillAsync(backup);

        Assert.True(drill.Proven, name + string.Join('\n', drill.Checks));
    }

    [PostgresFact]
    public async Task Broken()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT g($1)';
            CREATE TABLE a (x int); INSERT INTO a VALUES (1); CREATE INDEX ON a (f(x)); CREATE INDEX ON a (x) WHERE f(x) > 3;
            """);
        await MakeAsync(source, PgBackupFormat.Custom, new());
    }

    private Task<PgBackup> MakeAsync(PgTarget source, PgBackupFormat format, DumpSelection selection) => new BackupDatabase().RunAsync(
        new() { Target = source, Path = _folder.Path, Format = format, Selection = selection }, new CollectingSink(), CancellationToken.None);

    private Task<PgDrill> DrillAsync(PgBackup backup) => new TestRestore().RunAsync(
        new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
}
