using System.Globalization;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;

namespace PgOps.Core.Tests.Repository.Retention;

/// <summary>What holds for every history and all rules, over 10,000 random ones.</summary>
public sealed class RetentionPropertyTests
{
    private const int Histories = 10_000;
    private static readonly DateTime Now = RetentionHistory.Now;

    [Fact]
    public void The_guards_and_the_rules_hold() => ForEach((seed, question, random) =>
    {
        var plan = RetentionPlan.Make(question);
        var removed = Removed(plan);
        True(seed, plan.Count == question.Selected.Count && plan.All(decision => decision.Reason.Length > 0), "a decision is missing");
        foreach (var history in question.Present.Where(Counts).GroupBy(RetentionPlan.HistoryOf))
        {
            var newest = LatestBackup.NewestFirst(history).ToList();
            var proven = newest.Find(backup => backup.Proven);
            True(seed, question.Force || !removed.Contains(newest[0]), $"last complete of {history.Key}");
            True(seed, question.Force || proven is null || !removed.Contains(proven), $"last proven of {history.Key}");
            CheckRules(seed, question, newest[0], [.. newest.Where(question.Selected.Contains)], removed);
        }

        foreach (var gone in removed)
        {
            var stray = gone.Path.EndsWith(".removing", StringComparison.Ordinal)
                || (gone.Path.EndsWith(".partial", StringComparison.Ordinal) && question.IsAbandoned(gone));
            True(seed, stray || !question.InUse(gone), "one that is read");
            True(seed, stray || question.Force || Counts(gone), "one that no rule counts");
            True(seed, stray || question.Force || !(gone.KeepUntil > Now), "one that is held");
            True(seed, stray || !question.Policy.HasRules || question.Policy.IncludeLabelled || gone.Label is null, "one with a label");
        }

        // The order of the listing makes no difference, and a second run finds nothing left to do.
        var shuffled = question.Selected.ToArray();
        random.Shuffle(shuffled);
        True(seed, Lines(plan).SequenceEqual(Lines(RetentionPlan.Make(question with { Selected = shuffled }))), "another order");
        True(seed, !question.Policy.HasRules
            || Removed(RetentionPlan.Make(Without(question, removed.Contains))).Count == 0, "a second run removes more");
    });

    [Fact]
    public void A_part_has_no_say_about_the_whole_nor_the_whole_about_a_part() => ForEach((seed, question, _) =>
    {
        var plan = RetentionPlan.Make(question);
        Same(seed, plan, question, backup => backup.Part is not null);
        Same(seed, plan, question, backup => backup.Part is null);
        Same(seed, plan, question, backup => backup.Part == "--schema-only");
    });

    [Fact]
    public void What_is_dated_after_now_damaged_or_foreign_has_no_say_about_the_others() => ForEach((seed, question, _) =>
    {
        var plan = RetentionPlan.Make(question);
        Same(seed, plan, question, backup => backup.IsAhead(Now));
        Same(seed, plan, question, backup => !backup.Complete || backup.Foreign);
    });

    [Fact]
    public void A_larger_number_keeps_all_that_a_smaller_one_keeps() => ForEach((seed, question, random) =>
    {
        var policy = question.Policy with { MaxBytes = null };
        if (policy.Keeps)
        {
            var more = policy with
            {
                KeepLast = More(policy.KeepLast),
                KeepDaily = More(policy.KeepDaily),
                KeepWeekly = More(policy.KeepWeekly),
                KeepMonthly = More(policy.KeepMonthly),
                KeepYearly = More(policy.KeepYearly),
                KeepWithin = policy.KeepWithin is { } within ? within + TimeSpan.FromHours(random.Next(300)) : null,
            };
            Within(seed, question with { Policy = more }, question with { Policy = policy });
        }

        if (question.Policy.MaxBytes is { } most)
        {
            Within(seed, question with { Policy = question.Policy with { MaxBytes = most + random.Next(5000) } }, question);
        }

        int? More(int? count) => count + random.Next(3);
    });

    [Fact]
    public void A_label_and_a_hold_keep_more_and_never_make_another_go() => ForEach((seed, question, _) =>
    {
        if (question.Policy.HasRules)
        {
            var original = question.Present.ToDictionary(backup => backup.Path, StringComparer.Ordinal);
            var without = Removed(RetentionPlan.Make(question with
            {
                Selected = [.. question.Selected.Select(Bare)],
                Present = [.. question.Present.Select(Bare)],
                InUse = backup => question.InUse(original[backup.Path]),
                IsAbandoned = backup => question.IsAbandoned(original[backup.Path]),
            })).Select(backup => backup.Path).ToHashSet(StringComparer.Ordinal);
            var plan = RetentionPlan.Make(question);
            True(seed, Removed(plan).All(backup => without.Contains(backup.Path)), "a hold made another go");
            True(seed, plan.Where(decision => decision.Held).All(decision => without.Contains(decision.Path)
                || question.Policy is { Keeps: false }), "it is held, yet a rule keeps it");
        }

        PgBackup Bare(PgBackup backup) => RetentionHistory.Labelled(backup, null) with { KeepUntil = null };
    });

    // The same rules, worked out in another way.
    private static void CheckRules(
        int seed, RetentionQuestion question, PgBackup last, List<PgBackup> selected, HashSet<PgBackup> removed)
    {
        var policy = question.Policy;
        if (!policy.Keeps || selected.Count == 0)
        {
            return;
        }

        bool IsSetAside(PgBackup backup) => backup.KeepUntil > Now || (backup.Label is not null && !policy.IncludeLabelled);
        bool IsGuarded(PgBackup backup) => question.InUse(backup) || backup.Proven || ReferenceEquals(backup, last);
        var wanted = selected.Where((backup, index) => index < policy.KeepLast
            || FirstOfPeriod(selected, index, policy.KeepDaily, at => at.Date)
            || FirstOfPeriod(selected, index, policy.KeepWeekly, at => at.Date.AddDays(-(((int)at.DayOfWeek + 6) % 7)))
            || FirstOfPeriod(selected, index, policy.KeepMonthly, at => new DateTime(at.Year, at.Month, 1))
            || FirstOfPeriod(selected, index, policy.KeepYearly, at => new DateTime(at.Year, 1, 1))
            || selected[0].SnapshotAt - backup.SnapshotAt <= policy.KeepWithin).ToHashSet();
        if (policy.MaxBytes is null)
        {
            True(seed, wanted.All(backup => !removed.Contains(backup)), "a rule's backup was removed");
            True(
                seed,
                selected.All(backup => wanted.Contains(backup) || removed.Contains(backup) || IsGuarded(backup) || IsSetAside(backup)),
                "a backup was kept for no reason");
            return;
        }

        var kept = selected.Where(backup => !removed.Contains(backup) && !IsSetAside(backup)).ToList();
        var free = kept.Where(backup => wanted.Contains(backup) && !IsGuarded(backup)).ToList();
        True(seed, kept.Sum(backup => backup.Bytes) <= policy.MaxBytes || free.Count == 0, "over the size");
        True(
            seed, wanted.Where(removed.Contains).All(gone => free.TrueForAll(backup => gone.SnapshotAt <= backup.SnapshotAt)),
            "not oldest first");
    }

    private static bool FirstOfPeriod(List<PgBackup> newest, int index, int? count, Func<DateTime, DateTime> period)
    {
        var own = period(newest[index].SnapshotAt);
        return (index == 0 || period(newest[index - 1].SnapshotAt) != own)
            && newest.Take(index).Select(backup => period(backup.SnapshotAt)).Distinct().Count() < count;
    }

    private static bool Counts(PgBackup backup) => RetentionPlan.Counts(backup, Now);

    private static HashSet<PgBackup> Removed(IEnumerable<PgBackupRetention> plan)
        => plan.Where(decision => decision.Action == PgRetentionAction.Remove).Select(decision => decision.Backup)
            .ToHashSet<PgBackup>(ReferenceEqualityComparer.Instance);

    private static RetentionQuestion Without(RetentionQuestion question, Func<PgBackup, bool> gone) => question with
    {
        Selected = [.. question.Selected.Where(backup => !gone(backup))],
        Present = [.. question.Present.Where(backup => !gone(backup))],
    };

    /// <summary>What remains is decided as before when some were never there.</summary>
    private static void Same(int seed, IReadOnlyList<PgBackupRetention> plan, RetentionQuestion question, Func<PgBackup, bool> gone)
        => True(
            seed, Lines(plan.Where(decision => !gone(decision.Backup))).SequenceEqual(Lines(RetentionPlan.Make(Without(question, gone)))),
            "others have a say");

    /// <summary>What one removes, the other removes, too.</summary>
    private static void Within(int seed, RetentionQuestion more, RetentionQuestion less)
    {
        var removed = Removed(RetentionPlan.Make(less));
        True(seed, Removed(RetentionPlan.Make(more)).All(removed.Contains), "more keeps less");
    }

    private static IEnumerable<string> Lines(IEnumerable<PgBackupRetention> plan)
        => plan.Select(decision => string.Create(CultureInfo.InvariantCulture, $"{decision} {decision.Held}"));

    private static void True(int seed, bool holds, string what)
    {
        if (!holds)
        {
            Assert.Fail($"seed {seed}: {what}");
        }
    }

    private static void ForEach(Action<int, RetentionQuestion, Random> check) => Parallel.For(0, Histories, seed =>
    {
        var (question, random) = RetentionHistory.Draw(seed);
        check(seed, question, random);
    });
}
