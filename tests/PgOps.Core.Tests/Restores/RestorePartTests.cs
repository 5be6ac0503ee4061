using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>Restores of a part, with other roles, or without an extension.</summary>
[Collection(RestoreTests.Name)]
[Trait("Category", "Slow")]
public sealed class RestorePartTests : IDisposable
{
    private const string Relatives = """"
        CREATE SCHEMA "other s";
        CREATE TYPE "other s".color AS ENUM ('red', 'blue');
        CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TABLE public.parent (id int PRIMARY KEY);
        CREATE TABLE public."child ""x""" (id serial PRIMARY KEY, parent int REFERENCES public.parent, color "other s".color, sibling int);
        ALTER TABLE public."child ""x""" ADD FOREIGN KEY (sibling) REFERENCES public."child ""x""";
        CREATE INDEX by_color ON public."child ""x""" (color);
        CREATE TRIGGER note BEFORE INSERT ON public."child ""x""" FOR EACH ROW EXECUTE FUNCTION public.note();
        ALTER TABLE public."child ""x""" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY red ON public."child ""x""" USING (color = 'red');
        COMMENT ON POLICY red ON public."child ""x""" IS 'only red';
        GRANT SELECT ON public."child ""x""" TO PUBLIC;
        COMMENT ON COLUMN public."child ""x""".color IS 'a color';
        INSERT INTO public.parent SELECT generate_series(1, 5);
        INSERT INTO public."child ""x""" (parent, color) SELECT 1 + g % 5, 'red' FROM generate_series(1, 30) g;
        CREATE VIEW public.reds AS SELECT * FROM public."child ""x""" WHERE color = 'red';
        CREATE TABLE "other s".own (x "other s".color); INSERT INTO "other s".own VALUES ('blue');
        CREATE PUBLICATION everything FOR TABLE public.parent, "other s".own;
        """";

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public RestorePartTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData(PgBackupFormat.Custom)]
    [InlineData(PgBackupFormat.Directory)]
    public async Task A_table_comes_with_what_belongs_to_it_and_what_it_needs(PgBackupFormat format)
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, Relatives), _folder, format);

        var restore =
            await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = $"part {format}", Tables = ["public.child*"] });

        Assert.Equal(["table public.child*"], restore.Selection);
        Assert.Equal(1, restore.TablesVerified);
        Assert.Equal(30, restore.Rows);
        var said = restore.Checks.Single(check => check.Name == "selection");
        Assert.Equal(PgCheckStatus.Skipped, said.Status);
        Assert.Contains("child \"x\"_parent_fkey", said.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("sibling", said.Detail, StringComparison.Ordinal);
        Assert.Equal("child \"x\"", await ListAsync(
            restore.Target, "relname FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast' AND relkind IN ('r', 'v', 'm')"));
        Assert.Equal(
            "by_color|child \"x\"_id_seq|child \"x\"_pkey",
            await ListAsync(
                restore.Target,
                "relname FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast' AND relkind IN ('i', 'S')",
                "relname COLLATE \"C\""));
        Assert.Equal("note red", await ValueAsync(
            restore.Target, "SELECT (SELECT tgname FROM pg_trigger WHERE NOT tgisinternal) || ' ' || (SELECT polname FROM pg_policy)"));
        Assert.Equal("only red", await ValueAsync(restore.Target, "SELECT obj_description(oid, 'pg_policy') FROM pg_policy"));
        Assert.Equal("child \"x\"_pkey|child \"x\"_sibling_fkey", await ListAsync(
            restore.Target, "conname FROM pg_constraint WHERE oid >= 16384 AND contype IN ('f', 'p')"));
        Assert.Equal(31, await ValueAsync(restore.Target, "INSERT INTO public.\"child \"\"x\"\"\" (color) VALUES ('blue') RETURNING id"));
        Assert.Equal(
            true, await ValueAsync(restore.Target, "SELECT has_table_privilege('public', 'public.\"child \"\"x\"\"\"', 'SELECT')"));
    }

    [PostgresFact]
    public async Task An_identity_column_brings_its_sequence()
    {
        var source = await OddDatabase.CreateAsync(
            _server, "CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n text); INSERT INTO numbered (n) SELECT 'x' "
                + "FROM generate_series(1, 7);");
        var backup = await OddDatabase.BackUpAsync(source, _folder);

        var restore =
            await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "identity part", Tables = ["numbered"] });

        Assert.Equal(8, await ValueAsync(restore.Target, "INSERT INTO numbered (n) VALUES ('y') RETURNING id"));
    }

    [PostgresFact]
    public async Task A_partitioned_table_brings_its_partitions_and_a_partition_its_parent_alone()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);

        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "all events", Tables = ["events"] });
        Assert.Equal(600, restore.Rows);
        Assert.Equal(2, restore.TablesVerified);

        restore = await RestoreAsync(
            new() { Backup = backup, Target = _server.Target, Database = "one of events", Tables = ["events_2024"] });
        Assert.Equal("events|events_2024", await ListAsync(
            restore.Target, "relname FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast' AND relkind IN ('r', 'p')"));
        Assert.Equal(366L, await ValueAsync(restore.Target, "SELECT count(*) FROM events"));
        Assert.Contains("public.events", restore.Checks.Single(check => check.Name == "selection").Detail, StringComparison.Ordinal);
        Assert.Equal(2L, await ValueAsync(
            restore.Target, "SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast' AND relkind IN ('i', 'I')"));
    }

    [PostgresFact]
    public async Task A_schema_comes_whole_and_never_replaces_a_database()
    {
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, Relatives), _folder);
        var request = new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = "a schema", Schemas = ["other ?"] };
        Assert.True(backup.Manifest!.Objects!.Kinds.ContainsKey("publication"));

        var restore = await RestoreAsync(request);

        Assert.Equal(1, restore.TablesVerified);
        Assert.Equal(
            "own",
            await ListAsync(restore.Target, "relname FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast' AND relkind = 'r'"));
        Assert.Equal(0L, await ValueAsync(restore.Target, "SELECT count(*) FROM pg_publication"));
        Assert.Equal("red|blue", await ListAsync(restore.Target, "enumlabel FROM pg_enum", "enumsortorder"));
        var error = await FailAsync(request with { Force = true });
        Assert.Equal(PgErrorCode.TargetNotEmpty, error.Code);
        Assert.Contains("never replaces", error.Message, StringComparison.Ordinal);
        error = await FailAsync(request with { Database = "no schema", Schemas = ["Other s", "public"], Tables = ["no.where"] });
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Contains("no schema Other s, no table no.where", error.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Roles_are_mapped_wherever_they_stand()
    {
        await SandboxServer.ExecuteAsync(_server.Target, """"
            CREATE ROLE "old; owner"; CREATE ROLE "old ""grantee"""; CREATE ROLE granted; CREATE ROLE "Übernehmer"; CREATE ROLE stays;
            """");
        var source = await OddDatabase.CreateAsync(_server, Relatives + """"
            ALTER TABLE public.parent OWNER TO "old; owner";
            ALTER SCHEMA "other s" OWNER TO "old; owner";
            ALTER FUNCTION public.note() OWNER TO "old; owner";
            ALTER VIEW public.reds OWNER TO stays;
            GRANT SELECT, INSERT ON public.parent TO "old ""grantee""" WITH GRANT OPTION;
            SET SESSION AUTHORIZATION "old ""grantee"""; GRANT SELECT ON public.parent TO granted; RESET SESSION AUTHORIZATION;
            GRANT UPDATE (color) ON public."child ""x""" TO granted;
            REVOKE EXECUTE ON FUNCTION public.note() FROM PUBLIC;
            CREATE POLICY "TO" ON public."child ""x""" FOR SELECT TO "old ""grantee""", stays USING (color = 'blue');
            COMMENT ON POLICY "TO" ON public."child ""x""" IS 'for some';
            ALTER DEFAULT PRIVILEGES FOR ROLE "old; owner" IN SCHEMA public GRANT SELECT ON TABLES TO granted;
            SELECT lo_create(4712); ALTER LARGE OBJECT 4712 OWNER TO "old; owner";
            """");
        await SandboxServer.ExecuteAsync(source, $"ALTER DATABASE {Quote.Identifier(source.Database)} OWNER TO \"old; owner\"");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        foreach (var role in new[] { "\"old; owner\"", "\"old \"\"grantee\"\"\"", "granted" })
        {
            await SandboxServer.ExecuteAsync(source, $"REASSIGN OWNED BY {role} TO stays; DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        }

        var request = new RestoreDatabaseRequest
        {
            Backup = backup,
            Target = _server.Target,
            Database = "mapped",
            MapRole = new Dictionary<string, string>
            {
                ["old; owner"] = "Übernehmer",
                ["old \"grantee\""] = "new; grantee",
                ["granted"] = "Übernehmer",
            },
        };
        var error = await FailAsync(request);
        Assert.Contains("roles: new; grantee", error.Message, StringComparison.Ordinal);
        await SandboxServer.ExecuteAsync(_server.Target, "CREATE ROLE \"new; grantee\"");

        var restore = await RestoreAsync(request);

        Assert.Equal(backup.Manifest!.Tables.Count, restore.TablesVerified);
        Assert.Contains(
            "old; owner as Übernehmer", restore.Checks.Single(check => check.Name == "restore").Detail, StringComparison.Ordinal);
        var copy = restore.Target;
        Assert.Equal(
            "Übernehmer",
            await ValueAsync(copy, "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()"));
        Assert.Equal("stays|Übernehmer|Übernehmer|Übernehmer|Übernehmer", await ListAsync(copy, """
            pg_get_userbyid(o)::text FROM (SELECT relowner FROM pg_class WHERE relname IN ('parent', 'reds') UNION ALL SELECT nspowner
                FROM pg_namespace WHERE nspname = 'other s' UNION ALL SELECT proowner FROM pg_proc WHERE proname = 'note'
                UNION ALL SELECT lomowner FROM pg_largeobject_metadata) x(o)
            """, "1"));
        Assert.Equal(
            "new; grantee|stays", await ListAsync(copy, "pg_get_userbyid(unnest(polroles))::text FROM pg_policy WHERE polname = 'TO'"));
        Assert.Equal("for some|only red", await ListAsync(copy, "obj_description(oid, 'pg_policy') FROM pg_policy"));
        Assert.Equal("r:new; grantee:INSERT:true|r:new; grantee:SELECT:true", await ListAsync(copy, """
            format('r:%s:%s:%s', pg_get_userbyid(a.grantee), a.privilege_type, CASE WHEN a.is_grantable THEN 'true' ELSE 'false' END)
            FROM pg_class c, aclexplode(relacl) a WHERE relname = 'parent' AND a.grantee <> c.relowner
            """));
        Assert.Equal("Übernehmer", await ValueAsync(
            copy, "SELECT pg_get_userbyid(a.grantee)::text FROM pg_attribute t, aclexplode(attacl) a "
                + "WHERE attname = 'color' AND attacl IS NOT NULL"));
        Assert.Equal(1L, await ValueAsync(copy, "SELECT count(*) FROM pg_default_acl WHERE pg_get_userbyid(defaclrole) = 'Übernehmer'"));
        Assert.Equal(PgCheckStatus.Skipped, restore.Checks.Single(check => check.Name == "policies").Status);
        Assert.Equal(PgCheckStatus.Skipped, restore.Checks.Single(check => check.Name == "privileges").Status);
        await SandboxServer.ExecuteAsync(copy, "DROP OWNED BY \"new; grantee\" CASCADE");
    }

    [PostgresFact]
    public async Task An_extension_is_left_out_and_what_needs_it_is_named()
    {
        const string Extension = "CREATE EXTENSION hstore; COMMENT ON EXTENSION hstore IS 'ours';";
        var backup = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server, Extension), _folder);
        var restore =
            await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "without", SkipExtension = ["hstore"] });
        Assert.Equal(0L, await ValueAsync(restore.Target, "SELECT count(*) FROM pg_extension WHERE extname = 'hstore'"));
        var said = restore.Checks.Single(check => check.Name == "extensions");
        Assert.Equal(PgCheckStatus.Skipped, said.Status);
        Assert.Contains("left out: hstore", said.Detail, StringComparison.Ordinal);

        backup = await OddDatabase.BackUpAsync(
            await OddDatabase.CreateAsync(_server, Extension + "CREATE TABLE public.needs_it (h hstore)"), _folder);
        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "without 2", SkipExtension = ["hstore"] });
        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        Assert.Contains("needs_it", error.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Everything_missing_is_listed_at_once()
    {
        await SandboxServer.ExecuteAsync(_server.Target, "CREATE ROLE going");
        await using (var session = await SandboxServer.OpenAsync(_server.Target))
        {
            foreach (var sql in new[] { "SET allow_in_place_tablespaces = on", "CREATE TABLESPACE fast LOCATION ''" })
            {
                await using var command = new Npgsql.NpgsqlCommand(sql, session);
                await command.ExecuteNonQueryAsync();
            }
        }

        var source = await OddDatabase.CreateAsync(
            _server, "CREATE TABLE public.placed (x text) TABLESPACE fast; ALTER TABLE public.placed OWNER TO going; CREATE INDEX ON "
                + "public.placed (x COLLATE \"POSIX\")");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        backup = await BackupDamage.ForgeAsync(backup, manifest => manifest with
        {
            Facts = manifest.Facts with
            {
                Roles = [.. manifest.Facts.Roles.Where(role => role != "going")],
                Bytes = long.MaxValue / 2,
                Extensions = new Dictionary<string, string> { ["no_such_extension"] = "3.4", ["hstore"] = "999.1" },
            },
        });
        await SandboxServer.ExecuteAsync(source, "DROP TABLE public.placed");
        await SandboxServer.ExecuteAsync(_server.Target, "DROP TABLESPACE fast");
        await SandboxServer.ExecuteAsync(_server.Target, "DROP ROLE going");

        var error = await FailAsync(new() { Backup = backup, Target = _server.Target, Database = "lacking much" });

        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        foreach (var missing in new[] { "roles: going", "no_such_extension 3.4", "hstore 999.1 (here", "tablespaces: fast", "space: " })
        {
            Assert.Contains(missing, error.Message, StringComparison.Ordinal);
        }

        backup = await BackupDamage.ForgeAsync(backup, manifest => manifest with
        {
            Facts = manifest.Facts with { Extensions = new Dictionary<string, string>(), Bytes = 1 },
        });
        var restore = await RestoreAsync(
            new() { Backup = backup, Target = _server.Target, Database = "lacking no more", NoTablespaces = true, CreateRoles = true });
        Assert.Equal(
            "going", await ValueAsync(restore.Target, "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 'placed'"));
    }

    [PostgresFact]
    public async Task A_failed_restore_is_kept_on_request_and_a_replaced_database_dropped()
    {
        var good = await OddDatabase.BackUpAsync(await OddDatabase.CreateAsync(_server), _folder);
        var bad = await BackupDamage.ForgeAsync(good, manifest => manifest with { Sequences = [] });
        var request = new RestoreDatabaseRequest { Backup = bad, Target = _server.Target, Database = "kept", KeepFailed = true };

        var error = await FailAsync(request);

        Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
        var kept = (string)(await ValueAsync(_server.Target, "SELECT datname::text FROM pg_database WHERE datname ~ '^kept_pgops_'"))!;
        Assert.Contains($"DROP DATABASE \"{kept}\"", error.State, StringComparison.Ordinal);
        good = await BackupDamage.ForgeAsync(bad, manifest => manifest with { Sequences = good.Manifest!.Sequences });
        await SandboxServer.ExecuteAsync(await _server.CreateDatabaseAsync("kept"), "CREATE TABLE old (x int)");
        Assert.Equal(
            PgErrorCode.InvalidArgument, (await FailAsync(request with { Backup = good, DropOld = true })).Code);
        var restore = await RestoreAsync(request with { Backup = good, Force = true, DropOld = true });
        Assert.Null(restore.ReplacedDatabase);
        Assert.Equal($"kept|{kept}", await ListAsync(_server.Target, "datname FROM pg_database WHERE datname LIKE 'kept%'"));
        Assert.Equal(2000L, await ValueAsync(_server.Target.WithDatabase(kept), "SELECT count(*) FROM orders"));
        await SandboxServer.ExecuteAsync(_server.Target, $"DROP DATABASE {Quote.Identifier(kept)}");
    }

    [PostgresFact]
    public async Task A_subscription_comes_back_unconnected_and_does_not_outlive_a_failed_restore()
    {
        var source = await OddDatabase.CreateAsync(
            _server,
            "CREATE SUBSCRIPTION \"follow 'it\" CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = 'kept_slot')");
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var restore = await RestoreAsync(new() { Backup = backup, Target = _server.Target, Database = "subscribed" });
        Assert.Contains(
            "subscriptions are not connected", restore.Checks.Single(check => check.Name == "restore").Detail, StringComparison.Ordinal);

        var bad = await BackupDamage.ForgeAsync(backup, manifest => manifest with { Sequences = [] });
        await FailAsync(new() { Backup = bad, Target = _server.Target, Database = "subscribed 2" });

        Assert.Equal(0L, await ValueAsync(_server.Target, "SELECT count(*) FROM pg_database WHERE datname LIKE 'subscribed 2%'"));
        foreach (var target in new[] { source, restore.Target })
        {
            await SandboxServer.ExecuteAsync(target, "ALTER SUBSCRIPTION \"follow 'it\" SET (slot_name = NONE)");
            await SandboxServer.ExecuteAsync(target, "DROP SUBSCRIPTION \"follow 'it\"");
        }
    }

    private Task<PgRestore> RestoreAsync(RestoreDatabaseRequest request)
        => new RestoreDatabase().RunAsync(request, _sink, CancellationToken.None);

    private Task<PgOpsException> FailAsync(RestoreDatabaseRequest request)
        => Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(request));

    private static Task<object?> ValueAsync(PgTarget target, string sql) => SandboxServer.ExecuteAsync(target, sql);

    private static async Task<string> ListAsync(PgTarget target, string expression, string? order = null)
        => (string)(await ValueAsync(
            target,
            $"SELECT string_agg(v, '|') FROM (SELECT {expression} ORDER BY {order ?? "1"}) x(v)"))!;
}
