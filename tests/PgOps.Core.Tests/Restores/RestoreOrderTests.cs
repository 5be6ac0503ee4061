using PgOps.Core.Drills;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>What several jobs may do side by side: an archive records fewer orders than there are.</summary>
[Collection(RestoreTests.Name)]
public sealed class RestoreOrderTests : IDisposable
{
    private const int Drills = 3;

    /// <summary>
    /// The small tables are there long before the large one. What is made over their rows may read it, and no archive says so; a domain
    /// has lost the rule that its old rows break.
    /// </summary>
    private const string Unrecorded = """
        CREATE TABLE large AS SELECT g AS id, repeat('x', 200) AS filler FROM generate_series(1, 300000) g;
        CREATE FUNCTION largest() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
            DECLARE found int := (SELECT max(id) FROM public.large);
            BEGIN IF found IS NULL THEN RAISE 'public.large is empty'; END IF; RETURN found; END $$;
        CREATE DOMAIN positive AS int;
        CREATE TABLE small (id int, sign positive);
        INSERT INTO small SELECT g, -g FROM generate_series(1, 10) g;
        CREATE INDEX ON small ((id + largest()));
        ALTER DOMAIN positive ADD CONSTRAINT above_zero CHECK (VALUE > 0) NOT VALID;
        REVOKE ALL ON large FROM CURRENT_USER;
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public RestoreOrderTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task Nothing_is_made_over_rows_before_all_rows_are_there(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, Unrecorded);
        var backup = await OddDatabase.BackUpAsync(source, _folder, format, PgFingerprintDepth.Archive);

        var drill = await DrillAsync(backup, 4);

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
    }

    [ExtensionFact("postgis_topology")]
    public async Task Rows_of_tables_that_an_extension_joins_by_keys_come_one_after_another()
    {
        await using var server = await ExtensionServer.StartAsync("postgis_topology");
        var source = await server.CreateDatabaseAsync("""
            CREATE EXTENSION postgis; CREATE EXTENSION postgis_topology;
            SELECT topology.CreateTopology('roads_' || g, 4326) FROM generate_series(1, 5) g;
            CREATE TABLE roads (id int PRIMARY KEY);
            SELECT topology.AddTopoGeometryColumn('roads_1', 'public', 'roads', 'way', 'LINE');
            INSERT INTO roads SELECT 1, topology.toTopoGeom(ST_GeomFromText('LINESTRING(0 0, 1 1)', 4326), 'roads_1', 1);
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder, PgBackupFormat.Directory, PgFingerprintDepth.Archive);

        for (var i = 0; i < Drills; i++)
        {
            var drill = await DrillAsync(backup, 4, server.BinPath);
            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        }
    }

    [Fact]
    public void Definitions_rows_and_what_is_made_over_them_come_in_runs_of_their_own()
    {
        var toc = ArchiveToc.Parse(
            [
                "1; 3079 1 EXTENSION - topology ",
                "2; 1259 2 TABLE public roads owner",
                "3; 0 0 COMMENT public TABLE roads owner",
                "4; 0 0 ACL public TABLE roads owner",
                "5; 0 2 TABLE DATA public roads owner",
                ";\tdepends on: 2",
                "6; 0 3 TABLE DATA topology topology owner",
                ";\tdepends on: 70",
                "7; 0 4 TABLE DATA topology layer owner",
                ";\tdepends on: 71",
                "8; 0 0 SEQUENCE SET public roads_id_seq owner",
                "9; 1259 5 INDEX public roads_id owner",
                ";\tdepends on: 2",
                "10; 0 0 MATERIALIZED VIEW DATA public busy owner",
            ],
            ["owner"]);

        Assert.Equal(["1 2 3 6 7 in order", "5 8", "4 9 10"], Runs(null));
        Assert.Equal(["2 5", "4 9"], Runs([2, 4, 5, 9]));
        Assert.Equal(["2"], Runs([2]));

        IEnumerable<string> Runs(int[]? restored) => ArchiveRun.Of(toc, restored)
            .Select(run => string.Join(' ', run.Entries!) + (run.InOrder ? " in order" : ""));
    }

    private static Task<PgDrill> DrillAsync(PgBackup backup, int jobs, string? binPath = null)
        => new TestRestore().RunAsync(
            new() { Backup = backup, Jobs = jobs, BinPath = binPath }, new CollectingSink(), CancellationToken.None);
}
