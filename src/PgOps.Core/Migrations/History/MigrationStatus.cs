using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.History;

/// <summary>Joins a folder and a history: how each migration stands.</summary>
internal static class MigrationStatus
{
    /// <summary>Every migration of the folder or the history, in the order of versions.</summary>
    internal static List<PgMigration> Join(MigrationFolder folder, MigrationHistory history, PgTarget target)
    {
        var result = new List<PgMigration>(folder.Files.Count);
        var seen = new HashSet<string>(MigrationVersion.Order);
        var newest = history.NewestIn(folder);
        var order = folder.Order;
        foreach (var file in folder.Files)
        {
            seen.Add(file.Version);

            // The mark of a baseline has version 0, and is not a record of a file 000_….
            var row = history.Rows.GetValueOrDefault(file.Version) is { Kind: not MigrationKind.Baseline } own ? own : null;
            result.Add(Describe(file, row, newest is not null && order.Compare(file.Version, newest) < 0 ? newest : null, target));
        }

        foreach (var file in folder.Repeatables)
        {
            seen.Add(file.Version);
            result.Add(Describe(file, history.Rows.GetValueOrDefault(file.Version), null, target));
        }

        result.AddRange(history.Rows.Values
            .Where(row => row.Kind != MigrationKind.Seed && !seen.Contains(row.Version)
                && row.State is not (HistoryState.Reverted or HistoryState.Failed) | row.IsUnfinished)
            .Select(row => WithoutFile(row, target)));
        result.Sort((left, right) => order.Compare(left.Version, right.Version));
        return result;
    }

    /// <summary>Whether a repeatable or a seed is to run: it is new, was changed, or did not come to its end.</summary>
    internal static bool IsDue(MigrationFile file, HistoryRow? row) => row is not { IsApplied: true } || row.Checksum != file.Checksum;

    private static PgMigration Describe(MigrationFile file, HistoryRow? row, string? above, PgTarget target)
    {
        var (state, remark) = Judge(file, row, above);
        return new PgMigration
        {
            Version = file.Version,
            Name = file.Name,
            State = state,
            Path = file.Path,
            Checksum = file.Checksum,
            AppliedChecksum = row?.Checksum,
            AppliedScript = row?.Script,
            AppliedAt = row is { IsApplied: true } ? row.FinishedAt : null,
            Duration = row?.DurationMilliseconds is { } duration ? TimeSpan.FromMilliseconds(duration) : null,
            AppliedBy = row?.AppliedBy,
            BackupId = row?.BackupId,
            Remark = remark,
            Target = target,
        };
    }

    private static (PgMigrationState State, string? Remark) Judge(MigrationFile file, HistoryRow? row, string? above)
    {
        if (row is { IsApplied: true })
        {
            if (row.Checksum != file.Checksum && !row.IsSkipped)
            {
                if (file.Kind == MigrationKind.Repeatable)
                {
                    return (PgMigrationState.RepeatableDue, "It was changed after it had been applied, "
                        + "and is applied again by the next run.");
                }

                return (PgMigrationState.Changed, "The file was changed after it had been applied.");
            }

            return (row.State == HistoryState.Baselined ? PgMigrationState.Baselined : PgMigrationState.Applied,
                row.IsSkipped ? row.Reason : null);
        }

        if (row is { IsUnfinished: true })
        {
            var done = $"after {row.StatementsDone} of {PgAmount.Of(row.StatementsTotal, "statement")}";
            return row.State == HistoryState.Started
                ? (PgMigrationState.Interrupted, $"Interrupted {done}.")
                : (PgMigrationState.Failed, $"Failed {done}: {row.Error}");
        }

        if (file.Kind == MigrationKind.Repeatable)
        {
            return (PgMigrationState.RepeatableDue, row?.State == HistoryState.Failed
                ? $"Failed and was rolled back whole: {row.Error}"
                : null);
        }

        if (above is not null)
        {
            return (PgMigrationState.OutOfOrder, $"Its version lies below {above}, the newest that is applied.");
        }

        return (PgMigrationState.Pending, row?.State switch
        {
            HistoryState.Failed => $"Failed and was rolled back whole: {row.Error}",
            HistoryState.Reverted => "Was undone or marked as not applied.",
            _ => file.Language is { } language ? $"A migration in {language}, which PgOps cannot run."
                : file.Operations is { } operations ? $"Prisma 8's operations ({operations}), which PgOps does not apply."
                : null,
        });
    }

    private static PgMigration WithoutFile(HistoryRow row, PgTarget target) => new()
    {
        Version = row.Version,
        Name = row.Name,
        State = row.Kind == MigrationKind.Baseline || row.IsSkipped ? PgMigrationState.Baselined : PgMigrationState.Missing,
        AppliedChecksum = row.Checksum,
        AppliedScript = row.Script,
        AppliedAt = row.FinishedAt,
        Duration = row.DurationMilliseconds is { } duration ? TimeSpan.FromMilliseconds(duration) : null,
        AppliedBy = row.AppliedBy,
        BackupId = row.BackupId,
        Remark = row.Kind == MigrationKind.Baseline ? null : row.IsSkipped ? row.Reason
            : row.IsApplied ? "It is applied, but the folder has no file for it."
            : "It was begun and did not come to its end, and the folder has no file for it.",
        Target = target,
    };
}
