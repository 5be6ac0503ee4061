using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Comparison;

/// <summary>Stored generated columns are in no dump: a restore computes them anew, perhaps before it has what they need.</summary>
[Collection(RestoreTests.Name)]
public sealed class GeneratedColumnsTests : IDisposable
{
    /// <summary>Bills are loaded before the rates that their totals are computed from.</summary>
    private const string Bills = """
        CREATE TABLE rates (code text PRIMARY KEY, rate numeric NOT NULL);
        INSERT INTO rates VALUES ('a', 1.19), ('b', 1.07);
        CREATE FUNCTION rate_of(text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS
            'BEGIN RETURN (SELECT rate FROM public.rates WHERE code = $1); END';
        CREATE TABLE bills (id int PRIMARY KEY, code text, net numeric,
            gross numeric GENERATED ALWAYS AS (net * public.rate_of(code)) STORED,
            twice numeric GENERATED ALWAYS AS (net * 2) STORED);
        INSERT INTO bills SELECT g, CASE g % 2 WHEN 0 THEN 'a' ELSE 'b' END, g FROM generate_series(1, 20000) g;
        """;

    /// <summary>Larger tables, which keep the other jobs busy until the bills are on their way.</summary>
    private const string Larger = """
        CREATE TABLE larger_1 AS SELECT md5(g::text) || md5((-g)::text) AS a FROM generate_series(1, 60000) g;
        CREATE TABLE larger_2 AS TABLE larger_1; CREATE TABLE larger_3 AS TABLE larger_1;
        """;

    /// <summary>Wherever a generated column can stand.</summary>
    private const string Everywhere = """
        CREATE TABLE only_generated (a int GENERATED ALWAYS AS (1) STORED, b text GENERATED ALWAYS AS (E'tab\tback\\slash\nline') STORED);
        INSERT INTO only_generated DEFAULT VALUES; INSERT INTO only_generated DEFAULT VALUES;
        CREATE TABLE first (twice int GENERATED ALWAYS AS (a * 2) STORED, a int,
            "odd ""name" text GENERATED ALWAYS AS (nullif(b, '')) STORED, b text,
            id bigint GENERATED ALWAYS AS IDENTITY);
        INSERT INTO first (a, b) SELECT g, CASE g % 3 WHEN 0 THEN '' ELSE E'x\ty' END FROM generate_series(1, 500) g;
        CREATE TABLE parted (id int, at date, day int GENERATED ALWAYS AS (id % 7) STORED) PARTITION BY RANGE (id);
        CREATE TABLE part_one PARTITION OF parted FOR VALUES FROM (0) TO (50);
        CREATE TABLE part_two (day int GENERATED ALWAYS AS (id % 7) STORED, at date, id int);
        ALTER TABLE parted ATTACH PARTITION part_two FOR VALUES FROM (50) TO (1000);
        INSERT INTO parted SELECT g, date '2024-01-01' + g FROM generate_series(1, 300) g;
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TABLE felt (how mood, n int, n2 int GENERATED ALWAYS AS (n * n) STORED) PARTITION BY HASH (how);
        CREATE TABLE felt_0 PARTITION OF felt FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE felt_1 PARTITION OF felt FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO felt SELECT (enum_range(NULL::mood))[1 + g % 3], g FROM generate_series(1, 90) g;
        CREATE TABLE parent (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
        CREATE TABLE child (c text, d text GENERATED ALWAYS AS (upper(c)) STORED) INHERITS (parent);
        INSERT INTO parent SELECT generate_series(1, 10); INSERT INTO child (a, c) SELECT g, 'c' || g FROM generate_series(1, 20) g;
        ALTER TABLE parent ADD COLUMN late int, ADD COLUMN later int GENERATED ALWAYS AS (a * 3) STORED;
        CREATE TABLE guarded (a int, b int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO guarded SELECT generate_series(1, 4);
        ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
        CREATE POLICY half ON guarded USING (a > 2);
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public GeneratedColumnsTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Custom, PgFingerprintDepth.Archive, 1)]
    [InlineData(PgBackupFormat.Directory, PgFingerprintDepth.Archive, 4)]
    [InlineData(PgBackupFormat.Custom, PgFingerprintDepth.Source, 4)]
    public async Task A_drill_names_the_column_that_came_back_other(PgBackupFormat format, PgFingerprintDepth depth, int jobs)
    {
        var backup = await OddDatabase.BackUpAsync(await BackupTestDatabase.CreateAsync(_server, Bills + Larger), _folder, format, depth);

        var drill = await DrillAsync(backup, jobs);

        var check = drill.Checks.Single(one => one.Name == "generated-columns");
        Assert.Equal(PgCheckStatus.Failed, check.Status);
        Assert.Contains("public.bills (gross)", check.Detail, StringComparison.Ordinal);
        var table = Assert.Single(drill.Tables, one => !one.Passed);
        Assert.Equal(("bills", PgTableVerdict.GeneratedColumnsDiffer), (table.Name, table.Verdict));
        Assert.Equal(["gross"], table.DifferingColumns);
        Assert.Equal(table.ReferenceHash, table.DifferenceHash);
        Assert.False(drill.Proven);
        Assert.Empty(DrillLedger.ReadProven(_folder.Path));
    }

    [PostgresFact]
    public async Task A_restore_puts_no_such_copy_in_place_and_says_how_to_get_there()
    {
        var backup = await OddDatabase.BackUpAsync(await BackupTestDatabase.CreateAsync(_server, Bills), _folder);

        var error = await Assert.ThrowsAsync<PgOpsException>(() => new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = "bills_again", Jobs = 1 },
            new CollectingSink(),
            CancellationToken.None));

        Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
        Assert.Contains("generated-columns: another content than expected: public.bills (gross)", error.Problem, StringComparison.Ordinal);
        Assert.Contains("UPDATE table SET column = column", error.NextStep, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Two_databases_and_the_rows_that_differ_in_a_generated_column_alone()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Bills);
        var copy = await BackupTestDatabase.CreateAsync(_server, Bills);
        await SandboxServer.ExecuteAsync(
            copy,
            """
            UPDATE rates SET rate = 1.2 WHERE code = 'a';
            UPDATE bills SET net = net WHERE id = 1234;
            UPDATE rates SET rate = 1.19 WHERE code = 'a'
            """);

        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = copy, Detailed = true }, new CollectingSink(), CancellationToken.None);

        Assert.Equal(["gross"], Assert.Single(comparison.Differences).DifferingColumns);
        Assert.Equal(
            "public.bills: the rows as dumped are equal, but not their stored generated column gross", comparison.AllDifferences[0]);
        Assert.Equal(
            ["generated-columns", "rows"],
            comparison.Checks.Where(one => one.Status == PgCheckStatus.Failed).Select(one => one.Name));
        Assert.Equal("id=1234", Assert.Single(comparison.Rows).Key);
    }

    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Plain)]
    public async Task Wherever_a_generated_column_stands_it_is_hashed_once_and_proven(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Everywhere);
        var deep = await OddDatabase.BackUpAsync(source, _folder, format);
        using var other = new TemporaryFolder();
        var backup = await OddDatabase.BackUpAsync(source, other, format, PgFingerprintDepth.Archive);

        // The rows' hash is the archive's own, whichever way it was read.
        Assert.Equal(BackupTestDatabase.Lines(deep.Manifest!.Tables), BackupTestDatabase.Lines(backup.Manifest!.Tables));
        Assert.Equal(Columns(deep), Columns(backup));
        Assert.Equal(["a", "b"], backup.Manifest.Tables.Single(table => table.Name == "only_generated").Generated!.Keys.Order());
        Assert.Equal(14, Columns(backup).Count());
        Assert.DoesNotContain(SealedManifest.Readable(backup.Manifest).Tables, table => table.Generated is not null);

        foreach (var one in new[] { deep, backup })
        {
            var drill = await DrillAsync(one, 2);
            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            Assert.Equal(
                "generated-columns: Passed: the content hashes of 14 columns are equal",
                drill.Checks.Single(check => check.Name == "generated-columns").ToString());
        }

        static IEnumerable<string> Columns(PgBackup backup) => backup.Manifest!.Tables.SelectMany(
            table => table.Generated!.OrderBy(column => column.Key).Select(column => $"{table}.{column.Key} {column.Value}"));
    }

    [PostgresFact]
    public async Task A_manifest_without_their_hashes_is_not_called_equal()
    {
        var backup = await BackupDamage.ForgeAsync(
            await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder),
            manifest => manifest with { Tables = [.. manifest.Tables.Select(table => table with { Generated = null })] });

        var drill = await DrillAsync(backup, 2);

        var check = drill.Checks.Single(one => one.Name == "generated-columns");
        Assert.Equal(PgCheckStatus.Skipped, check.Status);
        Assert.Contains("not compared", check.Detail, StringComparison.Ordinal);
        Assert.Contains("public.orders", check.Detail, StringComparison.Ordinal);
        Assert.Equal("orders", Assert.Single(drill.Tables, table => table.Verdict == PgTableVerdict.GeneratedNotCompared).Name);
        Assert.True(drill.Passed);
        Assert.False(drill.Proven);
        Assert.Equal("Incomplete", drill.Result);
    }

    [Fact]
    public void A_row_is_cut_at_its_last_columns_wherever_the_stream_breaks()
    {
        var text = Encoding.UTF8.GetBytes("1\tä\\tb\t2\t\\N\n2\t\t4\t\n");
        var rows = new RowHashSum();
        rows.Append(Encoding.UTF8.GetBytes("1\tä\\tb\n2\t\n"));
        var (first, second) = (new RowHashSum(), new RowHashSum());
        first.Append("2\n4\n"u8);
        second.Append("\\N\n\n"u8);
        for (var size = 1; size <= text.Length; size++)
        {
            var sums = new GeneratedHashSums(2, false);
            for (var at = 0; at < text.Length; at += size)
            {
                sums.Append(text.AsSpan(at, Math.Min(size, text.Length - at)));
            }

            sums.Complete();
            Assert.Equal((rows.Digest, 2), (sums.Rows.Digest, sums.Rows.Rows));
            Assert.Equal([first.Digest, second.Digest], sums.Digests);
        }

        var torn = new GeneratedHashSums(1, true);
        torn.Append("1"u8);
        Assert.Throws<InvalidDataException>(torn.Complete);
    }

    private Task<PgDrill> DrillAsync(PgBackup backup, int jobs) => new TestRestore().RunAsync(
        new() { Backup = backup, Server = _server.Target, Jobs = jobs }, new CollectingSink(), CancellationToken.None);
}
