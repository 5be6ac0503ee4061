using System.Globalization;
using PgOps.Core.Repository.Retention;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Retention;

/// <summary>Histories drawn at random: whole backups and parts, of two databases on two clusters, some damaged, foreign, labelled, held,
/// being read, or dated after now; and a question about them.</summary>
internal static class RetentionHistory
{
    internal static readonly DateTime Now = new(2026, 11, 20, 12, 0, 0, DateTimeKind.Utc);
    private static readonly string[][] Parts = [["--table=log"], ["--schema-only"], ["--table=a", "--table=b"]];

    internal static (RetentionQuestion Question, Random Random) Draw(int seed)
    {
        var random = new Random(seed);
        var present = Enumerable.Range(0, random.Next(1, 25)).Select(_ => Draw(random)).ToList();
        var read = present.Where(_ => random.Next(12) == 0).ToHashSet(ReferenceEqualityComparer.Instance);
        var abandoned = present.Where(_ => random.Next(2) == 0).ToHashSet(ReferenceEqualityComparer.Instance);
        var byName = random.Next(8) == 0;
        int? Count() => random.Next(3) == 0 ? random.Next(1, 10) : null;
        var policy = byName ? new RetentionPolicy() : new RetentionPolicy
        {
            KeepLast = Count(),
            KeepDaily = Count(),
            KeepWeekly = Count(),
            KeepMonthly = Count(),
            KeepYearly = Count(),
            KeepWithin = random.Next(4) == 0 ? TimeSpan.FromHours(random.Next(2000)) : null,
            MaxBytes = random.Next(4) == 0 ? random.Next(1, 20000) : null,
            IncludeLabelled = random.Next(4) == 0,
        };
        var selected = byName ? [present[random.Next(present.Count)]]
            : random.Next(3) == 0 ? present.Where(_ => random.Next(2) == 0).ToList() : present;
        return (new RetentionQuestion(
            selected, present, policy, read.Contains, abandoned.Contains, Now, byName && random.Next(2) == 0), random);
    }

    internal static PgBackup Backup(string database, DateTime at, string cluster = "1", long bytes = 1)
    {
        var manifest = BackupSample.Manifest(database, at, bytes, cluster);
        return new PgBackup
        {
            Id = manifest.Id,
            Database = database,
            Path = string.Create(CultureInfo.InvariantCulture, $"/b/{database}_{at:yyyyMMdd-HHmmss}Z_{manifest.Id}"),
            Format = "custom",
            SnapshotAt = at,
            Bytes = bytes,
            Complete = true,
            Manifest = manifest,
        };
    }

    internal static PgBackup Part(PgBackup backup, params string[] selection)
        => backup with { Manifest = backup.Manifest! with { Payload = backup.Manifest.Payload with { Selection = selection } } };

    internal static PgBackup Labelled(PgBackup backup, string? label)
        => backup.Manifest is null ? backup : backup with { Manifest = backup.Manifest with { Label = label } };

    private static PgBackup Draw(Random random)
    {
        var spread = random.Next(3) switch { 0 => 72, 1 => 24 * 90, _ => 24 * 1200 };
        var at = random.Next(12) switch
        {
            0 => Now.AddHours(2 + random.Next(spread)),
            1 => Now.AddMinutes(random.Next(60)),
            _ => Now.AddHours(-random.Next(spread)),
        };
        var backup = Backup($"db{random.Next(2)}", at, random.Next(2) == 0 ? "1" : "2", random.Next(1, 1000));
        backup = random.Next(4) == 0 ? Part(backup, Parts[random.Next(Parts.Length)]) : backup;
        backup = random.Next(8) == 0 ? Labelled(backup, "pre-migration") : backup;
        backup = random.Next(8) == 0 ? backup with { KeepUntil = Now.AddDays(random.Next(-5, 20)) } : backup;
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
}
