using System.Globalization;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Repository.Retention;

/// <summary>
/// Decides which backups go. Whatever the rules: never the last complete backup of a database, never the last proven one, never one
/// that is being read, and rules count and touch only complete backups that PgOps made.
/// </summary>
internal sealed class RetentionPlan
{
    private readonly RetentionQuestion _question;
    private readonly Dictionary<PgBackup, List<string>> _reasons = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<PgBackup, string> _guards = new(ReferenceEqualityComparer.Instance);

    private RetentionPlan(RetentionQuestion question)
    {
        _question = question;
    }

    /// <summary>Makes the plan.</summary>
    /// <returns>One decision for each selected backup, by database and then newest first.</returns>
    internal static IReadOnlyList<PgBackupRetention> Make(RetentionQuestion question)
    {
        var plan = new RetentionPlan(question);
        var decisions = new List<PgBackupRetention>();
        foreach (var history in question.Selected.Where(Counts).GroupBy(DatabaseOf))
        {
            decisions.AddRange(plan.Decide(Newest(history)));
        }

        decisions.AddRange(question.Selected.Where(backup => !Counts(backup)).Select(plan.DecideOther));
        return
        [
            .. decisions.OrderBy(decision => decision.Database, StringComparer.Ordinal)
                .ThenByDescending(decision => decision.Backup.SnapshotAt)
                .ThenByDescending(decision => decision.Backup.Path, StringComparer.Ordinal),
        ];
    }

    /// <summary>Whether the rules count a backup.</summary>
    internal static bool Counts(PgBackup backup) => backup is { Complete: true, Foreign: false };

    /// <summary>
    /// Which database a backup is of. Databases of one name on two clusters have a history each: the newest of the one must not push
    /// out the other's.
    /// </summary>
    internal static (string Database, string Cluster) DatabaseOf(PgBackup backup) => (backup.Database, backup.Manifest?.Server switch
    {
        null => "",
        { ClusterId.Length: > 0 } server => server.ClusterId,
        var server => string.Create(CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}"),
    });

    private static List<PgBackup> Newest(IEnumerable<PgBackup> backups)
        => [.. backups.OrderByDescending(backup => backup.SnapshotAt).ThenByDescending(backup => backup.Path, StringComparer.Ordinal)];

    private IEnumerable<PgBackupRetention> Decide(List<PgBackup> history)
    {
        Guard(history);
        ApplyRules(history);
        var kept = _question.Policy.Keeps || !_question.Policy.HasRules
            ? history.Where(backup => _reasons.ContainsKey(backup) || _guards.ContainsKey(backup)).ToList()
            : history;
        var tooMuch = OverSize(kept);
        foreach (var backup in history)
        {
            var keep = kept.Contains(backup) && !tooMuch.Contains(backup);
            yield return Decision(backup, keep, keep ? WhyKept(backup) : WhyRemoved(backup, tooMuch));
        }
    }

    private PgBackupRetention DecideOther(PgBackup backup)
    {
        if (backup.RemovalBegun || backup.Path.EndsWith(FileEndings.Removing, StringComparison.Ordinal))
        {
            return Decision(backup, keep: false, "its removal was interrupted and is finished");
        }

        if (backup.Path.EndsWith(FileEndings.Partial, StringComparison.Ordinal))
        {
            return _question.IsAbandoned(backup)
                ? Decision(backup, keep: false, "unfinished, and the process that made it is gone")
                : Decision(backup, keep: true, "unfinished: its backup still runs");
        }

        if (_question.InUse(backup))
        {
            return Decision(backup, keep: true, BeingRead);
        }

        var what = backup.Foreign ? "a dump that PgOps did not make" : $"not complete: {backup.Problem}";
        return _question.Force && !_question.Policy.HasRules
            ? Decision(backup, keep: false, $"named with -Force ({what})")
            : Decision(backup, keep: true, $"{what}; no rule counts or removes it, -Force removes it by name");
    }

    private const string BeingRead = "in use by a restore, a drill or a test";

    private void Guard(List<PgBackup> history)
    {
        var database = DatabaseOf(history[0]);
        var present = Newest(_question.Present.Where(backup => Counts(backup) && DatabaseOf(backup) == database));
        var lastComplete = present.FirstOrDefault()?.Path;
        var lastProven = present.Find(backup => backup.Proven)?.Path;
        var forced = _question.Force && !_question.Policy.HasRules;
        foreach (var backup in history)
        {
            var guards = new List<string>();
            if (backup.Path == lastComplete && !forced)
            {
                guards.Add("last complete");
            }

            if (backup.Path == lastProven)
            {
                guards.Add("last proven");
            }

            if (_question.InUse(backup))
            {
                guards.Add(BeingRead);
            }

            if (guards.Count > 0)
            {
                _guards[backup] = string.Join(", ", guards);
            }
        }
    }

    private void ApplyRules(List<PgBackup> history)
    {
        var policy = _question.Policy;
        Keep(history.Take(policy.KeepLast ?? 0), _ => "last");
        Periods(history, policy.KeepDaily, "daily", at => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Periods(history, policy.KeepWeekly, "weekly", at => string.Create(
            CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(at):0000}-W{ISOWeek.GetWeekOfYear(at):00}"));
        Periods(history, policy.KeepMonthly, "monthly", at => at.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        Periods(history, policy.KeepYearly, "yearly", at => at.ToString("yyyy", CultureInfo.InvariantCulture));
        if (policy.KeepWithin is { } within)
        {
            var newest = history[0].SnapshotAt;
            Keep(history.Where(backup => newest - backup.SnapshotAt <= within), _ => $"within {PgSize.Format(within)}");
        }
    }

    private void Periods(List<PgBackup> history, int? count, string rule, Func<DateTime, string> period)
        => Keep(history.DistinctBy(backup => period(backup.SnapshotAt)).Take(count ?? 0), backup => $"{rule} {period(backup.SnapshotAt)}");

    private void Keep(IEnumerable<PgBackup> backups, Func<PgBackup, string> reason)
    {
        foreach (var backup in backups)
        {
            if (!_reasons.TryGetValue(backup, out var reasons))
            {
                _reasons[backup] = reasons = [];
            }

            reasons.Add(reason(backup));
        }
    }

    /// <summary>The oldest that must go until the rest fits; guarded ones count but stay.</summary>
    private HashSet<PgBackup> OverSize(List<PgBackup> kept)
    {
        var removed = new HashSet<PgBackup>(ReferenceEqualityComparer.Instance);
        if (_question.Policy.MaxBytes is not { } most)
        {
            return removed;
        }

        var total = kept.Sum(backup => backup.Bytes);
        foreach (var oldest in Enumerable.Reverse(kept).Where(backup => !_guards.ContainsKey(backup)))
        {
            if (total <= most)
            {
                break;
            }

            removed.Add(oldest);
            total -= oldest.Bytes;
        }

        return removed;
    }

    private string WhyKept(PgBackup backup)
    {
        var reasons = _reasons.GetValueOrDefault(backup) ?? [];
        var guards = _guards.TryGetValue(backup, out var guard) ? [guard] : Array.Empty<string>();
        return reasons.Count + guards.Length > 0 ? string.Join(", ", reasons.Concat(guards)) : $"fits {Limit()}";
    }

    private string WhyRemoved(PgBackup backup, HashSet<PgBackup> tooMuch)
    {
        if (tooMuch.Contains(backup))
        {
            return _reasons.TryGetValue(backup, out var reasons)
                ? $"over {Limit()}, oldest first ({string.Join(", ", reasons)})"
                : $"over {Limit()}, oldest first";
        }

        return _question.Policy.HasRules ? "no rule keeps it" : "named";
    }

    private string Limit() => $"-MaxSize {PgSize.Format(_question.Policy.MaxBytes ?? 0)}";

    private static PgBackupRetention Decision(PgBackup backup, bool keep, string reason)
        => new() { Backup = backup, Action = keep ? PgRetentionAction.Keep : PgRetentionAction.Remove, Reason = reason };
}
