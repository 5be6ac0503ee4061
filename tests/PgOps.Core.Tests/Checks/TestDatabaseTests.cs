using PgOps.Core.Checks;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Checks;

/// <summary>Each kind is made for real and found; the same database without it is not reported.</summary>
[Collection(PostgresTests.Name)]
public sealed class TestDatabaseTests
{
    // Every kind has something to look at here, and nothing to find.
    private const string Sound = """
        CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, n int CHECK (n > 0));
        CREATE TABLE orders (id int PRIMARY KEY, customer bigint REFERENCES customers, at date);
        CREATE INDEX orders_customer ON orders (customer); CREATE INDEX orders_customer_desc ON orders (customer DESC);
        CREATE INDEX orders_some ON orders (customer) WHERE at > '2020-01-01'; CREATE INDEX orders_both ON orders (customer, at);
        CREATE INDEX orders_hash ON orders USING hash (customer);
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON orders USING (id > 1);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION f();
        CREATE TABLE parted (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10); CREATE INDEX parted_t ON parted (t);
        CREATE SEQUENCE turning MAXVALUE 10 CYCLE; SELECT setval('turning', 10);
        CREATE UNLOGGED TABLE cache (id int PRIMARY KEY);
        CREATE COLLATION german (provider = icu, locale = 'de'); CREATE TABLE words (w text COLLATE german PRIMARY KEY);
        """;

    private readonly SandboxServer _server;

    public TestDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    [PostgresFact]
    public async Task A_sound_database_passes_and_says_what_it_could_not_see()
    {
        var test = await TestAsync(await BackupTestDatabase.CreateAsync(_server, Sound), request => request);

        Assert.Empty(test.Findings);
        Assert.True(test.Passed);
        var skipped = Assert.Single(test.Checks, check => check.Status != PgCheckStatus.Passed);
        Assert.Equal("unused-indexes: Skipped", $"{skipped.Name}: {skipped.Status}");
        Assert.Contains("reads are counted for", skipped.Detail, StringComparison.Ordinal);
        Assert.Equal([PgFindingKind.ExpectedTables, PgFindingKind.ExpectedColumns, PgFindingKind.ExpectedPolicies], test.LeftOut);
        Assert.Equal(10, test.Checks.Count);
    }

    // The command that a finding names is one that the server takes, and settles it.
    [PostgresFact]
    public async Task A_table_whose_unique_index_serves_replication_needs_no_primary_key_and_a_template_of_pg_partman_neither()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, $"{Sound};\n" + """
            CREATE TABLE kept (a int NOT NULL, "B" int NOT NULL); CREATE UNIQUE INDEX "U" ON kept (a, "B");
            CREATE TABLE whole (a int NOT NULL UNIQUE); ALTER TABLE whole REPLICA IDENTITY FULL;
            """);
        var finding = Assert.Single((await TestAsync(target, request => request)).Findings);
        await SandboxServer.ExecuteAsync(target, finding.NextStep.TrimEnd('.'));
        Assert.Empty((await TestAsync(target, request => request)).Findings);

        if (await SandboxServer.ExecuteAsync(target, "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_partman'") is not null)
        {
            await SandboxServer.ExecuteAsync(target, """
                CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;
                CREATE TABLE events (at timestamptz NOT NULL PRIMARY KEY) PARTITION BY RANGE (at);
                SELECT partman.create_parent('public.events', 'at', 'native', 'daily');
                """);
            Assert.Empty((await TestAsync(target, request => request with { Only = [PgFindingKind.PrimaryKeys] })).Findings);
        }
    }

    [PostgresTheory]
    [InlineData(
        PgFindingKind.RowSecurity,
        true,
        "DROP POLICY own ON orders",
        "public.orders has row-level security and no policy: everybody but its owner")]
    [InlineData(
        PgFindingKind.RowSecurity,
        true,
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "public.orders has a policy, but row-level security is off")]
    [InlineData(
        PgFindingKind.InvalidIndexes,
        true,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_both'::regclass",
        "public.orders_both is INVALID: queries of public.orders do not use it")]
    [InlineData(
        PgFindingKind.InvalidIndexes,
        false,
        "CREATE INDEX waiting ON ONLY parted (id, t)",
        "public.waiting is INVALID: some partitions of public.parted have no such index")]
    [InlineData(
        PgFindingKind.CollationVersion,
        true,
        "UPDATE pg_collation SET collversion = '1' WHERE collname = 'german'",
        "collation public.german was made with version 1 of its collation")]
    [InlineData(
        PgFindingKind.Sequences,
        true,
        "CREATE TABLE tight (id smallserial PRIMARY KEY); SELECT setval('tight_id_seq', 32000)",
        "public.tight_id_seq has used 97.6 % of its numbers: it stands at 32,000 of 32,767, the limit of public.tight.id (smallint)")]
    [InlineData(
        PgFindingKind.Sequences,
        false,
        "CREATE TABLE tight (id int PRIMARY KEY); CREATE SEQUENCE wide; ALTER TABLE tight ALTER id SET DEFAULT nextval('wide'); SELECT "
            + "setval('wide', 1800000000)",
        "public.wide has used 83.8 % of its numbers: it stands at 1,800,000,000 of 2,147,483,647, the limit of public.tight.id (integer)")]
    [InlineData(
        PgFindingKind.Sequences,
        true,
        "CREATE SEQUENCE falling INCREMENT -1 MINVALUE -100; SELECT setval('falling', -95)",
        "public.falling has used 94.9 % of its numbers: it stands at -95 of -100")]
    [InlineData(
        PgFindingKind.DisabledTriggers, false, "ALTER TABLE customers DISABLE TRIGGER touch", "touch on public.customers is disabled")]
    [InlineData(
        PgFindingKind.DisabledTriggers,
        true,
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "orders_customer_fkey on public.orders is not enforced: its triggers on public.orders are disabled")]
    [InlineData(
        PgFindingKind.UnvalidatedConstraints,
        false,
        "ALTER TABLE customers ADD CONSTRAINT later CHECK (n < 9) NOT VALID",
        "later on public.customers is NOT VALID")]
    [InlineData(
        PgFindingKind.UnvalidatedConstraints,
        false,
        "CREATE DOMAIN few AS int; ALTER DOMAIN few ADD CONSTRAINT later CHECK (VALUE < 9) NOT VALID",
        "later on public.few is NOT VALID")]
    [InlineData(
        PgFindingKind.PrimaryKeys,
        false,
        "CREATE TABLE t (a int NOT NULL, \"B\" int NOT NULL); CREATE UNIQUE INDEX u ON t (a, \"B\")",
        "public.t has no primary key: its rows are told apart by the unique index u, but logical replication of UPDATE and DELETE fails")]
    [InlineData(PgFindingKind.PrimaryKeys, false, "CREATE TABLE t (a int UNIQUE)",
        "public.t has no primary key: its rows cannot be told apart, and logical replication of UPDATE and DELETE fails")]
    [InlineData(PgFindingKind.PrimaryKeys, false, "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX u ON t (a) WHERE a > 0",
        "public.t has no primary key: its rows cannot be told apart")]
    [InlineData(PgFindingKind.PrimaryKeys, false, "CREATE TABLE t (a int NOT NULL, UNIQUE (a) DEFERRABLE)",
        "public.t has no primary key: its rows cannot be told apart")]
    [InlineData(PgFindingKind.PrimaryKeys, false, "CREATE TABLE \"No key\" (a int)", "public.\"No key\" has no primary key")]
    [InlineData(
        PgFindingKind.DuplicateIndexes,
        false,
        "CREATE INDEX again ON orders (customer)",
        "public.again does what public.orders_customer does, too")]
    [InlineData(
        PgFindingKind.DuplicateIndexes,
        false,
        "CREATE INDEX again ON customers (name)",
        "public.again does what public.customers_name_key does, too")]
    public async Task What_is_wrong_is_found(PgFindingKind kind, bool error, string change, string found)
    {
        var target = await BackupTestDatabase.CreateAsync(_server, $"{Sound};\n{change}");

        var test = await TestAsync(target, request => request);

        var finding = Assert.Single(test.Findings);
        Assert.Equal(kind, finding.Kind);
        Assert.StartsWith(found, finding.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(finding.NextStep);
        Assert.Equal(error ? PgFindingSeverity.Error : PgFindingSeverity.Warning, finding.Severity);
        Assert.Equal(!error, test.Passed);
        var check = Assert.Single(test.Checks, check => check.Name == TestDatabase.NameOf(kind));
        Assert.Equal(error ? PgCheckStatus.Failed : PgCheckStatus.Passed, check.Status);
        Assert.Contains(found, check.Detail, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task An_unused_index_is_found_once_it_was_counted_for_long_enough_and_a_used_one_is_not()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, Sound + """
            CREATE TABLE used (id int PRIMARY KEY, a int, b int UNIQUE); CREATE INDEX used_a ON used (a);
            INSERT INTO used SELECT g, g, g FROM generate_series(1, 500) g; INSERT INTO parted VALUES (1, 'x'); ANALYZE;
            SET enable_seqscan = off; SELECT count(*) FROM used WHERE a = 3;
            """);

        var test = await TestAsync(target, request => request with
        {
            Only = [PgFindingKind.UnusedIndexes],
            Thresholds = new() { UnusedIndexAge = TimeSpan.Zero, UnusedIndexSize = 1 },
        });

        // Neither keys nor unique indexes, and of a partitioned index no part.
        Assert.All(test.Findings, finding => Assert.Equal(PgFindingSeverity.Warning, finding.Severity));
        var names = test.Findings.Select(finding => finding.Object).ToList();
        Assert.Contains("public.orders_customer_desc", names);
        Assert.Contains("public.parted_t", names);
        Assert.DoesNotContain(names, name => name.StartsWith("public.used", StringComparison.Ordinal)
            || name.StartsWith("public.parted_1", StringComparison.Ordinal));
        Assert.Equal(PgCheckStatus.Passed, Assert.Single(test.Checks).Status);
    }

    [PostgresFact]
    public async Task Transaction_ids_that_run_out_are_found()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        var before = (string)(await SandboxServer.ExecuteAsync(
            target, "SELECT datfrozenxid::text FROM pg_database WHERE datname = current_database()"))!;
        try
        {
            await AgeAsync("((4294967296 - 1200000000 + txid_current())::text)");
            var warned = await TestAsync(target, request => request);
            await AgeAsync("((4294967296 - 1700000000 + txid_current())::text)");
            var failed = await TestAsync(target, request => request with { Only = [PgFindingKind.Wraparound] });

            var warning = Assert.Single(warned.Findings, finding => finding.Kind == PgFindingKind.Wraparound);
            Assert.StartsWith(
                $"database {target.Database} has used 55.8 % of its transaction ids (age 1,200,000,0",
                warning.ToString(),
                StringComparison.Ordinal);
            Assert.True(warned.Passed);
            Assert.Equal(PgFindingSeverity.Error, Assert.Single(failed.Findings).Severity);
            Assert.False(failed.Passed);
        }
        finally
        {
            await AgeAsync($"'{before}'");
        }

        Task<object?> AgeAsync(string id) => SandboxServer.ExecuteAsync(
            target, $"UPDATE pg_database SET datfrozenxid = {id}::xid WHERE datname = current_database()");
    }

    [LinuxPostgresFact]
    public async Task A_standby_is_tested_but_for_what_only_the_primary_counts()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, Sound);
        using var standby = await Standby.StartAsync(_server);

        var test = await TestAsync(standby.Target.WithDatabase(target.Database), request => request);

        Assert.Empty(test.Findings);
        Assert.True(test.Passed, string.Join('\n', test.Checks));
        Assert.Equal(
            "unused-indexes: Skipped: a standby counts its own reads alone: test the primary",
            Assert.Single(test.Checks, check => check.Status != PgCheckStatus.Passed).ToString());
    }

    [PostgresFact]
    public async Task The_databases_own_collation_version_counts_where_an_index_uses_it()
    {
        var name = "collated_" + Guid.NewGuid().ToString("N");
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'");
        await SandboxServer.ExecuteAsync(_server.Target, $"UPDATE pg_database SET datcollversion = '1' WHERE datname = '{name}'");
        var target = _server.Target.WithDatabase(name);

        var before = await TestAsync(target, request => request);
        await SandboxServer.ExecuteAsync(target, "CREATE TABLE t (a text PRIMARY KEY)");
        var after = await TestAsync(target, request => request);

        Assert.Equal(PgFindingSeverity.Warning, Assert.Single(before.Findings).Severity);
        var finding = Assert.Single(after.Findings);
        Assert.Equal(PgFindingSeverity.Error, finding.Severity);
        Assert.Equal($"REINDEX DATABASE CONCURRENTLY {name}; then ALTER DATABASE {name} REFRESH COLLATION VERSION.", finding.NextStep);
    }

    [PostgresFact]
    public async Task Kinds_can_be_chosen_and_weighed()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY");

        var strict =
            await TestAsync(target, request => request with { Only = [PgFindingKind.PrimaryKeys], AsError = [PgFindingKind.PrimaryKeys] });
        var lenient = await TestAsync(
            target, request => request with { Skip = [PgFindingKind.UnusedIndexes], AsWarning = [PgFindingKind.RowSecurity] });

        Assert.Equal("primary-keys", Assert.Single(strict.Checks).Name);
        Assert.False(strict.Passed);
        Assert.Equal(12, strict.LeftOut.Count);
        Assert.True(lenient.Passed);
        Assert.Equal(2, lenient.Warnings);
        Assert.Contains(PgFindingKind.UnusedIndexes, lenient.LeftOut);
    }

    [PostgresFact]
    public async Task What_the_role_may_not_see_is_skipped_and_never_passed()
    {
        var target = await BackupTestDatabase.CreateAsync(
            _server, "CREATE SCHEMA closed; CREATE SEQUENCE closed.s; CREATE ROLE looker LOGIN PASSWORD 'x'");
        var looker = (target with { Username = "looker" }).WithPassword(new PgSecret("x"));

        var test = await TestAsync(looker, request => request with { Only = [PgFindingKind.Sequences] });

        var check = Assert.Single(test.Checks);
        Assert.Equal("sequences: Skipped: the role may not read closed.s", check.ToString());
        Assert.False(test.Passed);
    }

    [PostgresFact]
    public async Task The_session_is_read_only_and_leaves_nothing()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, Sound);
        var before = await SandboxServer.ExecuteAsync(target, "SELECT txid_current()::text");

        await TestAsync(target, request => request);

        var after = await SandboxServer.ExecuteAsync(target, "SELECT txid_current()::text");
        Assert.Equal(
            long.Parse((string)before!, System.Globalization.CultureInfo.InvariantCulture) + 1,
            long.Parse((string)after!, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_request_that_asks_for_nothing_is_refused()
    {
        var target = new PgTarget();
        foreach (var request in (TestDatabaseRequest[])[
            new() { Target = target, Only = [PgFindingKind.ExpectedTables] },
            new() { Target = target, Only = [PgFindingKind.Sequences], Skip = [PgFindingKind.Sequences] },
            new() { Target = target, AsError = [PgFindingKind.Sequences], AsWarning = [PgFindingKind.Sequences] }])
        {
            var error = await Assert.ThrowsAsync<PgOpsException>(
                () => new TestDatabase().RunAsync(request, new CollectingSink(), CancellationToken.None));
            Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        }
    }

    private static Task<PgDatabaseTest> TestAsync(PgTarget target, Func<TestDatabaseRequest, TestDatabaseRequest> request)
        => new TestDatabase().RunAsync(request(new TestDatabaseRequest { Target = target }), new CollectingSink(), CancellationToken.None);
}
