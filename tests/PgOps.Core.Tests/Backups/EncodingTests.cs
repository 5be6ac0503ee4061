using PgOps.Core.Backups;
using PgOps.Core.Checks;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>Databases in other encodings than UTF-8, with names that no ASCII can write: made, tested, drilled, taken apart.</summary>
[Collection(PostgresTests.Name)]
[Trait("Category", "Slow")]
public sealed class EncodingTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public EncodingTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    // EUC_TW and LATIN6 are unknown to .NET: names in a dump are taken byte by byte.
    public static TheoryData<string, string> Encodings => new()
    {
        { "LATIN1", "größe" }, { "LATIN2", "čšž" }, { "LATIN6", "þæ" }, { "LATIN9", "prix€" }, { "WIN1251", "размер" },
        { "WIN1252", "prix€" }, { "ISO_8859_5", "размер" }, { "KOI8R", "размер" }, { "EUC_JP", "寸法～" }, { "EUC_KR", "크기" },
        { "EUC_TW", "尺寸" }, { "SQL_ASCII", "größe" },
    };

    [PostgresTheory]
    [MemberData(nameof(Encodings))]
    public async Task Names_of_its_letters_go_round_in_every_format(string encoding, string name)
    {
        var source = await CreateAsync(encoding, name);
        foreach (var format in new[] { PgBackupFormat.Custom, PgBackupFormat.Directory, PgBackupFormat.Plain })
        {
            if (format == PgBackupFormat.Plain && encoding is ("LATIN6" or "EUC_TW"))
            {
                var refused = await Assert.ThrowsAsync<PgOpsException>(() => MakeAsync(source, format));
                Assert.Equal(
                    $"A script in the encoding {encoding} could not be read back: .NET does not know the encoding.", refused.Problem);
                continue;
            }

            var backup = await MakeAsync(source, format);
            Assert.Equal(
                [$"{name}.A {name}", $"{name}.plain"], backup.Manifest!.Tables.Select(table => $"{table.Schema}.{table.Name}").Order());
            Assert.Equal(7, backup.Manifest.Sequences.Single(one => one.Name == $"{name}_counter").LastValue);

            var test = await new TestBackup().RunAsync(new() { Path = backup.Path }, new CollectingSink(), CancellationToken.None);
            Assert.True(test.Passed, string.Join('\n', test.Checks));
            var drill = await new TestRestore().RunAsync(
                new() { Backup = backup, Server = _server.Target }, new CollectingSink(), CancellationToken.None);
            Assert.True(drill.Proven, $"{format}: {string.Join('\n', drill.Checks)}");
        }
    }

    [PostgresTheory]
    [InlineData("UTF8", "größe")]
    [InlineData("LATIN1", "größe")]
    [InlineData("KOI8R", "размер")]
    [InlineData("EUC_JP", "寸法～")]
    [InlineData("EUC_TW", "尺寸")]
    [InlineData("SQL_ASCII", "größe")]
    public async Task Rows_that_are_excluded_by_such_a_name_are_not_in_the_dump(string encoding, string name)
    {
        var source = await CreateAsync(encoding, name);
        foreach (var format in encoding == "EUC_TW"
            ? [PgBackupFormat.Custom] : new[] { PgBackupFormat.Custom, PgBackupFormat.Plain })
        {
            var backup = await MakeAsync(source, format, new() { ExcludedTableData = [$"\"{name}\".\"A {name}\""] });
            Assert.Equal(["plain"], backup.Manifest!.Tables.Select(table => table.Name));
            Assert.Equal([$"--exclude-table-data=\"{name}\".\"A {name}\""], backup.Manifest.Payload.Selection);
        }

        var part = await MakeAsync(source, PgBackupFormat.Custom, new() { Tables = [$"{name}.pl*"] });
        Assert.Equal(["plain"], part.Manifest!.Tables.Select(table => table.Name));
    }

    [PostgresTheory]
    [InlineData("LATIN1", "größe")]
    [InlineData("EUC_JP", "寸法")]
    public async Task A_table_of_such_a_name_is_restored_alone(string encoding, string name)
    {
        var backup = await MakeAsync(await CreateAsync(encoding, name), PgBackupFormat.Custom);

        var restore = await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = $"alone_{encoding}".ToLowerInvariant(), Tables = [$"A {name}"] },
            new CollectingSink(), CancellationToken.None);

        Assert.Equal(2L, await SandboxServer.ExecuteAsync(restore.Target, $"SELECT count(*) FROM \"{name}\".\"A {name}\""));
        Assert.Equal(
            DBNull.Value,
        await SandboxServer.ExecuteAsync(restore.Target, $"SELECT to_regclass('\"{name}\".plain')::text") ?? DBNull.Value);
    }

    [PostgresFact]
    public async Task All_that_looks_at_a_database_works_there()
    {
        var source = await CreateAsync("LATIN1", "größe");
        await SandboxServer.ExecuteAsync(source, """
            CREATE TABLE heap (a int); CREATE MATERIALIZED VIEW m AS SELECT current_user; ALTER TABLE heap ENABLE ROW LEVEL SECURITY;
            CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE INDEX ON ONLY p (a)
            """);
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = source }, new CollectingSink(), CancellationToken.None);
        Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
        var test = await new TestDatabase().RunAsync(new() { Target = source }, new CollectingSink(), CancellationToken.None);
        Assert.DoesNotContain(test.Checks, check => check.ToString().Contains("22P05", StringComparison.Ordinal));
        Assert.Contains(test.Checks, check => check.ToString().Contains("is INVALID", StringComparison.Ordinal));
    }

    private async Task<PgTarget> CreateAsync(string encoding, string name)
    {
        var database = $"enc_{encoding}_{Guid.NewGuid():N}"[..30];
        await SandboxServer.ExecuteAsync(
            _server.Target,
            $"CREATE DATABASE {Quote.Identifier(database)} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        var target = _server.Target.WithDatabase(database);
        await SandboxServer.ExecuteAsync(target, $"""
            CREATE SCHEMA "{name}";
            CREATE TABLE "{name}"."A {name}" ("{name}" text PRIMARY KEY, n int);
            INSERT INTO "{name}"."A {name}" VALUES ('{name}', 1), ('plain', 2);
            CREATE TABLE "{name}".plain AS SELECT 1 AS a;
            CREATE VIEW "{name}".v AS SELECT "{name}" FROM "{name}"."A {name}";
            CREATE SEQUENCE "{name}"."{name}_counter"; SELECT setval('"{name}"."{name}_counter"', 7);
            COMMENT ON TABLE "{name}".plain IS 'says {name}'
            """);
        return target;
    }

    private Task<PgBackup> MakeAsync(PgTarget source, PgBackupFormat format, DumpSelection? selection = null)
        => new BackupDatabase().RunAsync(
            new() { Target = source, Path = _folder.Path, Format = format, Selection = selection ?? new() },
            new CollectingSink(),
            CancellationToken.None);
}
