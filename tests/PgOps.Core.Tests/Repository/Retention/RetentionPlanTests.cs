using PgOps.Core.Repository.Retention;

namespace PgOps.Core.Tests.Repository.Retention;

public sealed class RetentionPlanTests
{
    private static readonly DateTime Now = RetentionHistory.Now;

    [Fact]
    public void Three_years_of_daily_backups_under_the_usual_policy()
    {
        var policy = new RetentionPolicy { KeepDaily = 35, KeepWeekly = 8, KeepMonthly = 12, KeepYearly = 3 };
        var held = new List<PgBackup>();
        for (var day = Now.AddYears(-3); day <= Now; day = day.AddHours(11))
        {
            held.Add(Backup("shop", day));
            var plan = RetentionPlan.Make(new RetentionQuestion(held, held, policy, _ => false, _ => false, day));
            held.RemoveAll(backup => plan.Any(decision => decision.Backup == backup && decision.Action == PgRetentionAction.Remove));
        }

        var reasons = RetentionPlan.Make(new RetentionQuestion(held, held, policy, _ => false, _ => false, Now))
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
        var plan = Plan(held, new RetentionPolicy { KeepWeekly = 5 });
        Assert.Equal(["weekly 2025-W01, last complete", "no rule keeps it"], plan.Select(decision => decision.Reason));
        plan = Plan(held, new RetentionPolicy { KeepYearly = 5 });
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
        var plan = Plan(held, new RetentionPolicy { KeepDaily = 7 });
        Assert.Equal(held[2], Assert.Single(plan, decision => decision.Action == PgRetentionAction.Remove).Backup);
    }

    [Fact]
    public void A_job_that_stopped_long_ago_loses_no_history()
    {
        var held = Enumerable.Range(0, 20).Select(day => Backup("shop", Now.AddYears(-2).AddDays(-day))).ToArray();
        var plan = RetentionPlan.Make(
            new RetentionQuestion(held, held, new RetentionPolicy { KeepWithin = TimeSpan.FromDays(30) }, _ => false, _ => false, Now));
        Assert.All(plan, decision => Assert.Equal(PgRetentionAction.Keep, decision.Action));
    }

    [Theory]
    [InlineData("--table=log")]
    [InlineData("--schema-only")]
    [InlineData("--data-only")]
    [InlineData("--exclude-table-data=log")]
    [InlineData("--exclude-table=log")]
    [InlineData("--exclude-schema=audit")]
    [InlineData("--schema=public")]
    [InlineData("--no-large-objects")]
    public void A_part_has_rules_and_guards_of_its_own(string selection)
    {
        PgBackup[] held =
        [
            Part(Backup(Now), selection) with { Proven = true },
            Part(Backup(Now.AddHours(-1)), selection) with { Proven = true },
            Backup(Now.AddHours(-2)),
            Backup(Now.AddHours(-3)) with { Proven = true },
            Backup(Now.AddHours(-4)) with { Proven = true },
        ];
        var plan = Plan(held, new RetentionPolicy { KeepLast = 1 });
        Assert.Equal(
            [
                $"last, last complete, last proven (part {selection})",
                $"no rule keeps it (part {selection})",
                "last, last complete",
                "last proven",
                "no rule keeps it",
            ],
            plan.Select(decision => decision.Reason));
        Assert.Equal([held[1], held[4]], Removed(plan));
    }

    [Fact]
    public void Parts_are_of_one_kind_when_their_selection_is_the_same()
    {
        PgBackup[] same =
        [
            Part(Backup(Now), "--table=a", "--table=b", "--strict-names", "--no-blobs"),
            Part(Backup(Now.AddHours(-1)), "--no-large-objects", "--table=b", "--table=a", "--strict-names"),
        ];
        Assert.Equal([same[1]], Removed(Plan(same, new RetentionPolicy { KeepLast = 1 })));
        PgBackup[] other = [Part(Backup(Now), "--table=a"), Part(Backup(Now.AddHours(-1)), "--table=a b"), Part(
            Backup(Now.AddHours(-2)), "--table=a", "--table=b")];
        Assert.Empty(Removed(Plan(other, new RetentionPolicy { KeepLast = 1 })));
        Assert.Equal(3, other.Select(backup => backup.Part).Distinct().Count());
    }

    [Fact]
    public void What_an_unsigned_manifest_calls_a_part_is_shown_in_plain_letters_and_not_at_length()
    {
        var hostile = Part(Backup(Now), $"--table=\u001b[2J\n\u202e{new string('x', 500)}");
        var reason = Assert.Single(Plan([hostile], new RetentionPolicy { KeepLast = 1 })).Reason;
        Assert.StartsWith("last, last complete (part --table=\\u001b[2J\\u000a\\u202exxx", reason, StringComparison.Ordinal);
        Assert.True(reason.Length < 120, reason);
    }

    [Theory]
    [InlineData(0.9, true)]
    [InlineData(1.1, false)]
    [InlineData(24 * 3650, false)]
    public void What_is_dated_more_than_an_hour_after_now_is_kept_and_neither_counts_nor_guards(double hours, bool counts)
    {
        PgBackup[] held =
        [
            Backup(Now.AddHours(hours)) with { Proven = true },
            Backup(Now.AddHours(-1)),
            Backup(Now.AddHours(-2)) with { Proven = true },
        ];
        RetentionPolicy[] policies = [new() { KeepLast = 1 }, new() { KeepWithin = TimeSpan.FromMinutes(30) }];
        foreach (var policy in policies)
        {
            var plan = Plan(held, policy);
            Assert.Equal(counts ? [held[1], held[2]] : [], Removed(plan));
            Assert.Equal(counts, !plan[0].Reason.Contains("after now", StringComparison.Ordinal));
        }

        // It is nobody's last one, and yet it goes by its name with -Force alone.
        var named = Plan(held, new RetentionPolicy(), selected: held[0]);
        Assert.Empty(Removed(named));
        Assert.Contains("-Force removes it by name", named[0].Reason, StringComparison.Ordinal);
        Assert.Equal([held[0]], Removed(Plan(held, new RetentionPolicy(), selected: held[0], force: true)));
    }

    [Fact]
    public void A_hold_keeps_until_its_day_and_a_label_until_somebody_says_otherwise()
    {
        PgBackup[] held =
        [
            Backup(Now),
            Backup(Now.AddDays(-1)) with { KeepUntil = Now.AddMinutes(1) },
            Backup(Now.AddDays(-2)) with { KeepUntil = Now },
            Labelled(Backup(Now.AddDays(-3)), "pre-migration"),
        ];
        var plan = Plan(held, new RetentionPolicy { KeepLast = 1 });
        Assert.Equal(
            ["last, last complete", "held until 2026-11-20 12:01Z", "no rule keeps it", "label pre-migration"],
            plan.Select(decision => decision.Reason));
        Assert.Equal([false, true, false, true], plan.Select(decision => decision.Held));
        Assert.Equal([held[2], held[3]], Removed(Plan(held, new RetentionPolicy { KeepLast = 1, IncludeLabelled = true })));

        // By its name a labelled one goes, one that is held with -Force alone.
        Assert.Equal([held[3]], Removed(Plan(held, new RetentionPolicy(), selected: held[3])));
        var named = Assert.Single(Plan(held, new RetentionPolicy(), selected: held[1]));
        Assert.Equal("held until 2026-11-20 12:01Z; -Force removes it by name", named.Reason);
        named = Assert.Single(Plan(held, new RetentionPolicy(), selected: held[1], force: true));
        Assert.Equal((PgRetentionAction.Remove, "named with -Force (held until 2026-11-20 12:01Z)"), (named.Action, named.Reason));
    }

    [Fact]
    public void What_is_held_takes_no_room_from_the_others()
    {
        PgBackup[] held =
        [
            Backup(Now, bytes: 10),
            Backup(Now.AddDays(-1), bytes: 1000) with { KeepUntil = DateTime.MaxValue },
            Backup(Now.AddDays(-2), bytes: 10),
            Backup(Now.AddDays(-3), bytes: 10),
        ];
        var plan = Plan(held, new RetentionPolicy { MaxBytes = 20 });
        Assert.Equal([held[3]], Removed(plan));
        Assert.Equal("held until 9999-12-31 23:59Z", plan[1].Reason);
    }

    private static IReadOnlyList<PgBackupRetention> Plan(
        PgBackup[] present, RetentionPolicy policy, PgBackup? selected = null, bool force = false) => RetentionPlan.Make(
            new RetentionQuestion(selected is null ? present : [selected], present, policy, _ => false, _ => false, Now, force));

    private static IEnumerable<PgBackup> Removed(IEnumerable<PgBackupRetention> plan)
        => plan.Where(decision => decision.Action == PgRetentionAction.Remove).Select(decision => decision.Backup);

    private static PgBackup Backup(DateTime at, long bytes = 1) => RetentionHistory.Backup("shop", at, bytes: bytes);

    private static PgBackup Backup(string database, DateTime at, string cluster = "1") => RetentionHistory.Backup(database, at, cluster);

    private static PgBackup Part(PgBackup backup, params string[] selection) => RetentionHistory.Part(backup, selection);

    private static PgBackup Labelled(PgBackup backup, string label) => RetentionHistory.Labelled(backup, label);
}
