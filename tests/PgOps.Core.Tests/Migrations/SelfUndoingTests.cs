using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A file that drops what it has created says so before it runs; what a file makes for itself is passed over.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class SelfUndoingTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public SelfUndoingTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("CREATE TABLE r (i int);\n-- !DOWN\nDROP TABLE r;", "the table r in line 3")]
    [InlineData("CREATE TABLE app.r (i int);\nDROP SCHEMA app CASCADE;", "the table r in line 2")]
    [InlineData("CREATE SCHEMA app;\nDROP SCHEMA IF EXISTS app;", "the schema app in line 2")]
    [InlineData("CREATE OR REPLACE VIEW v AS SELECT 1;\nDROP VIEW v, w;", "the view v in line 2")]
    [InlineData("CREATE MATERIALIZED VIEW v AS SELECT 1;\nDROP MATERIALIZED VIEW v;", "the materialized view v in line 2")]
    [InlineData("CREATE TYPE \"Mood\" AS ENUM ('a');\nDROP TYPE public.\"Mood\";", "the type Mood in line 2")]
    [InlineData("ALTER TABLE t ADD COLUMN a int, ADD b int;\nALTER TABLE ONLY t DROP COLUMN b;", "the column t.b in line 2")]
    [InlineData("ALTER TABLE t ADD IF NOT EXISTS a int;\nALTER TABLE t DROP IF EXISTS a;", "the column t.a in line 2")]
    [InlineData("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);\nALTER TABLE t DROP CONSTRAINT c;", "the constraint t.c in line 2")]
    [InlineData("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);\nDROP INDEX CONCURRENTLY i;", "the index i in line 2")]
    [InlineData("CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';\nDROP FUNCTION f(int);", "the function f in line 2")]
    [InlineData("CREATE TABLE r (i int);\nDO $$ BEGIN DROP TABLE r; END $$;", "the table r in line 2")]
    [InlineData("CREATE TABLE r (i int);\nDO $$ BEGIN EXECUTE 'DROP TABLE r'; END $$;", "the table r in line 2")]
    [InlineData("DO $$ BEGIN CREATE TABLE r (i int); END $$;\nDROP TABLE r;", "the table r in line 2")]
    [InlineData("CREATE TEMP TABLE s (i int); DROP TABLE s;", null)]
    [InlineData("DROP TABLE IF EXISTS r; CREATE TABLE r (i int);", null)]
    [InlineData("CREATE VIEW v AS SELECT 1; DROP VIEW v; CREATE VIEW v AS SELECT 2;", null)]
    [InlineData("CREATE TABLE t_new (i int); DROP TABLE t; ALTER TABLE t_new RENAME TO t;", null)]
    [InlineData("ALTER TABLE t ADD a int; ALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER b DROP NOT NULL;", null)]
    [InlineData("ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; "
        + "ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP CONSTRAINT c;", null)]
    public void What_its_own_file_drops_is_named(string text, string? expected)
    {
        File.WriteAllText(Path.Combine(_folder.Path, "1_a.sql"), text);
        var script = MigrationScript.Read(Assert.Single(MigrationFolder.Read(_folder.Path).Files));

        Assert.Equal(expected, SelfUndoing.In(script) is var (what, line) ? $"{what} in line {line}" : null);
    }

    [PostgresFact]
    public async Task It_is_told_before_it_runs()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write("1_a.sql", "CREATE TABLE r (i int);\n-- !DOWN\nDROP TABLE r;");

        await workspace.RunAsync();

        Assert.Contains("1_a creates the table r and drops it again in line 3", Assert.Single(
            workspace.Sink.Lines, line => line.Text.Contains("drops it again", StringComparison.Ordinal)).Text, StringComparison.Ordinal);
    }
}
