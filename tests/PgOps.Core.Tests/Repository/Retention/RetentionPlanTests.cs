using System.Globalization;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Retention;

public sealed class RetentionPlanTests
{
    private const int Histories = 4000;
    private static readonly DateTime Now = new(2026, 11, 20, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void Whatever_the_history_and_the_rules_the_guards_hold()
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            var (question, random) = Draw(seed);
            var plan = RetentionPlan.Make(question);
            var removed = plan.Where(decision => decision.Action == PgRetentionAction.Remove).Select(decision => decision.Backup)
                .ToHashSet();
            Assert.Equal(question.Selected.Count, plan.Count);
            Assert.All(plan, decision => Assert.NotEmpty(decision.Reason));
            foreach (var history in question.Present.Where(RetentionPlan.Counts).GroupBy(RetentionPlan.DatabaseOf))
            {
                var newest = Sorted(history);
                Assert.False(removed.Contains(newest[0]) && !question.Force, $"seed {seed}: last complete");
                Assert.False(newest.Find(backup => backup.Proven) is { } proven && removed.Contains(proven), $"seed {seed}: last proven");
                CheckRules(seed, question, [.. newest.Where(question.Selected.Contains)], removed);
            }

            Assert.DoesNotContain(removed, backup => question.InUse(backup) && !Path.GetExtension(backup.Path).StartsWith('.'));
            Assert.DoesNotContain(removed, backup => backup.Foreign && !question.Force);
            Assert.DoesNotContain(removed, backup => !backup.Complete && !question.Force
                && !(backup.Path.EndsWith(".partial", StringComparison.Ordinal) && question.IsAbandoned(backup))
                && !backup.Path.EndsWith(".removing", StringComparison.Ordinal));

            // The order of the listing makes no difference, and a second run finds nothing left to do.
            var shuffled = question.Selected.ToArray();
            random.Shuffle(shuffled);
            Assert.Equal(plan.Select(Line), RetentionPlan.Make(question with { Selected = shuffled }).Select(Line));
            if (question.Policy.HasRules)
            {
                var left = question with
                {
                    Selected = [.. question.Selected.Where(backup => !removed.Contains(backup))],
                    Present = [.. question.Present.Where(backup => !removed.Contains(backup))],
                };
                Assert.DoesNotContain(RetentionPlan.Make(left), decision => decision.Action == PgRetentionAction.Remove);
            }
        }
    }

    // The same rules, worked out in another way.
    private static void CheckRules(int seed, RetentionQuestion question, List<PgBackup> selected, HashSet<PgBackup> removed)
    {
        var policy = question.Policy;
        if (!policy.Keeps || selected.Count == 0)
        {
            return;
        }

        var wanted = selected.Where((backup, index) => index < policy.KeepLast
            || FirstOfPeriod(selected, index, policy.KeepDaily, at => at.Date)
            || FirstOfPeriod(selected, index, policy.KeepWeekly, at => at.Date.AddDays(-(((int)at.DayOfWeek + 6) % 7)))
            || FirstOfPeriod(selected, index, policy.KeepMonthly, at => new DateTime(at.Year, at.Month, 1))
            || FirstOfPeriod(selected, index, policy.KeepYearly, at => new DateTime(at.Year, 1, 1))
            || selected[0].SnapshotAt - backup.SnapshotAt <= policy.KeepWithin).ToHashSet();
        if (policy.MaxBytes is null)
        {
            Assert.True(wanted.All(backup => !removed.Contains(backup)), $"seed {seed}: a rule's backup was removed");
            Assert.True(
                selected.Where(backup => !wanted.Contains(backup) && !removed.Contains(backup)).All(backup =>
                    question.InUse(backup) || backup.Proven || backup == Sorted(question.Present.Where(one =>
                        RetentionPlan.Counts(one) && RetentionPlan.DatabaseOf(one) == RetentionPlan.DatabaseOf(backup)))[0]),
                $"seed {seed}: a backup was kept for no reason");
            return;
        }

        var kept = selected.Where(backup => !removed.Contains(backup)).ToList();
        var free = kept.Where(backup => wanted.Contains(backup) && !question.InUse(backup) && !backup.Proven).ToList();
        Assert.True(kept.Sum(backup => backup.Bytes) <= policy.MaxBytes || free.Count <= 1, $"seed {seed}: over the size");
        Assert.All(wanted.Where(removed.Contains), gone => Assert.All(
            free.Where(backup => backup != kept[0]),
            backup => Assert.True(gone.SnapshotAt <= backup.SnapshotAt, $"seed {seed}: not oldest first")));
    }

    private static bool FirstOfPeriod(List<PgBackup> newest, int index, int? count, Func<DateTime, DateTime> period)
    {
        var own = period(newest[index].SnapshotAt);
        return (index == 0 || period(newest[index - 1].SnapshotAt) != own)
            && newest.Take(index).Select(backup => period(backup.SnapshotAt)).Distinct().Count() < count;
    }

    [Fact]
    public void Three_years_of_daily_backups_under_the_usual_policy()
    {
        var policy = new RetentionPolicy { KeepDaily = 35, KeepWeekly = 8, KeepMonthly = 12, KeepYearly = 3 };
        var held = new List<PgBackup>();
        for (var day = Now.AddYears(-3); day <= Now; day = day.AddHours(11))
        {
            held.Add(Backup("shop", day));
            var plan = RetentionPlan.Make(new RetentionQuestion(held, held, policy, _ => false, _ => false));
            held.RemoveAll(backup => plan.Any(decision => decision.Backup == backup && decision.Action == PgRetentionAction.Remove));
        }

        var reasons = RetentionPlan.Make(new RetentionQuestion(held, held, policy, _ => false, _ => false))
            .Select(decision => decision.Reason).ToList();
        Assert.Equal(35, reasons.Count(reason => reason.Contains("daily", StringComparison.Ordinal)));
        Assert.Equal(8, reasons.Count(reason => reason.Contains("weekly", StringComparison.Ordinal)));
        Assert.Equal(12, reasons.Count(reason => reason.Contains("monthly", StringComparison.Ordinal)));
        Assert.Equal(3, reasons.Count(reason => reason.Contains("yearly", StringComparison.Ordinal)));
        Assert.Contains("daily 2026-11-20, weekly 2026-W47, monthly 2026-11, yearly 2026, last complete", reasons);
        Assert.Contains("monthly 2026-01", reasons);
        Assert.True(reasons.Count < 60);
    }

    [Fact]
    public void Weeks_are_those_of_ISO_and_years_of_the_calendar()
    {
        // Monday 2024-12-30 is in the first ISO week of 2025.
        PgBackup[] held = [Backup("shop", new DateTime(2025, 1, 2, 0, 0, 0, DateTimeKind.Utc)), Backup(
            "shop", new DateTime(2024, 12, 30, 0, 0, 0, DateTimeKind.Utc))];
        var plan = RetentionPlan.Make(new RetentionQuestion(held, held, new RetentionPolicy { KeepWeekly = 5 }, _ => false, _ => false));
        Assert.Equal(["weekly 2025-W01, last complete", "no rule keeps it"], plan.Select(decision => decision.Reason));
        plan = RetentionPlan.Make(new RetentionQuestion(held, held, new RetentionPolicy { KeepYearly = 5 }, _ => false, _ => false));
        Assert.Equal(["yearly 2025, last complete", "yearly 2024"], plan.Select(decision => decision.Reason));
    }

    [Fact]
    public void Databases_of_one_name_on_two_clusters_have_a_history_each()
    {
        PgBackup[] held =
        [
            Backup("shop", Now, cluster: "1"),
            Backup("shop", Now.AddHours(-1), cluster: "2"),
            Backup("shop", Now.AddHours(-2), cluster: "2"),
        ];
        var plan = RetentionPlan.Make(new RetentionQuestion(held, held, new RetentionPolicy { KeepDaily = 7 }, _ => false, _ => false));
        Assert.Equal(held[2], Assert.Single(plan, decision => decision.Action == PgRetentionAction.Remove).Backup);
    }

    [Fact]
    public void A_job_that_stopped_long_ago_loses_no_history()
    {
        var held = Enumerable.Range(0, 20).Select(day => Backup("shop", Now.AddYears(-2).AddDays(-day))).ToArray();
        var plan = RetentionPlan.Make(
            new RetentionQuestion(held, held, new RetentionPolicy { KeepWithin = TimeSpan.FromDays(30) }, _ => false, _ => false));
        Assert.All(plan, decision => Assert.Equal(PgRetentionAction.Keep, decision.Action));
    }

    private static (RetentionQuestion Question, Random Random) Draw(int seed)
    {
        var random = new Random(seed);
        var present = Enumerable.Range(0, random.Next(1, 60)).Select(_ => Draw(random)).ToList();
        var read = present.Where(_ => random.Next(12) == 0).ToHashSet();
        var abandoned = present.Where(_ => random.Next(2) == 0).ToHashSet();
        var explicitOne = random.Next(8) == 0;
        int? Count() => random.Next(3) == 0 ? random.Next(1, 10) : null;
        var policy = explicitOne ? new RetentionPolicy() : new RetentionPolicy
        {
            KeepLast = Count(),
            KeepDaily = Count(),
            KeepWeekly = Count(),
            KeepMonthly = Count(),
            KeepYearly = Count(),
            KeepWithin = random.Next(4) == 0 ? TimeSpan.FromHours(random.Next(2000)) : null,
            MaxBytes = random.Next(4) == 0 ? random.Next(1, 20000) : null,
        };
        var selected = explicitOne ? [present[random.Next(present.Count)]]
            : random.Next(3) == 0 ? present.Where(_ => random.Next(2) == 0).ToList() : present;
        return (new RetentionQuestion(
            selected, present, policy, read.Contains, abandoned.Contains, explicitOne && random.Next(2) == 0), random);
    }

    private static PgBackup Draw(Random random)
    {
        var spread = random.Next(3) switch { 0 => 72, 1 => 24 * 90, _ => 24 * 1200 };
        var backup =
            Backup($"db{random.Next(2)}", Now.AddHours(-random.Next(spread)), random.Next(2) == 0 ? "1" : "2", random.Next(1, 1000));
        return random.Next(10) switch
        {
            0 => backup with { Complete = false, Problem = "SHA256SUMS is missing" },
            1 => backup with { Complete = false, Problem = "unfinished", Path = backup.Path + ".partial" },
            2 => backup with { Complete = false, Problem = "removal", Path = backup.Path + ".removing" },
            3 => backup with { Foreign = true, Manifest = null },
            4 or 5 => backup with { Proven = true },
            _ => backup,
        };
    }

    private static PgBackup Backup(string database, DateTime at, string cluster = "1", long bytes = 1)
    {
        var manifest = BackupSample.Manifest(database, at, bytes, cluster);
        return new PgBackup
        {
            Id = manifest.Id,
            Database = database,
            Path = $"/b/{database}_{at:yyyyMMdd-HHmmss}Z_{manifest.Id}",
            Format = "custom",
            SnapshotAt = at,
            Bytes = bytes,
            Complete = true,
            Manifest = manifest,
        };
    }

    private static List<PgBackup> Sorted(IEnumerable<PgBackup> backups)
        => [.. backups.OrderByDescending(backup => backup.SnapshotAt).ThenByDescending(backup => backup.Path, StringComparer.Ordinal)];

    private static string Line(PgBackupRetention decision) => string.Create(CultureInfo.InvariantCulture, $"{decision}");
}
