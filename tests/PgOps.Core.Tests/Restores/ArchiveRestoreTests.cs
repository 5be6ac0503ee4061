using Npgsql;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>
/// 819 errors "ignored on restore", 19 tables lost, exit code 0: what pg_restore says decides, not how it ends. A script stands in for
/// it here.
/// </summary>
public sealed class ArchiveRestoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pg_restore: warning: errors ignored on restore: 819", 0, "errors ignored on restore: 819")]
    [InlineData("pg_restore: WARNING:  something the server does not like", 0, "does not like")]
    [InlineData("pg_restore: pg_restore: WARNING:  of a worker beside another", 0, "of a worker")]
    [InlineData("WARNING:  database \"x\" has a collation version mismatch", 0, "collation version mismatch")]
    [InlineData("pg_restore: error: could not read", 1, "could not read")]
    [InlineData("something without a shape", 3, "exit code 3")]
    public async Task Any_complaint_fails_the_restore(string said, int exitCode, string quoted)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(["pg_restore: creating TABLE \"public.t\"", said], exitCode));
        Assert.Equal(PgErrorCode.RestoreFailed, error.Code);
        Assert.Contains(quoted, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(exitCode == 3 ? "no such line" : "creating TABLE", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_of_the_server_is_no_fault_of_the_backup()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(
            [
                "pg_restore: from TOC entry 3401; 0 16391 TABLE DATA a postgres",
                "pg_restore: error: COPY failed for table \"a\": ERROR:  could not extend file \"base/5/16391\": No space left on device",
                "pg_restore: finished",
            ],
            1));

        Assert.Equal(PgErrorCode.DiskFull, error.Code);
        Assert.Null(new ReportingRules().Finding("restore", error));
    }

    [Theory]
    [InlineData("53100", false)]
    [InlineData("57014", false)]
    [InlineData("58030", false)]
    [InlineData("23505", true)]
    [InlineData("42P01", true)]
    public void What_the_server_lacks_is_no_fault_of_the_backup(string state, bool isFinding)
        => Assert.Equal(
            isFinding, new ReportingRules().Finding("restore", new PostgresException("no", "ERROR", "ERROR", state)) is not null);

    [Fact]
    public async Task Ordinary_lines_are_no_complaint_whatever_the_tables_are_called()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var check = await RunAsync(
            ["pg_restore: creating TABLE \"public.warning: error: x\"", "pg_restore: processing data for table \"public.error: all lost\""],
            0);
        Assert.Equal(PgCheckStatus.Passed, check.Status);
    }

    [Fact]
    public async Task Quotes_the_entry_the_detail_and_the_statement_but_no_password()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(
            [
                "pg_restore: while PROCESSING TOC:", "pg_restore: from TOC entry 7; 1417 9 USER MAPPING a",
                "pg_restore: error: could not execute query: ERROR:  no",
                "DETAIL:  because", "Command was: CREATE USER MAPPING FOR a SERVER s OPTIONS (\"password\" 'hunter2');",
                "pg_restore: finished main parallel loop",
            ],
            1));
        Assert.Contains("from TOC entry 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("DETAIL:  because", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("finished", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refresh_that_fails_on_its_own_rows_is_said_to()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var error = await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(
            [
                "pg_restore: while PROCESSING TOC:", "pg_restore: from TOC entry 3318; 0 16391 MATERIALIZED VIEW DATA mv postgres",
                "pg_restore: error: could not execute query: ERROR:  division by zero",
                "Command was: REFRESH MATERIALIZED VIEW public.mv;",
            ],
            1));
        Assert.StartsWith("The view's query fails on the rows that the backup holds", error.NextStep, StringComparison.Ordinal);
    }

    private async Task<PgCheck> RunAsync(string[] lines, int exitCode)
    {
        var script = Path.Combine(_folder.Path, "pg_restore");
        var text = Path.Combine(_folder.Path, "said");
        await File.WriteAllLinesAsync(text, lines);
        await File.WriteAllTextAsync(
            script, $"#!/bin/sh\n[ \"$1\" != --list ] || exec echo '1; 0 0 ENCODING - ENCODING '\ncat '{text}' >&2\nexit {exitCode}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var manifest = new PgBackupManifest
        {
            Id = "1",
            Database = "shop",
            SnapshotAt = DateTime.UtcNow,
            Server = new() { Version = "15.18", VersionNumber = 150018 },
            Facts = new() { Oid = 1, Encoding = "UTF8", Collate = "C", CType = "C" },
            Payload = new() { Format = "custom", Path = "data.dump" },
            Fingerprint = "Source",
        };
        var backup = new PgBackup
        {
            Id = "1",
            Database = "shop",
            Path = _folder.Path,
            Format = "custom",
            SnapshotAt = DateTime.UtcNow,
            Manifest = manifest,
        };
        var options = new ArchiveRestoreOptions(new PostgresTool("pg_restore", script, "15.18", 15), 2, 15);
        return await ArchiveRestore.RunAsync(backup, new PgTarget(), options, _sink, CancellationToken.None);
    }
}
