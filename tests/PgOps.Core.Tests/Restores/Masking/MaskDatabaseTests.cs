using System.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores.Masking;

[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class MaskDatabaseTests : IDisposable
{
    /// <summary>In every original value that a rule masks.</summary>
    private const string Original = "orig7f3a";

    private const string Schema = """
        CREATE EXTENSION IF NOT EXISTS plpgsql;
        CREATE TABLE customers (
            id bigint PRIMARY KEY, email varchar(60) NOT NULL UNIQUE, name text NOT NULL, phone varchar(20), note text,
            tier text, born text,
            code uuid, raw bytea, city text, lower_email text GENERATED ALWAYS AS (lower(email)) STORED, touched int NOT NULL DEFAULT 0);
        INSERT INTO customers (id, email, name, phone, note, tier, born, code, raw, city)
            SELECT g, 'orig7f3a-' || g || '@corp.test', 'Orig7f3a Person ' || g, '+49 orig7f3a ' || g,
                   CASE WHEN g % 10 = 0 THEN (SELECT string_agg('orig7f3a' || md5((g * i)::text), ' ') FROM generate_series(1, 200) i)
                        ELSE 'orig7f3a' || g END,
                   'orig7f3a tier', 'orig7f3a-' || g, md5(g::text)::uuid, convert_to('orig7f3a' || g, 'UTF8'), 'city ' || g % 5
            FROM generate_series(1, 2000) g;
        INSERT INTO customers (id, email, name) VALUES (0, 'orig7f3a-null@corp.test', '');
        CREATE TABLE orders (
            id bigint PRIMARY KEY, customer_email varchar(50), at date NOT NULL,
            CONSTRAINT of_customer FOREIGN KEY (customer_email) REFERENCES customers (email));
        COMMENT ON CONSTRAINT of_customer ON orders IS 'who';
        INSERT INTO orders SELECT g, 'orig7f3a-' || 1 + g % 2000 || '@corp.test', date '2024-01-01' + g % 300
            FROM generate_series(1, 3000) g;
        CREATE INDEX ON customers (lower(name));
        CREATE INDEX ON customers USING gin (to_tsvector('simple', note));
        CREATE STATISTICS both_ways (mcv) ON name, tier FROM customers;
        CREATE TABLE visits (at date NOT NULL, who text, agent text) PARTITION BY RANGE (at);
        CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
        INSERT INTO visits SELECT date '2024-06-01' + g, 'orig7f3a' || g, 'browser' FROM generate_series(1, 500) g;
        CREATE MATERIALIZED VIEW seen AS SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_email = c.email GROUP BY 1;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$;
        CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
        CREATE TRIGGER touch_always BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
        ALTER TABLE customers ENABLE ALWAYS TRIGGER touch_always;
        """;

    private const string Rules = """
        "customers.email": "email", "customers.name": "name", "customers.phone": "phone", "customers.note": "null",
        "customers.tier": { "rule": "fixed", "value": "it's basic" }, "customers.born": { "rule": "expression", "sql": "md5(born) || id" },
        "customers.code": "hash", "customers.raw": "hash", "customers.city": "shuffle", "visits.who": "hash"
        """;

    private static readonly PgSecret Seed = new("a seed that nobody guesses");

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public MaskDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task No_original_value_is_left_in_the_files_of_the_copy_nor_in_its_dump()
    {
        var backup = await BackUpAsync();

        var restore = await RestoreAsync(backup, "masked copy", Rules);

        await SandboxServer.ExecuteAsync(restore.Target, "CHECKPOINT");
        var folder = (string)(await ValueAsync(
            restore.Target,
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()"))!;
        Assert.NotEmpty(Directory.GetFiles(folder));
        Assert.DoesNotContain(Directory.GetFiles(folder), file => Holds(file, Original));
        Assert.DoesNotContain(Directory.GetFiles(folder), file => Holds(file, "Orig7f3a"));
        var dump = await DumpAsync(restore.Target);
        Assert.Contains("@example.invalid", dump, StringComparison.Ordinal);
        Assert.DoesNotContain(Original, dump, StringComparison.OrdinalIgnoreCase);

        Assert.Equal(11, restore.Masked.Count);
        Assert.Equal("public.customers.email", restore.Masked.Single(column => column.Column == "customer_email").Follows);
        Assert.Equal(
            [2000, 2001],
            restore.Masked.Where(column => column.KeptValues > 0).Select(column => (int)column.KeptValues).Append(2001).Distinct());
        Assert.All(
            restore.Checks.Where(check => check.Name is "content" or "masked" or "mask-traces" or "personal-data"),
            check => Assert.Equal(PgCheckStatus.Passed, check.Status));
        Assert.Equal(
            ["content", "masked", "statistics", "mask-traces", "personal-data"],
            restore.Checks.Select(check => check.Name)
                .Where(name => name is "content" or "statistics" or "personal-data" || name.StartsWith("mask", StringComparison.Ordinal)));
    }

    [PostgresFact]
    public async Task Keys_constraints_and_triggers_are_as_they_were_and_a_seed_gives_the_same_masks()
    {
        var backup = await BackUpAsync();

        var copy = (await RestoreAsync(backup, "masked one", Rules)).Target;
        var again = (await RestoreAsync(backup, "masked two", Rules)).Target;
        var other = (await RestoreAsync(backup, "masked three", Rules, seed: null)).Target;

        Assert.True((await CompareAsync(copy, again)).Passed);
        Assert.False((await CompareAsync(copy, other)).Passed);
        Assert.Equal(3000L, await ValueAsync(copy, "SELECT count(*) FROM orders JOIN customers ON customer_email = email"));
        Assert.Equal(true, await ValueAsync(copy, "SELECT convalidated FROM pg_constraint WHERE conname = 'of_customer'"));
        Assert.Equal(
            "who", await ValueAsync(copy, "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'of_customer'"));
        Assert.Equal(0L, await ValueAsync(copy, "SELECT sum(touched) FROM customers"));
        Assert.Equal(
            "A,O",
            await ValueAsync(copy, "SELECT string_agg(tgenabled::text, ',' ORDER BY tgenabled) FROM pg_trigger WHERE NOT tgisinternal"));
        Assert.Equal(2000L, await ValueAsync(
            copy, "SELECT count(DISTINCT email) FROM customers WHERE email ~ '^u[0-9a-f]{20}@example.invalid$' AND id > 0"));
        Assert.Equal("", await ValueAsync(copy, "SELECT name || coalesce(phone, '') FROM customers WHERE id = 0"));
        Assert.Equal(
            400L, await ValueAsync(copy, "SELECT min(n) FROM (SELECT count(*) n FROM customers WHERE city IS NOT NULL GROUP BY city) s"));
        Assert.Equal(true, await ValueAsync(copy, "SELECT count(*) > 1000 FROM customers WHERE city IS DISTINCT FROM 'city ' || id % 5"));
        Assert.Equal(2001L, await ValueAsync(
            copy, "SELECT count(*) FROM customers WHERE tier = 'it''s basic' AND note IS NULL AND lower_email = lower(email)"));
        Assert.Equal(true, await ValueAsync(copy, "SELECT count(*) > 1000 FROM seen JOIN customers USING (name)"));
        Assert.Equal(500L, await ValueAsync(copy, "SELECT count(DISTINCT who) FROM visits WHERE who ~ '^[0-9a-f]{32}$'"));
    }

    [PostgresFact]
    public async Task Everything_that_does_not_fit_is_named_at_once_and_nothing_is_left()
    {
        var backup = await BackUpAsync("CREATE VIEW shown AS SELECT * FROM customers");

        var error = await FailAsync(backup, """
            "nowhere.x": "null", "customers.nothing": "null", "shown.name": "name", "visits_2024.who": "hash",
            "customers.lower_email": "hash",
            "customers.touched": "email", "customers.name": "null",
            "customers.city": { "rule": "expression", "sql": "no_such_function(city)" },
            "customers.code": { "rule": "fixed", "value": "no uuid" }, "orders.customer_email": "email", "customers.id": "shuffle",
            "customers.born": "phone"
            """);

        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        var lines = error.Message.Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal)).ToList();
        foreach (var part in new[]
        {
            "public.nowhere.x: there is no such table", "public.customers.nothing: the table has no such column; it has id, email",
            "shown.name: it is not a table",
            "visits_2024.who: it comes from its parent", "lower_email: it is computed", "touched: email needs a text",
            "name: the column is NOT NULL",
            "city: expression: 42883", "code: fixed: 22P02", "public.orders.customer_email refers to public.customers.email",
            "id: the column is in a unique index",
        })
        {
            Assert.Contains(lines, line => line.Contains(part, StringComparison.Ordinal));
        }

        Assert.Equal(11, lines.Count);
        Assert.Equal(0L, await ValueAsync(
            _server.Target, "SELECT count(*) FROM pg_database WHERE datname ~ '_pgops_[0-9a-f]{8}$' OR datname = 'not masked'"));
    }

    [PostgresFact]
    public async Task A_mask_that_breaks_a_constraint_or_leaves_an_original_fails_without_quoting_a_value()
    {
        var backup = await BackUpAsync("ALTER TABLE customers ADD CHECK (tier IS NULL OR tier LIKE 'orig%')");

        var error = await FailAsync(backup, """ "customers.tier": { "rule": "fixed", "value": "basic" } """);
        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        Assert.Contains("23514", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Original, error.ToString(), StringComparison.OrdinalIgnoreCase);

        error = await FailAsync(backup, """ "customers.born": { "rule": "expression", "sql": "(born::int)::text" } """);
        Assert.DoesNotContain(Original, error.ToString(), StringComparison.OrdinalIgnoreCase);

        error = await FailAsync(backup, """ "orders.customer_email": { "rule": "fixed", "value": "nobody" } """);
        Assert.Contains("of_customer", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Original, error.ToString(), StringComparison.OrdinalIgnoreCase);

        var left = await RestoreAsync(
            backup, "left", """ "customers.born": { "rule": "expression", "sql": "CASE WHEN id > 5 THEN md5(born) ELSE born END" } """);
        Assert.Equal(5, left.Masked.Single().KeptValues);
        Assert.Equal(PgCheckStatus.Failed, left.Checks.Single(check => check.Name == "masked").Status);
    }

    [PostgresFact]
    public async Task Names_what_looks_like_personal_data_and_strict_refuses_it()
    {
        var backup = await BackUpAsync("""
            CREATE TABLE products (name text, maker jsonb, stock int, "Geburtsdatum" date);
            INSERT INTO products SELECT 'thing ' || g, jsonb_build_object('by', 'maker' || g || '@firm.test')
                FROM generate_series(1, 20000) g;
            """);
        const string rules = """ "customers.email": "email", "customers.phone": "keep" """;

        var open = (await RestoreAsync(backup, "open", rules)).Checks.Single(check => check.Name == "personal-data");

        Assert.Equal(PgCheckStatus.Failed, open.Status);
        Assert.Contains("public.products.maker (e-mail addresses in it)", open.Detail, StringComparison.Ordinal);
        Assert.Contains("public.products.\"Geburtsdatum\" (by its name)", open.Detail, StringComparison.Ordinal);
        Assert.Contains("public.customers.name (by its name)", open.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("customers.phone", open.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("products.name", open.Detail, StringComparison.Ordinal);

        var error = await FailAsync(backup, rules, strict: true);
        Assert.Equal(PgErrorCode.CheckFailed, error.Code);
    }

    [PostgresFact]
    public async Task A_masked_copy_says_so_and_its_backup_proves_nothing()
    {
        var backup = await BackUpAsync();
        var copy = (await RestoreAsync(backup, "marked", Rules)).Target;

        var second = await OddDatabase.BackUpAsync(copy, _folder);
        Assert.Contains(second.Warnings, warning => warning.Contains("masked copy", StringComparison.Ordinal));
        Assert.NotNull(second.Manifest!.Facts.Masked);
        var drill = await new TestRestore().RunAsync(new() { Backup = second, Server = _server.Target }, _sink, CancellationToken.None);
        Assert.True(drill.Passed, drill.Failure);
        Assert.False(drill.Proven);

        var third = (await new RestoreDatabase().RunAsync(
            new() { Backup = second, Target = _server.Target, Database = "marked twice" }, _sink, CancellationToken.None)).Target;
        Assert.StartsWith(
            "pgops.masked: ",
            (string?)await ValueAsync(
                third, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"),
            StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_role_that_is_no_superuser_masks_what_it_owns()
    {
        var backup = await BackUpAsync();
        await SandboxServer.ExecuteAsync(_server.Target, "CREATE ROLE masker LOGIN CREATEDB PASSWORD 'its own secret'");
        var masker = (_server.Target with { Username = "masker" }).WithPassword(new PgSecret("its own secret"));

        var restore = await new RestoreDatabase().RunAsync(
            Request(backup, "of the masker", Rules, Seed) with { Target = masker, NoOwner = true, NoPrivileges = true }, _sink,
            CancellationToken.None);

        Assert.Equal(PgCheckStatus.Passed, restore.Checks.Single(check => check.Name == "mask-traces").Status);
        Assert.Equal(0L, await ValueAsync(restore.Target, "SELECT sum(touched) FROM customers"));
        Assert.Equal("A,O", await ValueAsync(
            restore.Target, "SELECT string_agg(tgenabled::text, ',' ORDER BY tgenabled) FROM pg_trigger WHERE NOT tgisinternal"));
        Assert.DoesNotContain(Original, await DumpAsync(restore.Target), StringComparison.OrdinalIgnoreCase);
    }

    [PostgresFact]
    public async Task The_plan_names_every_rule_and_a_seed_that_can_be_guessed_is_refused()
    {
        var backup = await BackUpAsync();
        var request = Request(backup, "planned", Rules, Seed);

        var plan = await new RestoreDatabase().PreviewAsync(request, _sink, CancellationToken.None);
        Assert.Contains("public.customers.email by email (2,001 rows)", plan, StringComparison.Ordinal);
        Assert.Contains("public.visits.who by hash", plan, StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => new RestoreDatabase().PreviewAsync(request with { MaskSeed = new PgSecret("short") }, _sink, CancellationToken.None));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        error = await Assert.ThrowsAsync<PgOpsException>(
            () => new RestoreDatabase().PreviewAsync(request with { Mask = "/nowhere/rules.json" }, _sink, CancellationToken.None));
        Assert.Equal(PgErrorCode.PathNotFound, error.Code);
    }

    private async Task<PgBackup> BackUpAsync(string extra = "SELECT 1")
    {
        var source = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(source, Schema);
        await SandboxServer.ExecuteAsync(source, extra);
        return await OddDatabase.BackUpAsync(source, _folder);
    }

    private RestoreDatabaseRequest Request(PgBackup backup, string database, string rules, PgSecret? seed)
    {
        var path = Path.Combine(_folder.Path, Guid.NewGuid().ToString("N") + ".json");
        File.WriteAllText(path, $$"""{ "format": "pgops-mask/1", "columns": { {{rules}} } }""");
        return new RestoreDatabaseRequest
        {
            Backup = backup,
            Target = _server.Target,
            Database = database,
            Jobs = 2,
            Mask = path,
            MaskSeed = seed,
        };
    }

    private Task<PgRestore> RestoreAsync(PgBackup backup, string database, string rules)
        => RestoreAsync(backup, database, rules, Seed);

    private Task<PgRestore> RestoreAsync(PgBackup backup, string database, string rules, PgSecret? seed)
        => new RestoreDatabase().RunAsync(Request(backup, database, rules, seed), _sink, CancellationToken.None);

    private Task<PgOpsException> FailAsync(PgBackup backup, string rules, bool strict = false)
        => Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
            Request(backup, "not masked", rules, Seed) with { Strict = strict }, _sink, CancellationToken.None));

    private Task<PgComparison> CompareAsync(PgTarget reference, PgTarget difference)
        => new CompareDatabase().RunAsync(new() { ReferenceTarget = reference, Difference = difference }, _sink, CancellationToken.None);

    private static Task<object?> ValueAsync(PgTarget target, string sql) => SandboxServer.ExecuteAsync(target, sql);

    private static async Task<string> DumpAsync(PgTarget target)
    {
        using var output = new MemoryStream();
        var command = new ToolCommand(PostgresBinaries.Client("pg_dump").Path) { Target = target, Output = output };
        (await ToolProcess.RunAsync(command, CancellationToken.None)).EnsureSuccess();
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static bool Holds(string file, string text) => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
}
