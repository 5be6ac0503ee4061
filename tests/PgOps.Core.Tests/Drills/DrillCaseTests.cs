using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Drills;

/// <summary>The cases of docs/drill-cases.md: each must be caught by the check that the table names, and what is wrong be named.</summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class DrillCaseTests : IDisposable
{
    private const string Extra = """
        DO $$ BEGIN CREATE ROLE drill_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT ON public.orders TO drill_reader;
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public DrillCaseTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("DELETE FROM public.orders WHERE id = 1234", "row-counts", "public.orders")]
    [InlineData("UPDATE public.orders SET customer = 'customer  77' WHERE id = 77", "content", "public.orders")]
    [InlineData("INSERT INTO public.duplicates SELECT * FROM public.duplicates LIMIT 1", "row-counts", "public.duplicates")]
    [InlineData("DROP INDEX public.orders_customer", "indexes", "index public.orders_customer: missing")]
    [InlineData("DROP POLICY few ON public.orders", "policies", "policy few on public.orders: missing")]
    [InlineData("ALTER TABLE public.orders DISABLE ROW LEVEL SECURITY", "policies", "row security public.orders: missing")]
    [InlineData("SELECT setval('public.orders_id_seq', 1999)", "sequences", "public.orders_id_seq")]
    [InlineData(
        "ALTER TABLE public.duplicates DISABLE TRIGGER touch",
        "triggers",
        "trigger touch on public.duplicates: defined differently (expected: ")]
    [InlineData("REVOKE SELECT ON public.orders FROM drill_reader", "privileges", "grants table public.orders: missing")]
    [InlineData(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
            + "'public.orders_customer'::regclass", "indexes", "invalid: public.orders_customer")]
    [InlineData("ALTER TABLE public.duplicates DROP CONSTRAINT later", "constraints", "constraint later on public.duplicates: missing")]
    [InlineData(
        "ALTER TABLE public.orders ALTER placed SET DEFAULT now()",
        "objects",
        "column public.orders.placed: defined differently (expected: timestamp with time zone NOT NULL "
        + "DEFAULT '2024-02-29 12:00:00+00'::timestamp with time zone at 6 / found: timestamp with time zone NOT NULL DEFAULT now() at 6)")]
    [InlineData(
        "CREATE OR REPLACE VIEW public.totals AS SELECT customer, sum(total) + 1 AS sum FROM public.orders GROUP BY 1",
        "views",
        "view public.totals: defined")]
    [InlineData("DROP FUNCTION public.touch() CASCADE", "functions", "function public.touch(): missing")]
    [InlineData(
        "UPDATE pg_index SET indoption = '1' WHERE indexrelid = 'public.orders_customer'::regclass",
        "amcheck",
        "public.orders_customer: XX002")]
    [InlineData(
        """
        UPDATE pg_index SET indisready = false WHERE indexrelid = 'public.orders_customer'::regclass;
        UPDATE public.orders SET customer = 'unseen' WHERE id = 5;
        UPDATE pg_index SET indisready = true WHERE indexrelid = 'public.orders_customer'::regclass
        """,
        "amcheck",
        "public.orders_customer: XX001 heap tuple")]
    public async Task A_copy_that_lost_something_is_caught(string damage, string check, string named)
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, Extra), _folder);

        var drill =
            await RunAsync(new() { Backup = backup, Server = _server.Target, Restored = copy => SandboxServer.ExecuteAsync(copy, damage) });

        Assert.False(drill.Passed);
        var failed = drill.Checks.Single(one => one.Name == check);
        Assert.Equal(PgCheckStatus.Failed, failed.Status);
        Assert.Contains(named, failed.Detail, StringComparison.Ordinal);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
    }

    [PostgresFact]
    public async Task A_flipped_bit_and_a_missing_file_are_caught()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, Extra), _folder, PgBackupFormat.Directory);
        var undamaged = await RunAsync(new() { Backup = backup, Server = _server.Target });
        Assert.True(undamaged.Passed, string.Join('\n', undamaged.Checks));

        var file = Directory.EnumerateFiles(backup.Path, "*.dat*", SearchOption.AllDirectories).First();
        var middle = new FileInfo(file).Length / 2;
        BackupDamage.FlipBit(file, middle);
        await CaughtAsync();
        BackupDamage.FlipBit(file, middle);

        File.Delete(file);
        await CaughtAsync();

        async Task CaughtAsync()
        {
            var drill = await RunAsync(new() { Backup = backup, Server = _server.Target });
            Assert.Equal(PgCheckStatus.Failed, drill.Checks.Single(one => one.Name == "hashes").Status);
            Assert.Contains(Path.GetFileName(file), drill.Failure, StringComparison.Ordinal);
            Assert.All(drill.Checks.Where(one => one.Name != "hashes"), one => Assert.Equal(PgCheckStatus.Skipped, one.Status));
        }
    }

    private static Task<PgDrill> RunAsync(TestRestoreRequest request)
        => new TestRestore().RunAsync(request, new CollectingSink(), CancellationToken.None);
}
