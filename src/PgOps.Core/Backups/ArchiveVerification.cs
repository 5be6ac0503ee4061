using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Backups;

/// <summary>The step "verify": holds the finished archive against what the snapshot had.</summary>
internal static class ArchiveVerification
{
    /// <summary>Verifies it.</summary>
    /// <param name="plan">What the first step has settled.</param>
    /// <param name="snapshot">The archive, and what was found in the snapshot.</param>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="timings">Receives seconds by phase.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Ends pg_restore.</param>
    /// <returns>The fingerprint, with what the archive alone knows.</returns>
    /// <exception cref="PgOpsException">BackupFailed.</exception>
    internal static async Task<DatabaseContent> RunAsync(
        BackupPlan plan,
        DumpedSnapshot snapshot,
        string folder,
        PhaseTimings timings,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var (archive, content, contents, dumped, _) = snapshot;
        RequireEveryTable(plan, contents, dumped, content);
        var only = !plan.Request.Selection.IsWhole;
        content = content with
        {
            Sequences = snapshot.Stream?.Sequences(content.Sequences, only)
                ?? await contents.SequencesAsync(
                    plan.Tools.Restore, archive, folder, content.Sequences, only, cancellationToken).ConfigureAwait(false),
        };
        timings.End("readBack");
        if (plan.Depth == PgFingerprintDepth.Archive)
        {
            using var progress = new ProgressActivity(sink, $"Reading the backup of {plan.Database} back");
            var rows = snapshot.Stream?.Rows ?? await ArchiveFingerprint.ReadAsync(
                plan.Tools.Restore, archive, contents, dumped.Tables, plan.Jobs, folder, progress, timings, cancellationToken)
                .ConfigureAwait(false);
            content = content with { Tables = Join(content.Tables, dumped.Tables, rows) };
            timings.End("archive");
        }

        return content;
    }

    /// <summary>
    /// How deep to look. The archive's text is the source's only where nothing but the pinned settings shapes it: not in another
    /// encoding than UTF-8, not with money, whose form the database's lc_monetary decides, and not with names quoted in values of regclass
    /// and the like.
    /// </summary>
    internal static async Task<PgFingerprintDepth> DepthAsync(
        PgFingerprintDepth asked, NpgsqlConnection connection, ILogger log, CancellationToken cancellationToken)
    {
        if (asked != PgFingerprintDepth.Archive)
        {
            return asked;
        }

        var obstacle = await connection.ScalarAsync<string>(
            """
            SELECT CASE WHEN pg_catalog.current_setting('server_encoding') NOT IN ('UTF8', 'SQL_ASCII')
                    THEN 'its encoding is ' || pg_catalog.current_setting('server_encoding')
                WHEN EXISTS (SELECT FROM pg_catalog.pg_settings
                        WHERE name = 'lc_monetary' AND reset_val NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8'))
                    AND (EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE atttypid IN (790, 791) AND attrelid >= 16384)
                        OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typbasetype IN (790, 791) AND oid >= 16384))
                    THEN 'it holds values of type money, and lc_monetary is not C'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'bytea_output' AND reset_val <> 'hex')
                    THEN 'bytea_output is not hex'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'quote_all_identifiers' AND reset_val = 'on')
                    THEN 'quote_all_identifiers is on' END
            """,
            cancellationToken).ConfigureAwait(false);
        if (obstacle is null)
        {
            return asked;
        }

        log.FingerprintFromSource(obstacle);
        return PgFingerprintDepth.Source;
    }

    /// <summary>The archive's own table of contents must name exactly the tables that were fingerprinted.</summary>
    /// <exception cref="PgOpsException">BackupFailed.</exception>
    private static void RequireEveryTable(BackupPlan plan, ArchiveContents contents, DumpedTables dumped, DatabaseContent content)
    {
        var inArchive = contents.TableOids;
        if (dumped.Tables.Where(table => plan.Selected.WithoutRows.Contains(table.Oid)).Select(table => table.Qualified).ToList()
            is { Count: > 0 } unwanted)
        {
            throw new PgOpsException(
                PgErrorCode.BackupFailed,
                $"The archive holds rows of {NameList.InSentence(unwanted, 10)}, which were to be left out.",
                BackupDatabase.NothingLeft,
                "This is a defect of PgOps: please report it with the parameters and pg_dump's version.");
        }

        var expected = dumped.Tables.Where(table => !table.IsLargeObjects).ToList();
        var missing = expected.Where(table => !inArchive.Contains(table.Oid)).Select(table => table.Qualified).ToList();
        if (missing.Count > 0 || inArchive.Count > expected.Count || content.Tables.Count != dumped.Tables.Count)
        {
            throw new PgOpsException(
                PgErrorCode.BackupFailed,
                missing.Count > 0
                    ? $"The archive holds no rows of {NameList.InSentence(missing, 10)}, which the snapshot has."
                    : $"The archive holds {PgAmount.Of(inArchive.Count, "table")} with rows, "
                        + $"the snapshot {PgAmount.Of(expected.Count, "table")}.",
                BackupDatabase.NothingLeft,
                "Run the backup again; if this stays, it is a defect of PgOps: please report it with the server's and pg_dump's version.");
        }
    }

    /// <summary>The counts of the snapshot with the hashes of the archive, whose numbers of rows must be the same.</summary>
    /// <exception cref="PgOpsException">BackupFailed.</exception>
    private static List<PgTableFingerprint> Join(
        IReadOnlyList<PgTableFingerprint> counted, IReadOnlyList<DumpedTable> tables, IReadOnlyDictionary<uint, RowHashSum> archived)
    {
        var joined = counted.Zip(tables, (count, table) => (
            Count: count, Rows: table.IsLargeObjects ? null : archived.GetValueOrDefault(table.Oid), table.IsLargeObjects)).ToList();
        var wrong = joined.Where(pair => !pair.IsLargeObjects && pair.Rows?.Rows != pair.Count.Rows).ToList();
        return wrong.Count == 0
            ? joined.ConvertAll(pair => pair.Rows is null ? pair.Count : pair.Count with { Hash = pair.Rows.Digest })
            : throw new PgOpsException(
                PgErrorCode.BackupFailed,
                "The archive does not hold the rows that the snapshot has: " + NameList.InSentence(wrong.Select(
                    pair => FormattableString.Invariant($"{pair.Count} {pair.Rows?.Rows ?? 0} of {pair.Count.Rows}")), 10) + ".",
                BackupDatabase.NothingLeft,
                "Check the disk and run the backup again.");
    }
}
