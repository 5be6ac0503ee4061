using PgOps.Core.Checks;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Reports;

/// <summary>Makes a result of each record: what it is, how it counts, and the verdict in words.</summary>
internal sealed class ReportReader
{
    private readonly ReportText _text;

    internal ReportReader(ReportText text) => _text = text;

    /// <summary>Whether a report can be made of it: a result with checks, or a record that is known.</summary>
    internal static bool Reads(object record)
        => record is PgCheckedResult or PgMigrationRun or PgBackup or PgMigration or PgDatabaseReset or Exception;

    /// <summary>One result for each record; migrations of one database are gathered.</summary>
    internal IEnumerable<ReportResult> Read(IEnumerable<object> records)
    {
        var listed = records.OfType<PgMigration>().ToLookup(migration => migration.Target?.ToString() ?? "");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (record is not PgMigration migration)
            {
                yield return Read(record);
            }
            else if (seen.Add(migration.Target?.ToString() ?? ""))
            {
                yield return Listed(listed[migration.Target?.ToString() ?? ""].ToList());
            }
        }
    }

    private ReportResult Read(object record) => record switch
    {
        PgDrill drill => Result(
            drill, "Restore drill", drill.Database, drill.Checks, Say(drill), drill.StartedAt) with
        { Duration = drill.RecoveryTime },
        PgBackupTest test => Result(
            test, "Check of the backup", test.Backup.Database, test.Checks,
            test.Passed ? "The files are what was written. A drill would show that they restore." : null),
        PgBackup backup => Backup(backup),
        PgRestore restore => Result(
            restore, "Restore", restore.Target.ToString(), restore.Checks,
            $"The backup of {restore.Backup.Database} as of {ReportText.Time(restore.Backup.SnapshotAt)} was restored; "
                + $"{PgAmount.Of(restore.TablesVerified, "table")} with {PgAmount.Of(restore.Rows, "row")} were found equal to it."),
        PgComparison comparison => Result(
            comparison, "Comparison", $"{comparison.Difference} with {comparison.Reference}", comparison.Checks,
            comparison.Passed ? null : $"{PgAmount.Of(comparison.Differences.Count(), "table")} of {comparison.Tables.Count} differ."),
        PgTargetTest test => Result(test, "Test", test.Target.ToString(), test.Checks),
        PgDatabaseTest test => Test(test),
        PgMigrationRun run => Run(run),
        PgDatabaseReset reset => Result(
            reset, "Reset", reset.Target.ToString(), [.. reset.Applied.Concat(reset.Seeded).Select(Ran)], null, First(reset.Applied)),
        PgDatabaseSwitch done => Result(done, "Database switch", done.Target.ToString(), done.Checks),
        Exception error => Error(error),
        PgCheckedResult other => Result(other, ReportText.Words(Kind(other, ' ')), "", other.Checks),
        _ => throw new ArgumentException($"No report can be made of a {record.GetType()}.", nameof(record)),
    };

    private ReportResult Result(
        object record, string what, string subject, IReadOnlyList<PgCheck> checks, string? say = null, DateTime? startedAt = null)
    {
        var outcome = Outcome(checks);
        return new ReportResult
        {
            Kind = Kind(record, '-'),
            Subject = _text.Clean(subject),
            Title = _text.Clean(subject.Length == 0 ? what : $"{what} of {subject}"),
            Outcome = outcome,
            Summary = _text.Clean(say is null ? Tally(checks) : $"{say} {(outcome == ReportOutcome.Passed ? "" : Tally(checks))}"),
            StartedAt = (startedAt ?? (record as PgCheckedResult)?.StartedAt)?.ToUniversalTime(),
            Duration = RecordFacts.Duration(record),
            Facts = [.. RecordFacts.Of(record, _text)],
            Checks = [.. checks.Select(check => check with { Name = _text.Clean(check.Name), Detail = _text.Clean(check.Detail) })],
            Tables = [.. RecordFacts.Tables(record).Select(Compared)],
            Migrations = [.. RecordFacts.Migrations(record).Select(one => Migration(one.Migration, one.State))],
        };
    }

    private static string? Say(PgDrill drill)
    {
        var yet = drill.Checks.FirstOrDefault(check => check.Status == PgCheckStatus.Failed) is { } failed
            ? $" Yet the drill failed, at {failed.Name}."
            : "";
        return drill switch
        {
            { Proven: true } =>
                $"The backup is proven: as of {ReportText.Time(drill.Backup.SnapshotAt)}, {PgAmount.Of(drill.TablesCompared, "table")} "
                + $"with {PgAmount.Of(drill.Rows, "row")} were restored and equal the source. "
                + $"Recovery took {SpanText.Measured(drill.RecoveryTime)}; "
                + $"{SpanText.Measured(drill.DataAge)} of work would have been lost.{yet}",
            { BackupPassed: true } => $"The backup restores, but it is not proven: its content was not compared.{yet}",
            _ when yet.Length == 0 => "The backup was not restored, so the drill says nothing of it.",
            _ => "The backup is not good: do not rely on it.",
        };
    }

    private static string Say(PgBackup backup) => backup switch
    {
        { Complete: false } => "The backup is not complete: do not rely on it.",
        { Part: not null } => "The backup holds a part of the database: it does not bring the rest back.",
        { Proven: true } => "The backup is complete, and a drill has proven it.",
        _ => "The backup is complete, but no drill has proven it yet.",
    };

    private ReportResult Backup(PgBackup backup)
    {
        PgCheck[] checks =
        [
            backup.Complete
                ? PgCheck.Pass(PgCheckName.Complete, $"{PgSize.Format(backup.Bytes)} in {backup.Path}")
                : PgCheck.Fail(PgCheckName.Complete, backup.Problem ?? "It is not complete."),
            backup.Proven
                ? PgCheck.Pass(PgCheckName.Proven, $"restored and compared on {ReportText.Time(backup.ProvenAt ?? default)}")
                : PgCheck.Skip(PgCheckName.Proven, "The ledger holds no passed drill of this backup. Test-PgRestore makes one."),
        ];
        var manifest = backup.Manifest;
        return Result(backup, "Backup", backup.Database, checks, Say(backup), backup.SnapshotAt) with
        {
            Facts = RecordFacts.OfBackup(backup, _text),
            Tables = [.. (manifest?.Tables ?? []).Select(table
                => new ReportTable(_text.Clean(table.Schema), _text.Clean(table.Name), null, table.Rows, null, table.Hash, null))],
            Remarks = [.. backup.Warnings.Concat(manifest?.LeftOut ?? []).Distinct().Select(_text.Clean)],
        };
    }

    // Findings are listed with what to do about them; warnings fail no check, and would be overlooked in one.
    private ReportResult Test(PgDatabaseTest test)
        => Result(test, "Database test", test.Target.ToString(), test.Checks) with
        {
            Remarks =
            [
                .. test.Findings.Select(finding => _text.Clean($"{finding.Severity}: {finding}. {finding.NextStep}")),
                .. test.LeftOut.Count == 0
                    ? []
                    : (string[])[$"Not asked for: {string.Join(", ", test.LeftOut.Select(TestDatabase.NameOf))}."],
            ],
        };

    private ReportResult Run(PgMigrationRun run)
    {
        List<PgCheck> checks =
        [
            .. run.Applied.Select(Ran),
            .. run.Reverted.Select(migration => PgCheck.Pass($"{migration}", "undone") with { Duration = migration.Duration ?? default }),
            .. run.Baselined.Select(migration => PgCheck.Skip($"{migration}", "recorded as there already, not run")),
        ];
        if (checks.Count == 0)
        {
            checks.Add(PgCheck.Pass(PgCheckName.UpToDate, "Nothing was pending."));
        }

        if (run.StillPending > 0)
        {
            checks.Add(PgCheck.Skip(PgCheckName.Pending, $"{PgAmount.Of(run.StillPending, "migration")} still pending, because of -ToVersion"));
        }

        var say = run.FromVersion == run.ToVersion
            ? $"The database stands at version {run.ToVersion ?? "none"}."
            : $"The database went from version {run.FromVersion ?? "none"} to {run.ToVersion ?? "none"}.";
        var backing = run.BackupId is null ? "No proven backup stood behind it." : "A proven backup stood behind it.";
        return Result(
            run, "Migration", run.Target.ToString(), checks, run.Applied.Count == 0 ? say : $"{say} {backing}", First(run.Applied));
    }

    private ReportResult Listed(List<PgMigration> migrations)
    {
        var checks = migrations.ConvertAll(migration => migration.State switch
        {
            PgMigrationState.Applied => PgCheck.Pass($"{migration}", "applied"),
            PgMigrationState.Pending or PgMigrationState.RepeatableDue => PgCheck.Skip($"{migration}", "not applied yet"),
            PgMigrationState.Baselined => PgCheck.Skip($"{migration}", "recorded as there already, not run by PgOps"),
            _ => PgCheck.Fail($"{migration}", $"{migration.State}. {migration.Remark}"),
        });
        return Result(migrations, "Migrations", migrations[0].Target?.ToString() ?? "", checks, null, null) with
        {
            Kind = "migrations",
            Facts = [],
            Migrations = migrations.ConvertAll(migration => Migration(migration, migration.State.ToString())),
        };
    }

    private ReportResult Error(Exception error)
    {
        var known = error as PgOpsException;
        var statement = known?.Statement;
        var subject = known?.Subject switch { PgTarget target => target.ToString(), PgBackup backup => backup.Database, _ => "" };
        var name = known?.Code.ToString() ?? error.GetType().Name;
        return Result(error, "Error", subject, [PgCheck.Fail(name, error.Message)]) with
        {
            Kind = "error",
            Title = _text.Clean(subject.Length == 0 ? $"Error: {name}" : $"Error: {name} on {subject}"),
            Summary = _text.Clean(known?.Problem ?? error.Message),
            Facts =
            [
                .. new[]
                {
                    ("state", known?.State), ("nextStep", known?.NextStep), ("file", statement?.File), ("statement", statement?.Sql),
                    ("sqlState", statement?.SqlState), ("serverMessage", statement?.Message), ("detail", statement?.Detail),
                    ("hint", statement?.Hint),
                }.Where(fact => !string.IsNullOrEmpty(fact.Item2)).Select(fact => new ReportFact(fact.Item1, _text.Clean(fact.Item2!))),
            ],
        };
    }

    private ReportTable Compared(PgTableComparison table) => new(
        _text.Clean(table.Schema), _text.Clean(table.Name), table.Verdict, table.ReferenceRows, table.DifferenceRows, table.ReferenceHash,
        table.DifferenceHash);

    private ReportMigration Migration(PgMigration migration, string state) => new(
        _text.Clean(migration.Version), _text.Clean(migration.Name), state, migration.AppliedAt?.ToUniversalTime(), migration.Duration,
        _text.CleanOrNull(migration.AppliedBy), migration.AppliedChecksum ?? migration.Checksum, migration.BackupId);

    private static PgCheck Ran(PgMigration migration)
        => PgCheck.Pass($"{migration}", "applied") with { Duration = migration.Duration ?? default };

    private static DateTime? First(IEnumerable<PgMigration> migrations)
        => migrations.Where(migration => migration.AppliedAt is not null)
            .Min(migration => migration.AppliedAt - (migration.Duration ?? default));

    /// <summary>Nothing looked at is not a pass, and neither is a step that was left out.</summary>
    private static ReportOutcome Outcome(IReadOnlyList<PgCheck> checks)
        => checks.Any(check => check.Status == PgCheckStatus.Failed) ? ReportOutcome.Failed
            : checks.Count == 0 || checks.Any(check => check.Status == PgCheckStatus.Skipped) ? ReportOutcome.Incomplete
            : ReportOutcome.Passed;

    private static string Tally(IReadOnlyList<PgCheck> checks)
    {
        if (checks.Count == 0)
        {
            return "Nothing was checked.";
        }

        var failed = Names(checks, PgCheckStatus.Failed);
        var skipped = Names(checks, PgCheckStatus.Skipped);
        string[] parts =
        [
            $"{PgAmount.Of(checks.Count, "check")}:",
            $"{checks.Count - failed.Count - skipped.Count} passed",
            failed.Count == 0 ? "" : $", {failed.Count} failed ({Some(failed)})",
            skipped.Count == 0 ? "" : $", {skipped.Count} not made ({Some(skipped)})",
        ];
        return $"{parts[0]} {string.Concat(parts[1..])}.";
    }

    private static List<string> Names(IEnumerable<PgCheck> checks, PgCheckStatus status)
        => [.. checks.Where(check => check.Status == status).Select(check => check.Name)];

    private static string Some(List<string> names)
        => NameList.InSentence(names);

    private static string Kind(object record, char between)
    {
        var name = record.GetType().Name;
        name = name.StartsWith("Pg", StringComparison.Ordinal) ? name[2..] : name;
        return string.Concat(name.Select((letter, i) => i > 0 && char.IsUpper(letter)
            ? $"{between}{char.ToLowerInvariant(letter)}"
            : $"{char.ToLowerInvariant(letter)}"));
    }
}
