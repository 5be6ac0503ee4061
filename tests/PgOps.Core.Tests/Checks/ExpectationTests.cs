using PgOps.Core.Checks;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Checks;

/// <summary>What must be there, by a file and by a manifest.</summary>
[Collection(PostgresTests.Name)]
public sealed class ExpectationTests : IDisposable
{
    private static readonly PgFindingKind[] Expected =
        [PgFindingKind.ExpectedTables, PgFindingKind.ExpectedColumns, PgFindingKind.ExpectedPolicies];

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public ExpectationTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_file_of_expectations_that_holds_passes_and_each_that_does_not_is_named()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a');
            CREATE TABLE customers (id int PRIMARY KEY, "E-Mail" varchar(80), price numeric(10, 2), at timestamptz,
                tags text[], m app.mood);
            CREATE TABLE app.orders (id bigint PRIMARY KEY);
            ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON app.orders USING (true);
            CREATE VIEW seen AS SELECT id FROM customers;
            """);
        var good = await TestAsync(target, """
            {   // comments are allowed
                "format": "pgops-expectations/1",
                "tables": {
                    "customers": { "columns": {
                        "ID": "integer", "\"E-Mail\"": "varchar(80)", "price": "numeric(10,2)", "at": "timestamptz",
                        "tags": "text[]", "m": "app.mood" } },
                    "app.orders": { "columns": ["id"], "policies": ["own"], "rowSecurity": true },
                    "seen": { "columns": { "id": null } },
                },
            }
            """);
        var bad = await TestAsync(target, """
            {
                "format": "pgops-expectations/1",
                "tables": {
                    "customers": { "columns": { "name": "text", "\"E-Mail\"": "varchar(60)",
                        "price": "numeric", "id": "bigint", "m": "mood", "at": "no such type" }, "rowSecurity": true },
                    "app.orders": { "policies": ["own", "\"Other\""], "rowSecurity": false },
                    "gone": { "columns": ["id"], "policies": ["x"] }
                }
            }
            """);

        Assert.True(good.Passed);
        Assert.Equal([PgCheckStatus.Passed, PgCheckStatus.Passed, PgCheckStatus.Passed], good.Checks.Select(check => check.Status));
        Assert.All(bad.Findings, finding => Assert.Equal(PgFindingSeverity.Error, finding.Severity));
        Assert.Equal(
        [
            "public.gone is missing",
            "public.customers.name is missing",
            "public.customers.\"E-Mail\" is of the type character varying(80), and varchar(60) was expected",
            "public.customers.id is of the type integer, and bigint was expected",
            "public.customers.m is of the type app.mood, and mood was expected, which is not a type here; "
                + "a type outside pg_catalog has its schema's name",
            "public.customers.at is of the type timestamp with time zone, and no such type was expected, which is not a type here",
            "public.customers has row-level security off: its policies do not count",
            "\"Other\" on app.orders is missing",
            "app.orders has row-level security on",
        ], bad.Findings.Select(finding => finding.ToString().Split(": syntax error")[0].Split(": invalid type")[0]));
    }

    [Theory]
    [InlineData("[]", "the file is not an object")]
    [InlineData("{ \"format\": \"x\", \"tables\": { \"a\": {} } }", "its format is not \"pgops-expectations/1\"")]
    [InlineData("{ \"format\": \"pgops-expectations/1\" }", "\"tables\" is missing, or no object")]
    [InlineData("{ \"format\": \"pgops-expectations/1\", \"tables\": {} }", "it expects nothing")]
    [InlineData(
        "{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a.b.c\": {} } }",
        "\"a.b.c\" is not schema.table or table, quoted as in SQL")]
    [InlineData("{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a\": {}, \"public.A\": {} } }", "public.a is there twice")]
    [InlineData(
        "{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a\": { \"polices\": [] } } }",
        "a: \"polices\" is unknown, or there twice; there are columns, policies, rowSecurity")]
    [InlineData(
        "{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a\": { \"columns\": [1] } } }",
        "a: \"columns\" is not a list of names, quoted as in SQL")]
    [InlineData(
        "{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a\": { \"columns\": { \"x\": 5 } } } }",
        "a: the column \"x\" is not a name, there twice, or its type is neither a text nor null")]
    [InlineData(
        "{ \"format\": \"pgops-expectations/1\", \"tables\": { \"a\": { \"rowSecurity\": 1 } } }",
        "a: \"rowSecurity\" is not true or false")]
    [InlineData("{", "it is not JSON: ")]
    public void A_slip_of_the_pen_is_named(string text, string problem)
    {
        var problems = new List<string>();
        _ = Expectations.Parse(text, problems);
        Assert.Contains(problems, one => one.StartsWith(problem, StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task What_a_manifest_names_must_be_there_and_what_came_later_is_no_fault()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE customers (id int PRIMARY KEY, name text, gone int); CREATE TABLE lost (id int PRIMARY KEY, x int);
            CREATE POLICY p ON lost USING (true); CREATE VIEW seen AS SELECT id FROM customers;
            CREATE TABLE orders (id int PRIMARY KEY); ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON orders USING (id > 1); CREATE POLICY other ON orders USING (id > 2);
            CREATE TABLE guarded (id int PRIMARY KEY); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
            """);
        var manifest = (await OddDatabase.BackUpAsync(target, _folder)).Manifest!;
        var before = await TestAsync(target, manifest);
        await SandboxServer.ExecuteAsync(target, """
            ALTER TABLE customers DROP gone, ALTER name TYPE varchar(9), ADD came int; DROP TABLE lost; DROP VIEW seen;
            CREATE TABLE new (id int);
            DROP POLICY own ON orders; ALTER POLICY other ON orders USING (id > 3); ALTER TABLE guarded DISABLE ROW LEVEL SECURITY
            """);

        var after = await TestAsync(target, manifest);
        var older = await TestAsync(target, manifest with { Objects = null });

        Assert.Empty(before.Findings);
        Assert.All(before.Checks, check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(
        [
            "Error public.lost is missing; the manifest has it",
            "Error public.seen is missing; the manifest has it",
            "Error public.customers.gone is missing; the manifest has it",
            "Warning public.customers.name is defined differently than in the manifest (expected: "
                + "text at 2 / found: character varying(9) at 2)",
            "Error own on public.orders is missing; the manifest has it",
            "Error public.guarded has row-level security off: its policies do not count",
            "Warning other on public.orders is defined differently than in the manifest "
                + "(expected: * TO PUBLIC USING (id > 2) / found: * TO PUBLIC USING (id > 3))",
        ], after.Findings.Select(finding => $"{finding.Severity} {finding}"));
        Assert.Equal("public.lost is missing", Assert.Single(older.Findings).ToString());
        Assert.Equal([PgCheckStatus.Failed, PgCheckStatus.Skipped, PgCheckStatus.Skipped], older.Checks.Select(check => check.Status));
    }

    private static Task<PgDatabaseTest> TestAsync(PgTarget target, PgBackupManifest manifest) => new TestDatabase().RunAsync(
        new() { Target = target, Manifest = manifest, Only = Expected }, new CollectingSink(), CancellationToken.None);

    private async Task<PgDatabaseTest> TestAsync(PgTarget target, string expectations)
    {
        var path = Path.Combine(_folder.Path, Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(path, expectations);
        return await new TestDatabase().RunAsync(
            new() { Target = target, Expectations = path, Only = Expected }, new CollectingSink(), CancellationToken.None);
    }
}
