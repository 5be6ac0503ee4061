using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>A restore of one large table moves: pg_restore says nothing within a table, the server does.</summary>
[Collection(RestoreTests.Name)]
public sealed class RestoreProgressTests : IDisposable
{
    /// <summary>A table that takes three seconds to fill, whatever the machine.</summary>
    private const string Slow = """
        CREATE FUNCTION slowly(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN a; END $$;
        CREATE TABLE slow (a int, b int GENERATED ALWAYS AS (public.slowly(a)) STORED);
        INSERT INTO slow SELECT g FROM generate_series(1, 300) g;
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public RestoreProgressTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Rows_within_a_table_are_counted(int jobs)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Slow);
        var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Directory, PgFingerprintDepth.Archive);

        await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = source, Database = source.Database + "_copy", Jobs = jobs }, _sink, CancellationToken.None);

        var within = _sink.Reports.Where(report => report.Status.EndsWith(" of 300 rows", StringComparison.Ordinal)).ToList();
        Assert.All(within, report => Assert.StartsWith("table 1 of 1: public.slow, ", report.Status, StringComparison.Ordinal));
        Assert.True(within.Select(report => report.Percent).Distinct().Count() >= 2, string.Join('\n', _sink.Reports));
        Assert.All(within, report => Assert.InRange(report.Percent, 0, 100));
    }
}
