using System.Text;
using PgOps.Core.Reports;

namespace PgOps.Core.Tests.Reports;

/// <summary>
/// Every kind of record, filled as an operation fills it, in every format: the whole text is held, because other programs read it. When it
/// changes on purpose, run this test with PGOPS_ACCEPT set, and read the difference.
/// </summary>
public sealed class ReportTextTests
{
    private static readonly DateTime At = new(2026, 11, 19, 2, 0, 0, DateTimeKind.Utc);
    private static readonly PgCheck Good = PgCheck.Pass("one", "fine") with { Duration = TimeSpan.FromSeconds(2) };
    private static readonly PgCheck Bad = PgCheck.Fail("two", $"password={ReportSamples.Secret}");

    [Theory]
    [InlineData(PgReportFormat.Json, "json")]
    [InlineData(PgReportFormat.Html, "html")]
    [InlineData(PgReportFormat.Markdown, "md")]
    [InlineData(PgReportFormat.JUnit, "xml")]
    public void The_text_of_a_report_is_as_it_was(PgReportFormat format, string ending)
    {
        var report = ExportReport.Compose(Records(), "Everything") with
        {
            CreatedAt = At,
            CreatedBy = "ann",
            CreatedOn = "machine",
            PgOpsVersion = "1.2.3",
        };
        var text = format switch
        {
            PgReportFormat.Html => HtmlReport.Write(report),
            PgReportFormat.Markdown => MarkdownReport.Write(report),
            PgReportFormat.JUnit => JUnitReport.Write(report),
            _ => JsonReport.Write(report),
        };
        var file = Path.Combine(SourceFolder(), "Expected", "everything." + ending);
        if (Environment.GetEnvironmentVariable("PGOPS_ACCEPT") is { Length: > 0 })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text, new UTF8Encoding(false));
        }

        Assert.Equal(File.ReadAllText(file).ReplaceLineEndings("\n"), text.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Every_result_type_has_its_sections()
    {
        var known = Records().Select(record => record.GetType()).ToHashSet();
        var unknown = typeof(PgCheckedResult).Assembly.GetExportedTypes()
            .Where(type => type.IsSubclassOf(typeof(PgCheckedResult)) && !known.Contains(type)).ToList();
        Assert.Empty(unknown);
        var text = new ReportText([]);
        Assert.All(
            Records().Where(record => record is not Exception and not PgMigration and not PgBackup),
            record => Assert.NotEmpty(RecordFacts.Of(record, text)));
    }

    private static object[] Records()
    {
        var backup = Backup();
        PgMigration[] migrations =
        [
            new()
            {
                Version = "7", Name = "orders", State = PgMigrationState.Applied, Checksum = "aa", AppliedChecksum = "ab", AppliedAt = At,
                Duration = TimeSpan.FromSeconds(1.25), AppliedBy = "ann", BackupId = "b1", Target = ReportSamples.Target,
            },
        ];
        PgMigration[] listed =
        [
            migrations[0],
            new() { Version = "8", Name = "later", State = PgMigrationState.Pending, Checksum = "bb", Target = ReportSamples.Target },
            new()
            {
                Version = "9",
                Name = "edited",
                State = PgMigrationState.Changed,
                Remark = "It was changed.",
                Target = ReportSamples.Target,
            },
            new() { Version = "1", Name = "elsewhere", State = PgMigrationState.Baselined },
        ];
        PgTableComparison[] tables =
        [
            new()
            {
                Schema = "public",
                Name = "orders",
                Verdict = PgTableVerdict.Equal,
                ReferenceRows = 7,
                DifferenceRows = 7,
                ReferenceHash = "aa",
                DifferenceHash = "aa",
            },
            new()
            {
                Schema = "public",
                Name = ReportSamples.Evil,
                Verdict = PgTableVerdict.Missing,
                ReferenceRows = 2,
                ReferenceHash = "bb",
            },
        ];
        return
        [
            ReportSamples.Mixed,
            ReportSamples.Drill(Good, ReportSamples.Content) with
            {
                Backup = backup, Rows = 9, DataAge = TimeSpan.FromHours(5), ServerVersion = "17.2", Duration = TimeSpan.FromMinutes(3),
            },
            new PgBackupTest
            {
                Backup = backup,
                Files = 5,
                Bytes = 4096,
                Checks = [Good],
                StartedAt = At,
                Duration = TimeSpan.FromSeconds(3),
            },
            ReportSamples.Backup,
            backup,
            backup with { Complete = false, Proven = false, Problem = "half of it is missing" },
            new PgRestore
            {
                Backup = backup, Target = ReportSamples.Target, TablesVerified = 2, Rows = 9, Selection = ["public.orders"],
                ReplacedDatabase = "shop_old",
                Masked = [new PgMaskedColumn { Table = "public.person", Column = "name", Rule = "name" }], Checks = [Good, Bad],
                StartedAt = At,
                Duration = TimeSpan.FromSeconds(61),
            },
            new PgComparison
            {
                Reference = "shop", Difference = "copy", Tables = tables,
                Objects = [new() { Kind = "index", Name = "i", Verdict = PgObjectVerdict.Missing }],
                Rows = [new() { Schema = "public", Table = "orders", Key = "1", Verdict = PgObjectVerdict.Missing }],
                ExcludedSchemas = ["x"], Checks = [Bad],
                StartedAt = At,
            },
            new PgTargetTest
            {
                Target = ReportSamples.Target, ServerVersion = "17.2", CurrentUser = "ann", IsSuperuser = true, Encrypted = true,
                InRecovery = false, TransactionPooler = false, DatabaseBytes = 12345,
                RoundTrip = TimeSpan.FromMilliseconds(1.5), Checks = [Good], StartedAt = At, Duration = TimeSpan.FromMilliseconds(20),
            },
            new PgDatabaseTest
            {
                Target = ReportSamples.Target, ServerVersion = "17.2", LeftOut = [Enum.GetValues<PgFindingKind>()[^1]], StartedAt = At,
                Checks = [Good, Bad],
                Findings =
                [
                    new()
                    {
                        Kind = Enum.GetValues<PgFindingKind>()[0], Severity = PgFindingSeverity.Warning, Object = "public.orders",
                        Problem = "is odd",
                        NextStep = "Mend it.",
                    },
                ],
            },
            new PgDatabaseSwitch
            {
                Target = ReportSamples.Target, With = "shop_new", ReplacedDatabase = "shop_old", Undone = true, AlreadyInPlace = true,
                EndedSessions = [new() { Pid = 5 }], DrainTime = TimeSpan.FromSeconds(1), Downtime = TimeSpan.FromMilliseconds(12),
                Checks = [Good],
                StartedAt = At, Duration = TimeSpan.FromSeconds(2),
            },
            new PgMigrationRun
            {
                Target = ReportSamples.Target, Applied = migrations, Baselined = [migrations[0] with { Version = "5" }],
                Reverted = [migrations[0] with { Version = "6" }], FromVersion = "6", ToVersion = "7", StillPending = 2, Statements = 4,
                LockWait = TimeSpan.FromSeconds(1), Duration = TimeSpan.FromSeconds(5), BackupId = "b1",
            },
            ReportSamples.Run,
            new PgMigrationRun { Target = ReportSamples.Target },
            new PgDatabaseReset
            {
                Target = ReportSamples.Target, DroppedBytes = 2048, Applied = migrations,
                Seeded = [migrations[0] with { Version = "seed" }], ToVersion = "7",
                Statements = 3, EndedSessions = ["psql"], LeftDatabase = "shop_old", Duration = TimeSpan.FromSeconds(1),
            },
            .. listed,
            ReportSamples.Error,
            new PgOpsException(PgErrorCode.BackupDamaged, "It is damaged.", "Nothing was done.", "Take another.") { Subject = backup },
            new InvalidOperationException("It cannot be."),
        ];
    }

    private static PgBackup Backup() => ReportSamples.Backup with
    {
        Id = "b1",
        Bytes = 123456,
        Proven = true,
        ProvenAt = At.AddDays(1),
        ProvenBy = "ann",
        Warnings = ["pg_dump: warning: odd"],
        FingerprintCost = [new PgTableCost("public", "orders", TimeSpan.FromSeconds(1))],
        Duration = TimeSpan.FromSeconds(7),
        Manifest = new PgBackupManifest
        {
            Id = "b1",
            Database = "shop",
            SnapshotAt = At,
            Server = new PgServerFacts
            {
                Version = "15.18",
                VersionNumber = 150018,
                ClusterId = "c1",
                WalPosition = "0/16B3748",
                Host = "db1",
                Port = 5432,
            },
            Facts = new PgDatabaseFacts { Oid = 5, Encoding = "UTF8", Collate = "C", CType = "C" },
            Payload = new PgPayload { Format = "directory", Path = "data", Tool = "pg_dump 15.18" },
            Fingerprint = "Source",
            Tables = [new PgTableFingerprint { Schema = "public", Name = "orders", Rows = 7, Hash = "aa" }],
            Migration = new PgMigrationMark { Version = "7", Name = "orders", HistoryRows = 3, HistoryHash = "hh" },
            LeftOut = ["large objects"],
            CreatedBy = "ann",
            CreatedOn = "machine",
            PgOpsVersion = "1.2.3",
        },
    };

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
