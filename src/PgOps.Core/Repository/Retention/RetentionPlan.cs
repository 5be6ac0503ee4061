using System.Globalization;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Repository.Retention;

/// <summary>
/// Decides which backups go. Whatever the rules: never the last complete backup of a database, never the last proven one, never one that
/// is held or being read; and rules count and touch only complete backups that PgOps made and that are not dated after now. Whole backups
/// are one history, and each kind of part is another: none has a say in what becomes of the others.
/// </summary>
internal sealed class RetentionPlan
{
    private const string BeingRead = "in use by a restore, a drill or a test";
    private const int LongestPart = 60;
    private readonly RetentionQuestion _question;
    private readonly ILookup<(string, string, string?), PgBackup> _present;
    private readonly Dictionary<PgBackup, List<string>> _reasons = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<PgBackup, List<string>> _guards = new(ReferenceEqualityComparer.Instance);

    private RetentionPlan(RetentionQuestion question)
    {
        _question = question;
        _present = question.Present.Where(Counts).ToLookup(HistoryOf);
    }

    /// <summary>Makes the plan.</summary>
    /// <returns>One decision for each selected backup, by database and then newest first.</returns>
    internal static IReadOnlyList<PgBackupRetention> Make(RetentionQuestion question)
    {
        var plan = new RetentionPlan(question);
        var decisions = new List<PgBackupRetention>();
        foreach (var history in question.Selected.Where(plan.Counts).GroupBy(HistoryOf))
        {
            decisions.AddRange(plan.Decide([.. LatestBackup.NewestFirst(history)]));
        }

        decisions.AddRange(question.Selected.Where(backup => !plan.Counts(backup)).Select(plan.DecideOther));
        return
        [
            .. decisions.OrderBy(decision => decision.Database, StringComparer.Ordinal)
                .ThenByDescending(decision => decision.Backup.SnapshotAt)
                .ThenByDescending(decision => decision.Backup.Path, StringComparer.Ordinal),
        ];
    }

    /// <summary>Whether the rules count a backup.</summary>
    internal static bool Counts(PgBackup backup, DateTime now) => backup is { Complete: true, Foreign: false } && !backup.IsAhead(now);

    /// <summary>
    /// Which history a backup belongs to: that of a whole database, or that of one kind of part of it. Databases of one name on two
    /// clusters have a history each: the newest of the one must not push out the other's.
    /// </summary>
    internal static (string Database, string Cluster, string? Part) HistoryOf(PgBackup backup)
    {
        var cluster = backup.Manifest?.Server switch
        {
            null => "",
            { ClusterId.Length: > 0 } server => server.ClusterId,
            var server => string.Create(CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}"),
        };
        return (backup.Database, cluster, backup.Part);
    }

    private bool Counts(PgBackup backup) => Counts(backup, _question.Now);

    private IEnumerable<PgBackupRetention> Decide(List<PgBackup> history)
    {
        Guard(history);
        return _question.Policy.HasRules ? ByRules(history) : history.Select(ByName);
    }

    private PgBackupRetention ByName(PgBackup backup)
    {
        var why = string.Join(", ", _guards[backup].Concat(IsHeld(backup) ? [Hold(backup)] : []));
        return _question.InUse(backup) ? Decision(backup, keep: true, BeingRead)
            : why.Length == 0 ? Decision(backup, keep: false, "named")
            : _question.Force ? Decision(backup, keep: false, $"named with -Force ({why})")
            : Decision(backup, keep: true, $"{why}; -Force removes it by name");
    }

    private IEnumerable<PgBackupRetention> ByRules(List<PgBackup> history)
    {
        ApplyRules(history);
        var kept = _question.Policy.Keeps
            ? history.Where(backup => _reasons.ContainsKey(backup) || IsGuarded(backup) || IsSetAside(backup)).ToList()
            : history;
        var tooMuch = OverSize(kept);
        foreach (var backup in history)
        {
            var keep = kept.Contains(backup) && !tooMuch.Contains(backup);
            yield return Decision(backup, keep, keep ? WhyKept(backup) : WhyRemoved(backup, tooMuch)) with
            {
                Held = IsSetAside(backup) && !IsGuarded(backup) && !_reasons.ContainsKey(backup),
            };
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

        var what = backup.Foreign ? "a dump that PgOps did not make"
            : !backup.Complete ? $"not complete: {backup.Problem}"
            : $"dated {PgSize.Format(backup.SnapshotAt - _question.Now)} after now";
        return _question.Force && !_question.Policy.HasRules
            ? Decision(backup, keep: false, $"named with -Force ({what})")
            : Decision(backup, keep: true, $"{what}; no rule counts or removes it, -Force removes it by name");
    }

    private void Guard(List<PgBackup> history)
    {
        var present = LatestBackup.NewestFirst(_present[HistoryOf(history[0])]).ToList();
        var lastComplete = present.FirstOrDefault()?.Path;
        var lastProven = present.Find(backup => backup.Proven)?.Path;
        foreach (var backup in history)
        {
            _guards[backup] =
            [
                .. backup.Path == lastComplete ? ["last complete"] : Array.Empty<string>(),
                .. backup.Path == lastProven ? ["last proven"] : Array.Empty<string>(),
            ];
        }
    }

    private bool IsGuarded(PgBackup backup) => _guards[backup].Count > 0 || _question.InUse(backup);

    private bool IsHeld(PgBackup backup) => backup.KeepUntil > _question.Now;

    /// <summary>
    /// Whether no rule may remove it. That only ever keeps more: the rules count it as they would otherwise, and no size does.
    /// </summary>
    private bool IsSetAside(PgBackup backup)
        => IsHeld(backup) || (backup.Label is not null && !_question.Policy.IncludeLabelled);

    private static string Hold(PgBackup backup)
        => string.Create(CultureInfo.InvariantCulture, $"held until {backup.KeepUntil:yyyy-MM-dd HH:mm}Z");

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

    /// <summary>The oldest that must go until the rest fits; guarded ones count but stay, and what is set aside does neither.</summary>
    private HashSet<PgBackup> OverSize(List<PgBackup> kept)
    {
        var removed = new HashSet<PgBackup>(ReferenceEqualityComparer.Instance);
        if (_question.Policy.MaxBytes is not { } most)
        {
            return removed;
        }

        var counted = kept.Where(backup => !IsSetAside(backup)).ToList();
        var total = counted.Sum(backup => backup.Bytes);
        foreach (var oldest in Enumerable.Reverse(counted).Where(backup => !IsGuarded(backup)))
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
        List<string> why =
        [
            .. _reasons.GetValueOrDefault(backup) ?? [],
            .. _guards[backup],
            .. _question.InUse(backup) ? [BeingRead] : Array.Empty<string>(),
            .. IsHeld(backup) ? [Hold(backup)] : Array.Empty<string>(),
            .. backup.Label is { } label && !_question.Policy.IncludeLabelled ? [$"label {label}"] : Array.Empty<string>(),
        ];
        return why.Count > 0 ? string.Join(", ", why) : $"fits {Limit()}";
    }

    private string WhyRemoved(PgBackup backup, HashSet<PgBackup> tooMuch)
        => !tooMuch.Contains(backup) ? "no rule keeps it"
            : _reasons.TryGetValue(backup, out var reasons) ? $"over {Limit()}, oldest first ({string.Join(", ", reasons)})"
            : $"over {Limit()}, oldest first";

    private string Limit() => $"-MaxSize {PgSize.Format(_question.Policy.MaxBytes ?? 0)}";

    private static PgBackupRetention Decision(PgBackup backup, bool keep, string reason) => new()
    {
        Backup = backup,
        Action = keep ? PgRetentionAction.Keep : PgRetentionAction.Remove,
        Reason = backup.Part is not { } part ? reason
            : $"{reason} (part {(part.Length <= LongestPart ? part : part[..LongestPart] + "…")})",
    };
}
