using PgOps.Core.Backups;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>A database's own settings decide what is computed while a copy is filled: they have to be there before the rows.</summary>
[Collection(RestoreTests.Name)]
public sealed class EarlySettingsTests : IDisposable
{
    private const string Settings = """
        ALTER DATABASE {0} SET TimeZone = 'Asia/Kathmandu';
        ALTER DATABASE {0} SET default_text_search_config = 'pg_catalog.german';
        ALTER DATABASE {0} SET app.currency = 'CHF';
        ALTER DATABASE {0} SET DateStyle = 'German, DMY';
        ALTER DATABASE {0} SET IntervalStyle = 'sql_standard';
        """;

    /// <summary>What stops or changes a restore when it comes too early.</summary>
    private const string Hostile = """
        ALTER DATABASE {0} SET default_transaction_read_only = on;
        ALTER DATABASE {0} SET array_nulls = off;
        ALTER DATABASE {0} SET default_transaction_isolation = 'serializable';
        ALTER DATABASE {0} SET session_replication_role = 'replica';
        ALTER DATABASE {0} SET row_security = off;
        ALTER DATABASE {0} SET search_path = 'nowhere';
        ALTER DATABASE {0} SET client_min_messages = 'error';
        """;

    private const string Content = """
        CREATE TABLE sold (id int PRIMARY KEY, at timestamptz, what text, long interval, words text[],
            CHECK (current_setting('app.currency') = 'CHF'));
        INSERT INTO sold SELECT g, timestamptz '2024-03-01 20:00+00' + g * interval '1 hour', 'die Häuser ' || g,
            interval '-1 day' * g + interval '2 hours', ARRAY['a', NULL] FROM generate_series(1, 300) g;
        CREATE FUNCTION currency() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN current_setting(''app.currency''); END';
        CREATE INDEX sold_currency ON sold ((what || public.currency()));
        CREATE MATERIALIZED VIEW days AS SELECT at::date AS day, at::text, long::text, count(*) FROM sold GROUP BY 1, 2, 3;
        CREATE MATERIALIZED VIEW found AS SELECT to_tsvector(what) AS words, current_setting('app.currency') FROM sold;
        """;

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public EarlySettingsTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory, 4)]
    [InlineData(PgBackupFormat.Plain, 1)]
    public async Task What_settings_decide_comes_back_the_same_in_a_drill(PgBackupFormat format, int jobs)
    {
        var source = await CreateAsync(Settings + "\n" + Hostile);
        var backup = await OddDatabase.BackUpAsync(source, _folder, format, PgFingerprintDepth.Archive);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target, Jobs = jobs }, new CollectingSink(), CancellationToken.None);

        Assert.True(drill.Proven, string.Join('\n', drill.Checks));
        Assert.Equal(
            "materialized-views: Passed: the content of 2 materialized views is equal",
            drill.Checks.Single(check => check.Name == "materialized-views").ToString());
        Assert.Equal(PgCheckStatus.Passed, drill.Checks.Single(check => check.Name == "settings").Status);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task And_in_a_restore_that_has_every_setting_in_the_end(bool intoEmpty)
    {
        var source = await CreateAsync(Settings + "\n" + Hostile);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var name = source.Database + (intoEmpty ? "_empty" : "_again");
        if (intoEmpty)
        {
            await _server.CreateDatabaseAsync(name);
        }

        var restore = await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = name, IntoEmpty = intoEmpty, Jobs = 2 },
            new CollectingSink(),
            CancellationToken.None);

        Assert.Equal(PgCheckStatus.Passed, restore.Checks.Single(check => check.Name == "materialized-views").Status);
        const string query = "SELECT string_agg(s, ';' ORDER BY s) FROM pg_db_role_setting r JOIN pg_database d ON d.oid = setdatabase, "
            + "unnest(setconfig) s WHERE datname = current_database() AND setrole = 0";
        Assert.Equal(await SandboxServer.ExecuteAsync(source, query), await SandboxServer.ExecuteAsync(restore.Target, query));
    }

    [PostgresFact]
    public async Task Definitions_alone_leave_views_empty_and_are_equal_all_the_same()
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server, "CREATE TABLE t AS SELECT 1 AS a; CREATE MATERIALIZED VIEW filled WITH (fillfactor = 90) AS SELECT * FROM t");
        var backup = await new BackupDatabase().RunAsync(
            new() { Target = source, Path = _folder.Path, Selection = new DumpSelection { SchemaOnly = true } }, new CollectingSink(),
            CancellationToken.None);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);

        Assert.True(drill.Passed, drill.Failure);
        Assert.Equal(PgCheckStatus.Passed, drill.Checks.Single(check => check.Name == "views").Status);
    }

    [PostgresFact]
    public async Task A_view_that_was_not_fresh_differs_and_one_of_the_clock_cannot_be_compared()
    {
        var source = await CreateAsync(Settings);
        await SandboxServer.ExecuteAsync(
            source,
            """
            CREATE VIEW clock AS SELECT now() AS at, clock_timestamp() AS later;
            CREATE MATERIALIZED VIEW timed AS SELECT c.*, s.id FROM sold s, clock c;
            CREATE MATERIALIZED VIEW lots AS SELECT id, random() FROM sold;
            CREATE MATERIALIZED VIEW later AS SELECT 1 AS a WITH NO DATA;
            CREATE MATERIALIZED VIEW "Of ""who"" it is" AS SELECT current_user::text FROM sold;
            UPDATE sold SET what = 'die Katze' WHERE id = 5
            """);
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);

        var check = drill.Checks.Single(one => one.Name == "materialized-views");
        Assert.Equal(PgCheckStatus.Passed, check.Status);
        Assert.Contains(
            "differs: public.found (300 rows expected, 300 rows found): the restore refreshed it", check.Detail, StringComparison.Ordinal);
        Assert.Contains("public.lots (its query depends on random())", check.Detail, StringComparison.Ordinal);
        Assert.Contains("public.timed (its query depends on clock_timestamp(), now())", check.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("public.later", check.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("public.days", check.Detail, StringComparison.Ordinal);
        Assert.Equal("Proven", drill.Result);

        // Two databases hold what they hold: there a difference is one.
        var copy = await CreateAsync(Settings);
        await SandboxServer.ExecuteAsync(copy, "UPDATE sold SET what = 'der Hund' WHERE id = 6; REFRESH MATERIALIZED VIEW found");
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = copy }, new CollectingSink(), CancellationToken.None);
        Assert.Equal(
            "materialized-views: Failed: another content than expected: public.found (300 rows expected, 300 rows found)",
            comparison.Checks.Single(one => one.Name == "materialized-views").ToString());
    }

    [PostgresFact]
    public async Task A_view_that_is_being_refreshed_is_not_waited_for()
    {
        var source = await CreateAsync(Settings);
        await using var refreshing = await SandboxServer.OpenAsync(source);
        await using var transaction = await refreshing.BeginTransactionAsync();
        await using (var command = refreshing.CreateCommand())
        {
            command.CommandText = "REFRESH MATERIALIZED VIEW found";
            await command.ExecuteNonQueryAsync();
        }

        await using var session = await SnapshotSession.OpenAsync(source, null, CancellationToken.None);
        var views = (await MaterializedViews.ReadAsync(session, null, CancellationToken.None)).ToDictionary(view => view.Name);

        Assert.Contains("locked", views["found"].Unread, StringComparison.Ordinal);
        Assert.Null(views["found"].Hash);
        Assert.Equal((300, 32), (views["days"].Rows, views["days"].Hash!.Length));
    }

    [PostgresFact]
    public async Task Every_setting_that_the_server_lets_a_database_have_is_early_for_a_reason_or_late()
    {
        // No name is misspelt: each is one of some server's settings. Later versions have more.
        var known = (string)(await SandboxServer.ExecuteAsync(_server.Target, "SELECT string_agg(name, ',') FROM pg_settings"))!;
        var names = known.Split(',').ToHashSet(StringComparer.OrdinalIgnoreCase);
        Assert.Equal(
            ["bytea_output", "DateStyle", "default_text_search_config", "default_toast_compression", "extra_float_digits", "IntervalStyle",
                "lc_monetary", "lc_numeric", "lc_time", "max_stack_depth", "TimeZone",
                "timezone_abbreviations", "transform_null_equals", "xmlbinary"],
            names.Where(name => EarlySettings.Includes(name + "=x")).Order(StringComparer.OrdinalIgnoreCase));
        Assert.True(EarlySettings.Includes("app.currency=CHF"));
        Assert.All(
            new[] { "array_nulls", "search_path", "session_preload_libraries", "statement_timeout", "row_security", "role", "lc_messages" },
            name => Assert.True(!EarlySettings.Includes(name + "=x") && EarlySettings.Reason(name) is not null, name));
    }

    private async Task<PgTarget> CreateAsync(string settings)
    {
        var target = await _server.CreateDatabaseAsync();
        foreach (var setting in settings.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Hostile.Contains(setting, StringComparison.Ordinal))
            {
                await SetAsync(setting);
            }
        }

        await SandboxServer.ExecuteAsync(target, Content);
        foreach (var setting in settings.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(Hostile.Contains))
        {
            await SetAsync(setting);
        }

        return target;

        Task SetAsync(string setting)
            => SandboxServer.ExecuteAsync(
            _server.Target, setting.Replace("{0}", Quote.Identifier(target.Database), StringComparison.Ordinal));
    }
}
