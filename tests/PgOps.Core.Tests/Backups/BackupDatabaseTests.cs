using System.Text;
using PgOps.Core.Backups;
using PgOps.Core.Drills;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

[Collection(PostgresTests.Name)]
public sealed class BackupDatabaseTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public BackupDatabaseTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task What_a_backup_refuses_its_plan_refuses_too()
    {
        var source = await _server.CreateDatabaseAsync();
        var request = new BackupDatabaseRequest { Target = source, Path = _folder.Path };
        foreach (var wrong in new[]
        {
            request with { Format = PgBackupFormat.Plain, Recipients = ["age1nobody"] },
            request with { Format = PgBackupFormat.Plain, Compression = "zstd" },
        })
        {
            var refused = await Assert.ThrowsAsync<PgOpsException>(
                () => new BackupDatabase().RunAsync(wrong, _sink, CancellationToken.None));
            var planned = await Assert.ThrowsAsync<PgOpsException>(
                () => new PreviewBackup().RunAsync(wrong, _sink, CancellationToken.None));
            Assert.Equal((refused.Code, refused.Problem), (planned.Code, planned.Problem));
        }
    }

    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task A_restored_copy_equals_the_manifest_even_where_the_session_defaults_differ(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var backup = await MakeAsync(source, format);
        var copy = await _server.CreateDatabaseAsync();
        await SandboxServer.ExecuteAsync(
            _server.Target, $"ALTER DATABASE {Quote.Identifier(copy.Database)} SET TimeZone = 'America/St_Johns'");
        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {Quote.Identifier(copy.Database)} SET DateStyle = 'SQL, DMY'");
        await BackupTestDatabase.RestoreAsync(backup, copy);
        BackupTestDatabase.AssertEqual(backup.Manifest!, await BackupTestDatabase.ReadAsync(copy));
        Assert.Equal(12, backup.Manifest!.Tables.Count);
        Assert.All(backup.Manifest.Tables, table => Assert.NotNull(table.Hash));
        Assert.Empty(backup.Manifest.LeftOut);
    }

    [PostgresFact]
    public async Task Archive_and_source_agree_on_every_hash()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types + """
            SELECT lo_from_bytea(0, decode(repeat('0123456789abcdef', 20000), 'hex')), lo_from_bytea(0, '');
            SELECT lo_put(lo_from_bytea(0, 'x'), 200000, 'behind a hole');
            CREATE TABLE marks (a text, b text);
            INSERT INTO marks VALUES ('\.', NULL), (NULL, '\.'), (E'\\.\n', 'COPY x FROM stdin;'), ('', E'\t\\N');
            CREATE TABLE "a FROM stdin;
            b" ("x y" int);
            INSERT INTO "a FROM stdin;
            b" VALUES (1), (1);
            """);
        foreach (var format in Enum.GetValues<PgBackupFormat>())
        {
            var archive = await MakeAsync(source, format, request => request with { Fingerprint = PgFingerprintDepth.Archive });
            var inSource = await MakeAsync(source, format, request => request with { Fingerprint = PgFingerprintDepth.Source });

            Assert.Equal("Archive", archive.Manifest!.Fingerprint);
            Assert.Equal(archive.Manifest.Tables.Count, archive.FingerprintCost.Count);
            Assert.All(archive.FingerprintCost, table => Assert.True(table.Duration > TimeSpan.Zero, table.ToString()));
            Assert.Equal(BackupTestDatabase.Lines(inSource.Manifest!.Tables), BackupTestDatabase.Lines(archive.Manifest.Tables));
            var test = await new TestBackup().RunAsync(
                new TestBackupRequest { Path = archive.Path, Deep = true }, new CollectingSink(), CancellationToken.None);
            Assert.All(test.Checks, check => Assert.True(check.Status == PgCheckStatus.Passed, check.ToString()));
            if (format != PgBackupFormat.Plain)
            {
                var copy = await _server.CreateDatabaseAsync();
                await BackupTestDatabase.RestoreAsync(archive, copy);
                BackupTestDatabase.AssertEqual(archive.Manifest, await BackupTestDatabase.ReadAsync(copy));
            }
        }
    }

    [PostgresTheory]
    [InlineData("bytea_output = 'escape'")]
    [InlineData("quote_all_identifiers = on")]
    public async Task Where_settings_shape_the_archives_text_the_source_is_fingerprinted(string setting)
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE a (b bytea); INSERT INTO a VALUES ('a');");
        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {Quote.Identifier(source.Database)} SET {setting}");

        var backup = await MakeAsync(source, PgBackupFormat.Directory);

        Assert.Equal("Source", backup.Manifest!.Fingerprint);
        Assert.All(backup.Manifest.Tables, table => Assert.NotNull(table.Hash));
    }

    [PostgresFact]
    public async Task Rows_of_extensions_are_fingerprinted_by_the_extensions_own_condition()
    {
        // No extension of the server's own has such a table; one is made by hand, as pg_extension_config_dump does it.
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE EXTENSION hstore;
            CREATE TABLE settings (name text, standard boolean);
            ALTER EXTENSION hstore ADD TABLE settings;
            UPDATE pg_extension SET extconfig = ARRAY['settings'::regclass::oid], extcondition = ARRAY['WHERE NOT standard']
                WHERE extname = 'hstore';
            INSERT INTO settings VALUES ('mine', false), ('theirs', true);
            """);

        var backup = await MakeAsync(source, PgBackupFormat.Directory);

        var table = Assert.Single(backup.Manifest!.Tables);
        Assert.Equal(("settings", 1), (table.Name, table.Rows));
        Assert.NotNull(table.Hash);
    }

    [PostgresFact]
    public async Task A_part_of_a_database_holds_that_part_and_says_so()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE SCHEMA a; CREATE SCHEMA b;
            CREATE TABLE a.one AS SELECT generate_series(1, 5) i; CREATE TABLE a.two AS SELECT 1 i;
            CREATE SEQUENCE a.numbers; SELECT nextval('a.numbers');
            CREATE TABLE b.three AS SELECT 1 i;
            SELECT lo_from_bytea(0, 'x');
            """);

        var schema = await PartAsync(new DumpSelection { Schemas = ["a"], ExcludedTables = ["a.two"] });
        var definitions = await PartAsync(new DumpSelection { SchemaOnly = true });
        var withoutRows = await PartAsync(new DumpSelection { ExcludedTableData = ["a.one"], NoLargeObjects = true });
        var data = await PartAsync(new DumpSelection { DataOnly = true });

        Assert.Equal(["a.one"], schema);
        Assert.Empty(definitions);
        Assert.Equal(["a.two", "b.three"], withoutRows);
        Assert.Equal(["a.one", "a.two", "b.three", "pg_catalog.pg_largeobject"], data);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => PartAsync(new DumpSelection { Schemas = ["nowhere"] }));
        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);

        async Task<IEnumerable<string>> PartAsync(DumpSelection selection)
        {
            var backup = await MakeAsync(source, PgBackupFormat.Directory, request => request with { Selection = selection });
            Assert.NotEmpty(backup.Manifest!.Payload.Selection);
            var test =
                await new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path }, new CollectingSink(), CancellationToken.None);
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            var drilling = new TestRestore().RunAsync(
                new TestRestoreRequest { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
            if (selection.DataOnly)
            {
                // Rows alone fit into no empty database; the way out is the one that does work.
                var refused = await Assert.ThrowsAsync<PgOpsException>(() => drilling);
                Assert.Equal(PgErrorCode.InvalidArgument, refused.Code);
                Assert.Contains("pg_restore --data-only", refused.NextStep, StringComparison.Ordinal);
                var restoring = new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = "rows_alone" };
                Assert.Equal(refused.Problem, (await Assert.ThrowsAsync<PgOpsException>(
                    () => new RestoreDatabase().RunAsync(restoring, new CollectingSink(), CancellationToken.None))).Problem);
            }
            else
            {
                // A definition without its rows is not a table too many.
                var drill = await drilling;
                Assert.True(drill.Passed, drill.Failure);
            }

            return backup.Manifest.Tables.Select(table => table.ToString());
        }
    }

    [PostgresFact]
    public async Task The_folder_is_complete_private_and_accepted_by_sha256sum()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, BackupTestDatabase.Types);
        var backup = await MakeAsync(source, PgBackupFormat.Directory);
        Assert.Equal(backup.Path, Assert.Single(Directory.EnumerateFileSystemEntries(_folder.Path)));
        Assert.Matches(@"_\d{8}-\d{6}Z$", backup.Path);
        Assert.True(File.Exists(Path.Combine(backup.Path, "globals.sql")));
        Assert.DoesNotContain("PASSWORD", File.ReadAllText(Path.Combine(backup.Path, "globals.sql")), StringComparison.Ordinal);
        Assert.Equal(
            Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length), backup.Bytes);
        if (OperatingSystem.IsLinux())
        {
            foreach (var file in Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }

            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(backup.Path));
            var check = await ToolProcess.RunAsync(
                new ToolCommand("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS") { WorkingDirectory = backup.Path },
                CancellationToken.None);
            check.EnsureSuccess();
        }

        var found = await new FindBackups().RunAsync(new FindBackupsRequest { Path = _folder.Path }, _sink, CancellationToken.None);
        var read = Assert.Single(found);
        Assert.True(read.Complete, read.Problem);
        Assert.Equal(backup.Id, read.Id);
        Assert.Equal(backup.Bytes, read.Bytes);
        Assert.Equal(BackupTestDatabase.Lines(backup.Manifest!.Tables), BackupTestDatabase.Lines(read.Manifest!.Tables));
        var test = await new TestBackup().RunAsync(new TestBackupRequest { Path = backup.Path }, _sink, CancellationToken.None);
        Assert.All(test.Checks, passed => Assert.True(passed.Status == PgCheckStatus.Passed, passed.ToString()));
        Assert.Equal(["files", "hashes", "manifest", "table-of-contents"], test.Checks.Select(passed => passed.Name));
    }

    [PostgresFact]
    public async Task The_manifest_says_where_it_came_from()
    {
        var history = string.Join(";\n", new HistoryTable("pgops").CreateStatements.Prepend("CREATE SCHEMA pgops"));
        var source = await BackupTestDatabase.CreateAsync(_server, history + """
            ;
            INSERT INTO pgops.migration_history (id, version, name, kind, state, row_hash, checksum, script, transactional,
                statements_total, statements_done, started_at, applied_by, host, tool_version, previous_hash)
            SELECT r.*, '', '', true, 1, 1, now(), '', '', '', '' FROM (VALUES
                (1, '001', 'one', 'versioned', 'applied', 'aa'), (2, '002', 'two', 'versioned', 'applied', 'bb'),
                (3, '003', 'x', 'versioned', 'applied', 'cc'), (4, 'R__view', 'view', 'repeatable', 'applied', 'dd'),
                (5, '003', 'x', 'versioned', 'reverted', 'ee'), (6, '004', 'y', 'versioned', 'failed', 'ff')) r;
            CREATE ROLE "manifest owner"; CREATE TABLE t (a int); ALTER TABLE t OWNER TO "manifest owner";
            """);
        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {source.Database} SET work_mem = '8MB'");
        await SandboxServer.ExecuteAsync(_server.Target, $"ALTER DATABASE {source.Database} SET app.jwt_secret = 'hunter22hunter22'");
        var manifest = (await MakeAsync(source, PgBackupFormat.Directory)).Manifest!;
        Assert.Equal(new PgMigrationMark { Version = "002", Name = "two", HistoryRows = 6, HistoryHash = "ff" }, manifest.Migration);
        Assert.Contains("manifest owner", manifest.Facts.Roles);
        Assert.Contains(source.Username, manifest.Facts.Roles);
        Assert.Equal(["work_mem=8MB"], manifest.Facts.Settings);
        Assert.Contains(manifest.LeftOut, sentence => sentence.Contains("app.jwt_secret", StringComparison.Ordinal));
        Assert.Equal("1.0", manifest.Facts.Extensions["plpgsql"]);
        Assert.Matches("^[0-9]+/", manifest.Server.ClusterId);
        Assert.Matches("^[0-9A-F]+/[0-9A-F]+$", manifest.Server.WalPosition);
        Assert.True((DateTime.UtcNow - manifest.SnapshotAt).Duration() < TimeSpan.FromMinutes(1));
        Assert.DoesNotContain("hunter22", Encoding.UTF8.GetString(ManifestJson.Write(manifest)), StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Writers_at_full_speed_do_not_disturb_it()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, """
            CREATE TABLE accounts (id int PRIMARY KEY, balance int, filler text);
            INSERT INTO accounts SELECT i, 0, repeat('f', 80) FROM generate_series(1, 20000) i;
            CREATE TABLE history (id bigserial PRIMARY KEY, account int, delta int, at timestamptz DEFAULT clock_timestamp());
            """);
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 3).Select(number => WriteAsync(source, number, stop.Token)).ToArray();
        var backups = new List<PgBackup>();
        for (var round = 0; round < 4; round++)
        {
            backups.Add(await MakeAsync(source, round % 2 == 0 ? PgBackupFormat.Directory : PgBackupFormat.Custom));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.True(backups[^1].Manifest!.Tables[1].Rows > backups[0].Manifest!.Tables[1].Rows, "nothing was written meanwhile");
        foreach (var backup in backups)
        {
            var copy = await _server.CreateDatabaseAsync();
            await BackupTestDatabase.RestoreAsync(backup, copy);
            BackupTestDatabase.AssertEqual(backup.Manifest!, await BackupTestDatabase.ReadAsync(copy));
        }
    }

    [PostgresFact]
    public async Task Two_backups_in_one_second_and_an_odd_name_get_along()
    {
        var source = await _server.CreateDatabaseAsync("odd/na me='x' ä");
        var backups = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => MakeAsync(source, PgBackupFormat.Custom)));
        Assert.Equal(3, backups.Select(backup => backup.Path).Distinct().Count());
        Assert.All(backups, backup => Assert.StartsWith("odd_na_me__x__ä_", Path.GetFileName(backup.Path), StringComparison.Ordinal));
        Assert.All(backups, backup => Assert.Equal("odd/na me='x' ä", backup.Manifest!.Database));
        Assert.Empty(backups.SelectMany(backup => backup.Manifest!.Tables));
    }

    [PostgresFact]
    public async Task No_secret_reaches_a_file_or_the_log()
    {
        var source = await BackupTestDatabase.CreateAsync(_server, "CREATE TABLE t (a int)");
        const string Secret = "s3cr3t-that-must-not-show";
        await SandboxServer.ExecuteAsync(
            _server.Target, $"CREATE ROLE secretive SUPERUSER LOGIN PASSWORD '{Secret}'");
        var target = (source with { Username = "secretive" }).WithPassword(new PgSecret(Secret));
        var backup = await MakeAsync(target, PgBackupFormat.Directory);
        var everything = string.Concat(Directory.EnumerateFiles(backup.Path, "*", SearchOption.AllDirectories)
            .Select(file => Encoding.Latin1.GetString(File.ReadAllBytes(file))));
        Assert.DoesNotContain(Secret, everything, StringComparison.Ordinal);
        Assert.DoesNotContain("SCRAM-SHA", everything, StringComparison.Ordinal);
        Assert.DoesNotContain(_sink.Lines, line => line.Text.Contains(Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, backup.ToString() + backup.Manifest, StringComparison.Ordinal);
    }

    private async Task<PgBackup> MakeAsync(
        PgTarget target, PgBackupFormat format, Func<BackupDatabaseRequest, BackupDatabaseRequest>? change = null)
    {
        var request = new BackupDatabaseRequest { Target = target, Path = _folder.Path, Format = format };
        return await new BackupDatabase().RunAsync(change?.Invoke(request) ?? request, _sink, CancellationToken.None);
    }

    private static async Task WriteAsync(PgTarget target, int number, CancellationToken stop)
    {
        await using var connection = await SandboxServer.OpenAsync(target);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"""
                UPDATE accounts SET balance = balance + 1 WHERE id = {((i * 7919) + number) % 20000};
                INSERT INTO history (account, delta) VALUES ({i}, 1);
                DELETE FROM history WHERE id % 50 = 0 AND account = {i - 1};
                """;
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }
}
