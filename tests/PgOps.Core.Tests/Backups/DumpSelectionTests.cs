using PgOps.Core.Backups;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>Patterns that select a part of a database: as pg_dump reads them, with partitions, and never without effect.</summary>
[Collection(PostgresTests.Name)]
public sealed class DumpSelectionTests : IDisposable
{
    private const string Schema = """
        CREATE SCHEMA sales; CREATE SCHEMA "Odd.one";
        CREATE TABLE public.orders (id int); CREATE TABLE public."Orders" (id int); CREATE TABLE public."$cash|(x)[y]" (id int);
        CREATE TABLE sales.orders (id int); CREATE TABLE "Odd.one"."t.able" (id int); CREATE TABLE sales."q""uote" (id int);
        CREATE TABLE public.log (at date) PARTITION BY RANGE (at);
        CREATE TABLE public.log_old PARTITION OF public.log FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
        CREATE TABLE sales.log_new PARTITION OF public.log DEFAULT PARTITION BY LIST (at);
        CREATE TABLE sales.log_newest PARTITION OF sales.log_new DEFAULT;
        CREATE VIEW public.only_a_view AS SELECT 1 AS one
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public DumpSelectionTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("orders", "public.orders")]
    [InlineData("ORDERS", "public.orders")]
    [InlineData("\"Orders\"", "public.Orders")]
    [InlineData("*.orders", "public.orders sales.orders")]
    [InlineData("s?les.o*", "sales.orders")]
    [InlineData("\"$cash|(x)[y]\"", "public.$cash|(x)[y]")]
    [InlineData("\"Odd.one\".\"t.able\"", "Odd.one.t.able")]
    [InlineData("sales.\"q\"\"uote\"", "sales.q\"uote")]
    [InlineData("(orders|log_old)", "public.log_old public.orders")]
    [InlineData("log", "public.log_old sales.log_newest")]
    [InlineData("sales.log_new", "sales.log_newest")]
    public async Task A_pattern_fits_what_pg_dump_would_take_and_the_partitions_of_it(string pattern, string expected)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Schema);
        var wanted = expected.Split(' ');

        Assert.Equal(wanted, Names(await MakeAsync(source, new() { Tables = [pattern] })));
        var all = Names(await MakeAsync(source, new()));
        Assert.Equal(8, all.Count);
        Assert.Equal(all.Except(wanted), Names(await MakeAsync(source, new() { ExcludedTables = [pattern] })));
        Assert.Equal(all.Except(wanted), Names(await MakeAsync(source, new() { ExcludedTableData = [pattern] })));
    }

    [PostgresTheory]
    [InlineData("schema", "sale", "-Schema sale fits nothing in")]
    [InlineData("-schema", "nowhere*", "-ExcludeSchema nowhere* fits nothing in")]
    [InlineData("table", "Odd.one.t.able", "-Table Odd.one.t.able has too many dots.")]
    [InlineData("-table", "nothing*", "-ExcludeTable nothing* fits nothing in")]
    [InlineData("-data", "log_new", "-ExcludeTableData log_new fits nothing in")]
    [InlineData("-data", "only_a_view", "-ExcludeTableData only_a_view fits public.only_a_view alone, which has no rows in a dump.")]
    [InlineData("-data", "(orders", "-ExcludeTableData (orders is no pattern that PostgreSQL understands: ")]
    public async Task One_without_effect_is_an_error(string kind, string pattern, string problem)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Schema);
        string[] names = [pattern];
        var selection = kind switch
        {
            "schema" => new DumpSelection { Schemas = names },
            "-schema" => new DumpSelection { ExcludedSchemas = names },
            "table" => new DumpSelection { Tables = names },
            "-table" => new DumpSelection { ExcludedTables = names },
            _ => new DumpSelection { ExcludedTableData = names },
        };

        var error = await Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(source, selection));

        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.StartsWith(problem, error.Problem, StringComparison.Ordinal);
        Assert.Equal("Nothing was written.", error.State);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [PostgresFact]
    public async Task The_error_names_what_may_be_meant()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """CREATE SCHEMA "Sales"; CREATE TABLE "Sales"."Bills" (id int)""");

        var error = await Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(source, new() { ExcludedTableData = ["Bills"] }));

        Assert.StartsWith("Did you mean '\"Sales\".\"Bills\"'?", error.NextStep, StringComparison.Ordinal);
        Assert.Empty(Names(await MakeAsync(source, new() { ExcludedTableData = ["\"Sales\".\"Bills\""] })));
        var both = await Assert.ThrowsAsync<PgOpsException>(
            () => MakeAsync(source, new() { Schemas = ["public"], Tables = ["\"Sales\".*"] }));
        Assert.Contains("would have no effect beside it", both.Problem, StringComparison.Ordinal);
        var nothing = await Assert.ThrowsAsync<PgOpsException>(
            () => MakeAsync(source, new() { Tables = ["\"Sales\".*"], ExcludedTables = ["\"Sales\".\"Bills\""] }));
        Assert.Equal("-ExcludeTable leaves nothing of what -Table selects: \"Sales\".\"Bills\".", nothing.Problem);
        Assert.Equal(
            ["Sales.Bills"], Names(await MakeAsync(source, new() { Tables = [$"{source.Database}.\"Sales\".\"Bills\""] })));
    }

    [PostgresFact]
    public async Task A_bare_name_is_looked_up_on_the_search_path_of_role_and_database()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Schema);
        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE \"{source.Database}\" SET search_path = sales");

        Assert.Equal(["sales.orders"], Names(await MakeAsync(source, new() { Tables = ["orders"] })));
    }

    [PostgresFact]
    public async Task Very_many_tables_are_left_out_at_once()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            DO $$ BEGIN FOR i IN 1..1200 LOOP EXECUTE format('CREATE TABLE "Scratch %s" (a int)', i); END LOOP; END $$;
            CREATE TABLE kept (a int)
            """);

        Assert.Equal(["public.kept"], Names(await MakeAsync(source, new() { ExcludedTables = ["\"Scratch \"*"] })));
    }

    private static List<string> Names(PgBackup backup)
        => [.. backup.Manifest!.Tables.Select(table => $"{table.Schema}.{table.Name}").Order(StringComparer.Ordinal)];

    private Task<PgBackup> MakeAsync(PgTarget source, DumpSelection selection) => new BackupDatabase().RunAsync(
        new() { Target = source, Path = _folder.Path, Selection = selection, NoGlobals = true },
        new CollectingSink(),
        CancellationToken.None);
}
