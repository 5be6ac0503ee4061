using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Prisma 8's operations: read, listed and planned, in the order of their contracts, and not applied.</summary>
[Collection(AdoptionTests.Name)]
public sealed class PrismaOperationTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public PrismaOperationTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task They_are_listed_and_planned_and_refused_when_they_are_to_be_applied()
    {
        // Two of one minute: what the contracts say, not the names, gives the order.
        Write("20260713T0837_init", null, "one", "CREATE TABLE \\\"user\\\" (id int)", "additive");
        Write("20260714T0900_zzz", "one", "two", "ALTER TABLE \\\"user\\\" ADD c text", "additive");
        Write("20260714T0900_aaa", "two", "three", "ALTER TABLE \\\"user\\\" DROP COLUMN c", "destructive");
        _workspace.Write("refs/db.json", "{}");

        Assert.Equal(
            ["202607130837_init", "202607140900_zzz", "202607140900.1_aaa"], (await _workspace.StatusAsync()).Select(it => it.ToString()));
        Assert.All(await _workspace.StatusAsync(), it => Assert.Contains("which PgOps does not apply", it.Remark,
            StringComparison.Ordinal));

        var plan = await new PreviewMigrations().RunAsync(_workspace.Request, _workspace.Sink, CancellationToken.None);
        Assert.Contains("Leave 202607140900.1_aaa (1 destructive) to Prisma", plan[2].Description, StringComparison.Ordinal);
        Assert.Contains("ALTER TABLE \"user\" DROP COLUMN c", plan[2].Description, StringComparison.Ordinal);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);
        Assert.Contains("operations of Prisma 8 (1 additive), which PgOps reads but does not apply", error.Problem,
            StringComparison.Ordinal);
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('pgops.migration_history')::text"));
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_that_Prisma_8_signed_is_not_baselined_over(bool emptyLedger)
    {
        _workspace.Write("1_a.sql", "CREATE TABLE a (i int);");
        await _workspace.ExecuteAsync("""
            CREATE TABLE users (i int);
            CREATE SCHEMA prisma_contract;
            CREATE TABLE prisma_contract.marker (space text PRIMARY KEY DEFAULT 'app', core_hash text NOT NULL, profile_hash text NOT NULL);
            INSERT INTO prisma_contract.marker VALUES ('app', 'b', 'b');
            """ + (emptyLedger
                ? "CREATE TABLE prisma_contract.ledger (id bigserial PRIMARY KEY, created_at timestamptz, migration_name text, "
                    + "origin_core_hash text, destination_core_hash text NOT NULL, operations jsonb NOT NULL);"
                : ""));

        PgOpsException[] errors =
        [
            await _workspace.FailAsync(PgErrorCode.ImportRequired),
            await _workspace.FailAsync(PgErrorCode.ImportRequired, request => request with { Baseline = true }),
            await _workspace.FailAsync(PgErrorCode.ImportRequired, request => request with { Baseline = true, ToVersion = "1" }),
            await Assert.ThrowsAsync<PgOpsException>(() => new ImportHistory().RunAsync(
                new() { Migrations = _workspace.Request }, _workspace.Sink, CancellationToken.None)),
        ];

        Assert.All(errors, error =>
        {
            Assert.Contains($"(prisma_contract.{(emptyLedger ? "ledger" : "marker")})", error.Problem, StringComparison.Ordinal);
            Assert.DoesNotContain("-Baseline", error.InSentences(), StringComparison.Ordinal);
        });
        Assert.Null(await _workspace.ScalarAsync<string>("SELECT to_regclass('pgops.migration_history')::text"));
    }

    [PostgresFact]
    public async Task Where_Prisma_8_keeps_its_state_that_is_shown_and_nobody_is_sent_to_a_baseline()
    {
        Write("20260713T0837_init", null, "one", "CREATE TABLE \\\"user\\\" (id int)", "additive");
        Write("20260714T0900_more", "one", "two", "ALTER TABLE \\\"user\\\" ADD c text", "additive");
        await _workspace.ExecuteAsync("""
            CREATE TABLE "user" (id int);
            CREATE SCHEMA prisma_contract;
            CREATE TABLE prisma_contract.contract (core_hash text PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
                contract_json jsonb NOT NULL);
            CREATE TABLE prisma_contract.marker (space text PRIMARY KEY DEFAULT 'app', core_hash text NOT NULL, profile_hash text NOT NULL,
                canonical_version int, updated_at timestamptz NOT NULL DEFAULT now(), invariants text[] NOT NULL DEFAULT '{}');
            CREATE TABLE prisma_contract.ledger (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
                space text NOT NULL, migration_name text NOT NULL, migration_hash text NOT NULL, origin_core_hash text,
                origin_profile_hash text, destination_core_hash text NOT NULL, destination_profile_hash text, operations jsonb NOT NULL);
            INSERT INTO prisma_contract.marker VALUES ('app', 'one', 'p');
            INSERT INTO prisma_contract.ledger (space, migration_name, migration_hash, destination_core_hash, operations)
                VALUES ('app', '20260713T0837_init', 'h', 'one', '[]');
            CREATE TABLE _prisma_migrations (id varchar PRIMARY KEY, checksum varchar, finished_at timestamptz, migration_name varchar,
                logs text, rolled_back_at timestamptz, started_at timestamptz, applied_steps_count int)
            """);

        var status = await _workspace.StatusAsync();
        Assert.Equal([PgMigrationState.Applied, PgMigrationState.Pending], status.Select(it => it.State));
        Assert.All(status, it => Assert.Equal("Prisma 8 (prisma_contract.ledger)", it.RecordedBy));

        await _workspace.ExecuteAsync("DROP TABLE _prisma_migrations");
        var run = await _workspace.FailAsync(PgErrorCode.ImportRequired);
        var baseline = await _workspace.FailAsync(PgErrorCode.ImportRequired, request => request with { Baseline = true });
        var import = await Assert.ThrowsAsync<PgOpsException>(() => new ImportHistory().RunAsync(
            new() { Migrations = _workspace.Request }, _workspace.Sink, CancellationToken.None));
        Assert.All([run, baseline, import], error =>
        {
            Assert.Contains("Prisma 8 (prisma_contract.ledger)", error.Problem, StringComparison.Ordinal);
            Assert.StartsWith("Apply the folder's migrations with Prisma", error.NextStep, StringComparison.Ordinal);
            Assert.DoesNotContain("-Baseline", error.InSentences(), StringComparison.Ordinal);
        });

        await _workspace.ExecuteAsync("ALTER TABLE prisma_contract.ledger DROP COLUMN migration_name, DROP COLUMN space");
        Assert.Equal(
            [PgMigrationState.Pending, PgMigrationState.Pending, PgMigrationState.Baselined],
            (await _workspace.StatusAsync()).Select(it => it.State));
    }

    [PostgresTheory]
    [InlineData("app/20260713T0837_init", null, "SELECT 1", "give it itself, -Path")]
    [InlineData("20260713T0837_init", "other", "SELECT 1", "no migration leads to the contract")]
    [InlineData("20260713T0837_init", null, null, "not read as Prisma 8's operations on PostgreSQL")]
    [InlineData("init", null, "SELECT 1", "does not begin with a time")]
    public async Task What_cannot_be_read_is_named(string folder, string? from, string? sql, string problem)
    {
        Write(folder, from, "one", sql, "additive");

        Assert.Contains(problem, (await _workspace.FailAsync(PgErrorCode.MigrationSourceInvalid)).Problem, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_name_that_contradicts_the_contract_is_named()
    {
        Write("20260714T0900_b", null, "one", "SELECT 1", "additive");
        Write("20260713T0837_a", "one", "two", "SELECT 2", "additive");

        Assert.Contains("by its contract it follows version 202607140900", (await _workspace.FailAsync(
            PgErrorCode.MigrationSourceInvalid)).Problem, StringComparison.Ordinal);
    }

    private void Write(string folder, string? from, string to, string? sql, string kind)
    {
        var step = sql is null ? "{\"command\": {\"kind\": \"createIndex\"}}" : $"{{\"description\": \"d\", \"sql\": \"{sql}\"}}";
        _workspace.Write($"{folder}/migration.ts", "export default {}");
        _workspace.Write($"{folder}/migration.json", $"{{\"from\": {(from is null ? "null" : $"\"{from}\"")}, \"to\": \"{to}\"}}");
        _workspace.Write($"{folder}/ops.json", $$"""
            [{"id": "x", "label": "what it does", "operationClass": "{{kind}}",
              "precheck": [{"description": "c", "sql": "SELECT to_regclass($1) IS NULL AS result", "params": ["x"]}],
              "execute": [{{step}}], "postcheck": []}]
            """);
    }
}
