namespace PgOps.Core.Reports;

/// <summary>One migration and what became of it.</summary>
internal sealed record ReportMigration(
    string Version, string Name, string State, DateTime? AppliedAt, TimeSpan? Duration, string? AppliedBy, string? Checksum,
    string? BackupId);
