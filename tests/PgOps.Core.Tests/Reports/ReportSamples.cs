namespace PgOps.Core.Tests.Reports;

/// <summary>Records as operations give them, with names that are markup somewhere.</summary>
internal static class ReportSamples
{
    internal const string Evil = "<script>alert(1)</script> | ]]> `x` *y* & \u202Ez";
    internal const string Secret = "s3cret-pa55";

    internal static PgTarget Target { get; } = new PgTarget { Host = "db1", Database = "shop" }.WithPassword(new PgSecret(Secret));

    internal static PgBackup Backup { get; } = new()
    {
        Id = "b0",
        Database = "shop",
        Path = "/backups/shop_20261119-020000Z",
        Format = "directory",
        Complete = true,
        SnapshotAt = new DateTime(2026, 11, 19, 2, 0, 0, DateTimeKind.Utc),
        Source = Target,
    };

    internal static PgDrill Drill(params PgCheck[] checks) => new()
    {
        Backup = Backup,
        Checks = checks,
        ContentEqual = checks.Any(check => check is { Name: PgCheckName.Content, Status: PgCheckStatus.Passed }),
        StartedAt = new DateTime(2026, 11, 19, 3, 0, 0, DateTimeKind.Utc),
        RecoveryTime = TimeSpan.FromSeconds(12),
        Tables =
        [
            new PgTableComparison
            {
                Schema = "public",
                Name = "orders",
                Verdict = PgTableVerdict.Equal,
                ReferenceRows = 7,
                DifferenceRows = 7,
                ReferenceHash = "aa",
                DifferenceHash = "aa",
            },
            new PgTableComparison
            {
                Schema = "public",
                Name = Evil,
                Verdict = PgTableVerdict.RowsDiffer,
                ReferenceRows = 2,
                DifferenceRows = 1,
                ReferenceHash = "bb",
                DifferenceHash = "cc",
            },
            new PgTableComparison
            {
                Schema = "public",
                Name = "counted",
                Verdict = PgTableVerdict.CountsEqual,
                ReferenceRows = 1,
                DifferenceRows = 1,
            },
        ],
    };

    internal static PgCheck Content { get; } = PgCheck.Pass("content", "equal") with { Duration = TimeSpan.FromSeconds(2) };

    internal static PgDrill Mixed { get; } = Drill(
        PgCheck.Pass("hashes", "as recorded") with { Duration = TimeSpan.FromSeconds(1) },
        PgCheck.Fail("row-counts", $"{Evil}\npassword={Secret}"),
        PgCheck.Skip("statistics", "not reached"));

    internal static PgMigrationRun Run { get; } = new()
    {
        Target = Target,
        Applied = [new PgMigration
        {
            Version = "7",
            Name = Evil,
            State = PgMigrationState.Applied,
            AppliedAt = new DateTime(2026, 11, 19, 4, 0, 0, DateTimeKind.Utc),
        }],
        ToVersion = "7",
    };

    internal static PgOpsException Error { get; } = new(
        PgErrorCode.MigrationFailed, $"It broke: {Evil}", null, "Mend it.")
    {
        Subject = Target,
        Statement = new PgStatementError { Sql = $"ALTER ROLE x PASSWORD '{Secret}'" },
    };
}

/// <summary>A type that came after the report.</summary>
internal sealed record PgLaterThing : PgCheckedResult
{
    public PgTarget Target { get; init; } = ReportSamples.Target;
}
