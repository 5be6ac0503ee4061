using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>What belongs to a database itself: who may connect, how many, its comment, settings that roles have in it.</summary>
[Collection(RestoreTests.Name)]
public sealed class DatabasePropertiesTests : IDisposable
{
    private const string Properties = """
        SELECT format('%s|%s|%s|%s|%s', datconnlimit, shobj_description(d.oid, 'pg_database'), datistemplate,
            (SELECT string_agg(coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC') || ' ' ||
                 privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ',' ORDER BY 1)
             FROM (SELECT * FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee <> datdba ORDER BY 2, 3) a),
            (SELECT string_agg(setrole::regrole || ' ' || setconfig::text, ',' ORDER BY 1)
             FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole <> 0))
        FROM pg_database d WHERE datname = current_database()
        """;

    private const string Closed = "7|the shop|f|props_reader CONNECT,props_writer CONNECT*|props_reader {statement_timeout=5s}";

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public DatabasePropertiesTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task A_restore_brings_them_back_and_says_what_is_withheld()
    {
        var source = await CreateAsync("; ALTER DATABASE {0} IS_TEMPLATE true; ALTER DATABASE {0} SET app.api_token = 'abc'");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        Assert.Equal(["app.api_token"], backup.Manifest!.Facts.WithheldSettings);
        Assert.Contains("props_reader", backup.Manifest.Facts.Roles);
        Assert.Empty(SealedManifest.Readable(backup.Manifest).Facts.RoleSettings);

        var restore = await RestoreAsync(backup, source.Database + "_again");

        Assert.Equal(Closed.Replace("|f|", "|t|", StringComparison.Ordinal), await SandboxServer.ExecuteAsync(restore.Target, Properties));
        var check = restore.Checks.Single(one => one.Name == "settings");
        Assert.Equal(PgCheckStatus.Skipped, check.Status);
        Assert.Contains("looks like a secret: app.api_token; set it by hand", check.Detail, StringComparison.Ordinal);
        var equal = await PropertiesAsync(backup, restore.Target);
        Assert.Equal(PgCheckStatus.Passed, equal.Status);
        Assert.EndsWith("; not compared, because the value looks like a secret: app.api_token", equal.Detail, StringComparison.Ordinal);
        await SetAsync("GRANT CONNECT ON DATABASE {0} TO PUBLIC; ALTER DATABASE {0} CONNECTION LIMIT 8", restore.Target);
        Assert.Equal(
            "connection limit: 7 expected, 8 found; grant of CONNECT to PUBLIC: not in the reference; "
                + "not compared, because the value looks like a secret: app.api_token",
            (await PropertiesAsync(backup, restore.Target)).Detail);
    }

    [PostgresFact]
    public async Task A_drill_that_may_fail_for_want_of_a_withheld_value_says_so()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            SET app.api_token = 'abc';
            CREATE FUNCTION salted(a int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
                $$ BEGIN RETURN md5(a || current_setting('app.api_token')); END $$;
            CREATE TABLE a (i int); INSERT INTO a VALUES (1); CREATE INDEX ON a (public.salted(i))
            """);
        await SetAsync("ALTER DATABASE {0} SET app.api_token = 'abc'", source);
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var drill = await new TestRestore().RunAsync(
            new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);

        var restore = drill.Checks.Single(check => check.Name == "restore");
        Assert.Equal(PgCheckStatus.Failed, restore.Status);
        Assert.Contains(
            "whose values are in no backup, for they look like secrets: app.api_token.", restore.Detail, StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData("app.dsn", "host=h user=u password=hunter2")]
    [InlineData("app.url", "postgres://u:hunter2@h/d")]
    [InlineData("app.key", "sk_live_hunter2hunter2")]
    public async Task A_value_that_looks_like_a_secret_is_withheld_whatever_its_name(string name, string value)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE a (i int)");
        await SetAsync(
            $"ALTER DATABASE {{0}} SET {name} = '{value}'; COMMENT ON DATABASE {{0}} IS 'see postgres://u:hunter2@h/d'", source);

        var backup = await OddDatabase.BackUpAsync(source, _folder);

        Assert.Equal([name], backup.Manifest!.Facts.WithheldSettings);
        Assert.DoesNotContain(
            "hunter2", await File.ReadAllTextAsync(Path.Combine(backup.Path, "manifest.json")), StringComparison.Ordinal);
    }

    [PostgresTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_replaces_another_keeps_what_a_switch_keeps(bool dropOld)
    {
        var source = await CreateAsync("");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var old = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE here (a int)");
        await SetAsync(
            "ALTER DATABASE {0} CONNECTION LIMIT 3; COMMENT ON DATABASE {0} IS 'the old one'; REVOKE ALL ON DATABASE {0} FROM PUBLIC; "
                + "GRANT CONNECT ON DATABASE {0} TO props_writer; ALTER ROLE props_writer IN DATABASE {0} SET work_mem = '9MB'; "
                + "ALTER DATABASE {0} IS_TEMPLATE true",
            old);

        var restore = await RestoreAsync(backup, old.Database, force: true, dropOld: dropOld);

        Assert.Equal(dropOld, restore.ReplacedDatabase is null);
        Assert.Equal(
            "3|the old one|t|props_writer CONNECT|props_writer {work_mem=9MB}",
            await SandboxServer.ExecuteAsync(restore.Target, Properties));
    }

    [PostgresFact]
    public async Task An_empty_one_that_was_made_for_it_gets_the_backups()
    {
        var source = await CreateAsync("");
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var restore = await RestoreAsync(backup, (await _server.CreateDatabaseAsync()).Database);

        Assert.Equal(Closed, await SandboxServer.ExecuteAsync(restore.Target, Properties));
    }

    [PostgresFact]
    public async Task Without_privileges_it_grants_what_every_new_database_does()
    {
        var source = await CreateAsync("");
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var restore = await RestoreAsync(backup, source.Database + "_open", noPrivileges: true);

        Assert.Equal("7|the shop|f|PUBLIC CONNECT,PUBLIC TEMPORARY|", await SandboxServer.ExecuteAsync(restore.Target, Properties));
    }

    [PostgresFact]
    public async Task Nobody_else_may_connect_while_it_is_filled()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        await CreateRolesAsync();
        object? may = null;

        await new TestRestore().RunAsync(
            new()
            {
                Backup = backup,
                Server = _server.Target,
                Restored = async copy => may = await SandboxServer.ExecuteAsync(
                    copy, "SELECT has_database_privilege('props_reader', current_database(), 'CONNECT')"),
            },
            new CollectingSink(),
            CancellationToken.None);

        Assert.Equal(false, may);
    }

    [Fact]
    public void Rules_of_ICU_are_the_new_databases_too_where_the_server_takes_them()
    {
        var facts = new PgDatabaseFacts
        {
            Oid = 1,
            Encoding = "UTF8",
            Collate = "C",
            CType = "C",
            LocaleProvider = "icu",
            Locale = "de",
            IcuRules = "&a < b'",
        };
        Assert.EndsWith("ICU_RULES '&a < b'''", StagingLocale.Clause(facts, 160000), StringComparison.Ordinal);
        Assert.DoesNotContain("RULES", StagingLocale.Clause(facts, 150000), StringComparison.Ordinal);
    }

    private async Task<PgTarget> CreateAsync(string more)
    {
        await CreateRolesAsync();
        var target = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE kept AS SELECT 1 AS a");
        await SetAsync(
            "REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO props_reader; "
                + "GRANT CONNECT ON DATABASE {0} TO props_writer WITH GRANT OPTION; ALTER DATABASE {0} CONNECTION LIMIT 7; "
                + "COMMENT ON DATABASE {0} IS 'the shop'; ALTER ROLE props_reader IN DATABASE {0} SET statement_timeout = '5s'" + more,
            target);
        return target;
    }

    private Task<object?> CreateRolesAsync() => SandboxServer.ExecuteAsync(
        _server.Target,
        """
        DO $$ BEGIN CREATE ROLE props_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        DO $$ BEGIN CREATE ROLE props_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$
        """);

    private Task<object?> SetAsync(string statements, PgTarget target)
        => SandboxServer.ExecuteAsync(
            _server.Target, statements.Replace("{0}", Quote.Identifier(target.Database), StringComparison.Ordinal));

    private Task<PgRestore> RestoreAsync(PgBackup backup, string name, bool force = false, bool noPrivileges = false, bool dropOld = false)
        => new RestoreDatabase().RunAsync(
            new()
            {
                Backup = backup,
                Target = _server.Target,
                Database = name,
                Force = force,
                NoPrivileges = noPrivileges,
                DropOld = dropOld,
            },
            new CollectingSink(),
            CancellationToken.None);

    private static async Task<PgCheck> PropertiesAsync(PgBackup backup, PgTarget copy) => (await new CompareDatabase().RunAsync(
        new() { ReferenceBackup = backup, Difference = copy }, new CollectingSink(), CancellationToken.None))
        .Checks.Single(check => check.Name == "properties");
}
