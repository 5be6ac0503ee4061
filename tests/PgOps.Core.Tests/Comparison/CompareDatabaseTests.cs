using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Comparison;

/// <summary>Row counts alone pass many a broken copy: each of these must be found, and the table named.</summary>
[Collection(PostgresTests.Name)]
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
    [InlineData("INSERT INTO public.duplicates SELECT * FROM public.duplicates LIMIT 1", "public.duplicates", PgTableVerdict.RowsDiffer, "row-counts")]
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
        Assert.Equal(["tables", "row-counts", "content", "sequences", "migration-state", .. ObjectComparison.Groups], equal.Checks.Select(check => check.Name));

        // The same number of rows, the same sum of values: only the content of whole rows tells.
        await SandboxServer.ExecuteAsync(other, "UPDATE public.events SET what = CASE what WHEN 'event 1' THEN 'event 2' ELSE 'event 1' END WHERE what IN ('event 1', 'event 2')");
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
