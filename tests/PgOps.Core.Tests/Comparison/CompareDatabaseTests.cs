using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Comparison;

/// <summary>Row counts alone pass many a broken copy: each of these must be found, and the table named.</summary>
[Collection(RestoreTests.Name)]
public sealed class CompareDatabaseTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public CompareDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("UPDATE public.orders SET total = total + 0.01 WHERE id = 777", "public.orders", PgTableVerdict.ContentDiffers, "content")]
    [InlineData("DELETE FROM public.events WHERE what = 'event 300'", "public.events_2024", PgTableVerdict.RowsDiffer, "row-counts")]
    [InlineData(
        "INSERT INTO public.duplicates SELECT * FROM public.duplicates LIMIT 1",
        "public.duplicates",
        PgTableVerdict.RowsDiffer,
        "row-counts")]
    [InlineData(
        "UPDATE \"Odd \"\"schema\"\"\".\"Tablé, with = everything; -- 'quoted'\" SET \"select\" = NULL WHERE \"Column A\" = 1",
        "Odd \"schema\".Tablé, with = everything; -- 'quoted'", PgTableVerdict.ContentDiffers, "content")]
    [InlineData("DROP TABLE public.duplicates", "public.duplicates", PgTableVerdict.Missing, "tables")]
    [InlineData("CREATE TABLE public.newcomer ()", "public.newcomer", PgTableVerdict.Extra, "tables")]
    public async Task Names_the_table_that_differs(string change, string table, PgTableVerdict verdict, string check)
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        await SandboxServer.ExecuteAsync(source, change);

        var comparison = await CompareAsync(backup, source);

        Assert.False(comparison.Passed);
        var difference = Assert.Single(comparison.Differences);
        Assert.Equal(table, $"{difference.Schema}.{difference.Name}");
        Assert.Equal(verdict, difference.Verdict);
        var failed = comparison.Checks.Single(made => made.Name == check);
        Assert.Equal(PgCheckStatus.Failed, failed.Status);
        Assert.Contains(table, failed.Detail, StringComparison.Ordinal);
        Assert.Equal(backup.Path, comparison.Reference);
    }

    [PostgresFact]
    public async Task Compares_two_live_databases_and_finds_a_swapped_row()
    {
        var one = await OddDatabase.CreateAsync(_server);
        var other = await OddDatabase.CreateAsync(_server);
        var equal = await CompareAsync(one, other);
        Assert.True(equal.Passed, string.Join('\n', equal.Checks));
        Assert.Equal(
            ["tables", "row-counts", "content", "generated-columns", "materialized-views", "sequences", "migration-state",
                .. ObjectComparison.Groups, "properties"],
            equal.Checks.Select(check => check.Name));

        // The same number of rows, the same sum of values: only the content of whole rows tells.
        await SandboxServer.ExecuteAsync(other, "UPDATE public.events SET what = CASE what WHEN 'event 1' THEN 'event 2' ELSE 'event 1' "
            + "END WHERE what IN ('event 1', 'event 2')");
        var swapped = await CompareAsync(one, other);
        Assert.Equal("events_rest", Assert.Single(swapped.Differences).Name);
    }

    [PostgresFact]
    public async Task A_sequence_may_be_past_the_backups_position_and_not_behind_it()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        await SandboxServer.ExecuteAsync(source, "SELECT nextval('public.descending'), nextval('public.orders_id_seq')");
        Assert.True((await CompareAsync(backup, source)).Passed);

        await SandboxServer.ExecuteAsync(source, "SELECT setval('public.descending', 99)");
        var behind = await CompareAsync(backup, source);
        Assert.False(behind.Passed);
        var check = behind.Checks.Single(made => made.Status == PgCheckStatus.Failed);
        Assert.Equal("sequences", check.Name);
        Assert.Contains("public.descending", check.Detail, StringComparison.Ordinal);
        Assert.Contains("behind", check.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Says_what_was_not_compared_when_the_manifest_holds_no_hashes()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var backup = await OddDatabase.BackUpAsync(source, _folder, depth: PgFingerprintDepth.Counts);
        await SandboxServer.ExecuteAsync(source, "UPDATE public.orders SET total = 0");

        var comparison = await CompareAsync(backup, source);

        Assert.True(comparison.Passed);
        Assert.Equal(PgCheckStatus.Skipped, comparison.Checks.Single(check => check.Name == "content").Status);
        Assert.All(comparison.Tables, table => Assert.Equal(PgTableVerdict.CountsEqual, table.Verdict));
    }

    // A copy made with pg_dump -N and psql has neither the history nor the application's scratch schema.
    [PostgresFact]
    public async Task Leaves_schemas_out_with_all_that_is_in_them()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var copy = await OddDatabase.CreateAsync(_server);
        await SandboxServer.ExecuteAsync(
            source,
            """
            CREATE SCHEMA pgops;
            CREATE TABLE pgops.migration_history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version text, name text,
                state text, row_hash text);
            INSERT INTO pgops.migration_history (version, name, state, row_hash) VALUES ('001', 'a', 'applied', 'x');
            CREATE SCHEMA "Scratch. 1";
            CREATE TABLE "Scratch. 1".t (a int CHECK (a > 0));
            CREATE FUNCTION "Scratch. 1".f(x public.orders) RETURNS int LANGUAGE sql AS 'SELECT 1';
            COMMENT ON TABLE "Scratch. 1".t IS 'mine';
            COMMENT ON SCHEMA "Scratch. 1" IS 'mine';
            GRANT SELECT ON "Scratch. 1".t TO PUBLIC;
            ALTER DEFAULT PRIVILEGES IN SCHEMA "Scratch. 1" GRANT SELECT ON TABLES TO PUBLIC;
            CREATE POLICY p ON "Scratch. 1".t USING (true);
            """);
        Assert.False((await CompareAsync(source, copy)).Passed);
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        foreach (var comparison in new[] { await WithoutAsync(new() { ReferenceTarget = source, Difference = copy }), await WithoutAsync(
            new() { ReferenceBackup = backup, Difference = copy }) })
        {
            Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
            Assert.Empty(comparison.Objects);
            Assert.Equal(["Scratch. 1", "pgops"], comparison.ExcludedSchemas);
            Assert.Equal(
                ["tables", "row-counts", "content", "generated-columns", "materialized-views", "sequences", .. ObjectComparison.Groups,
                    "properties"],
                comparison.Checks.Select(check => check.Name));
            Assert.All(
                comparison.Checks.Where(check => check.Name is "tables" or "objects"),
                check => Assert.Contains(
                    "left out on request: schema Scratch. 1, schema pgops and the migration state",
                    check.Detail,
                    StringComparison.Ordinal));
            Assert.DoesNotContain(comparison.Tables, table => table.Schema is "pgops" or "Scratch. 1");
        }

        // What is not left out is compared as ever.
        await SandboxServer.ExecuteAsync(
            copy, "UPDATE public.orders SET total = total + 1 WHERE id = 1; CREATE VIEW public.scratch AS SELECT 1 AS one");
        var differing = await WithoutAsync(new() { ReferenceTarget = source, Difference = copy });
        Assert.Equal("orders", Assert.Single(differing.Differences).Name);
        Assert.Contains(differing.Objects, one => one.Name == "public.scratch");

        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => RunAsync(new() { ReferenceTarget = source, Difference = copy, ExcludedSchemas = ["pgops", "scratch*", "PGOPS"] }));
        Assert.Equal(PgErrorCode.SchemaNotFound, error.Code);
        Assert.Equal("Neither side has a schema scratch*, nor one PGOPS.", error.Problem);

        // Nothing compared is nothing equal.
        error = await Assert.ThrowsAsync<PgOpsException>(
            () => RunAsync(new() { ReferenceTarget = source, Difference = copy, ExcludedSchemas = ["*"] }));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.DoesNotContain("pg_catalog", error.Problem, StringComparison.Ordinal);

        Task<PgComparison> WithoutAsync(CompareDatabaseRequest request)
            => RunAsync(request with { ExcludedSchemas = ["pgop?", "Scratch*"] });
        Task<PgComparison> RunAsync(CompareDatabaseRequest request)
            => new CompareDatabase().RunAsync(request, _sink, CancellationToken.None);
    }

    [Theory]
    [InlineData("schema", "pgops", "pgops")]
    [InlineData("table", "\"A. \"\"b\"\"\".t", "A. \"b\"")]
    [InlineData("column", "pgops.t.\"x.y\"", "pgops")]
    [InlineData("function", "pgops.f(x public.t, y \"a.b\".u)", "pgops")]
    [InlineData("constraint", "\"c. on x\" on pgops.t", "pgops")]
    [InlineData("trigger", "t on \"a b\".t", "a b")]
    [InlineData("owner", "materialized view pgops.v", "pgops")]
    [InlineData("owner", "schema \"S.1\"", "S.1")]
    [InlineData("owner", "event trigger \"a.b\"", null)]
    [InlineData("grants", "column pgops.t.a", "pgops")]
    [InlineData("grants", "foreign server \"a.b\"", null)]
    [InlineData("default privileges", "first.last tables in pgops", "pgops")]
    [InlineData("default privileges", "first.last tables", null)]
    [InlineData("comment", "table column pgops.t.a", "pgops")]
    [InlineData("comment", "operator class pgops.o USING btree", "pgops")]
    [InlineData("comment", "schema pgops", "pgops")]
    [InlineData("comment", "cast (pgops.a AS public.b)", null)]
    [InlineData("comment", "policy p on pgops.t", "pgops")]
    [InlineData("operator", "pgops.+(integer,integer)", "pgops")]
    [InlineData("text search configuration", "pgops.english", "pgops")]
    [InlineData("extension", "\"uuid.ossp\"", null)]
    [InlineData("user mapping", "files for first.last", null)]
    [InlineData("publication", "\"a.b\"", null)]
    public void An_objects_name_tells_its_schema(string kind, string name, string? schema)
        => Assert.Equal(schema, new ObjectName(kind, name).Schema);

    [PostgresFact]
    public async Task Wants_exactly_one_reference()
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => new CompareDatabase().RunAsync(new() { Difference = _server.Target }, _sink, CancellationToken.None));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
    }

    private Task<PgComparison> CompareAsync(PgBackup reference, PgTarget difference)
        => new CompareDatabase().RunAsync(new() { ReferenceBackup = reference, Difference = difference }, _sink, CancellationToken.None);

    private Task<PgComparison> CompareAsync(PgTarget reference, PgTarget difference)
        => new CompareDatabase().RunAsync(new() { ReferenceTarget = reference, Difference = difference }, _sink, CancellationToken.None);
}
