using System.Globalization;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Repository;

/// <summary>
/// Says which backup is the newest: the newest complete one that PgOps made of the whole database. A part is none, whatever its date;
/// what lies after now orders nothing; and a foreign dump, which nobody knows to be whole, stands in only where there is no other.
/// </summary>
internal static class LatestBackup
{
    /// <summary>The one order of backups.</summary>
    internal static IEnumerable<PgBackup> NewestFirst(IEnumerable<PgBackup> backups)
        => backups.OrderByDescending(backup => backup.SnapshotAt).ThenByDescending(backup => backup.Path, StringComparer.Ordinal);

    /// <summary>The newest whole one of one database; null when none is known to be whole.</summary>
    /// <param name="backups">Backups of one database, in any order.</param>
    /// <param name="now">What lies after this does not count.</param>
    internal static PgBackup? Whole(IEnumerable<PgBackup> backups, DateTime now)
        => NewestFirst(backups).FirstOrDefault(backup => backup.IsWhole && !backup.IsAhead(now));

    /// <summary>The newest of each database, or of each kind of part of it. What is newer and passed over is said.</summary>
    /// <param name="newestFirst">The backups that are wanted.</param>
    /// <param name="request">Where they lie, and whether parts are asked for.</param>
    /// <param name="now">What lies after this does not count.</param>
    /// <param name="sink">Receives failures and log lines.</param>
    internal static IReadOnlyList<PgBackup> OfEach(
        IReadOnlyList<PgBackup> newestFirst, FindBackupsRequest request, DateTime now, IOperationSink sink) =>
    [
        .. newestFirst.GroupBy(backup => (backup.Database, Part: request.Part ? backup.Part : null)).Select(group => request.Part
            ? Of([.. group], group.ToList().Find(backup => backup.Complete && !backup.IsAhead(now)), request, now, sink)
            : Of(
                [.. group.Where(backup => backup.Part is null)],
                Whole(group, now) ?? group.FirstOrDefault(backup => backup is { Complete: true, Foreign: true } && !backup.IsAhead(now)),
                request,
                now,
                sink,
                group.Key.Database)).OfType<PgBackup>(),
    ];

    private static PgBackup? Of(
        List<PgBackup> newestFirst, PgBackup? given, FindBackupsRequest request, DateTime now, IOperationSink sink, string? database = null)
    {
        if (newestFirst.Count == 0)
        {
            sink.Failure(new PgOpsException(
                PgErrorCode.PathNotFound,
                $"Of {database} there are backups of a part only, and none of the whole database.",
                "Nothing is given for it.",
                $"Get-PgBackup {CommandText.Argument(request.Path)} -Part lists the parts; Backup-PgDatabase makes a whole one."));
            return null;
        }

        foreach (var ahead in newestFirst.Where(backup => backup.IsAhead(now)))
        {
            sink.Log.AheadPassedOver(ahead.Path, PgSize.Format(ahead.SnapshotAt - now));
        }

        var newer = newestFirst.Where(backup => !backup.IsAhead(now)).TakeWhile(backup => !ReferenceEquals(backup, given)).ToList();
        if (newer.Find(backup => !backup.Complete && !IsBeingMade(backup)) is { } damaged)
        {
            sink.Failure(Unusable(damaged, given));
        }
        else if (given is null && newestFirst.TrueForAll(backup => backup.IsAhead(now)))
        {
            sink.Failure(AllAhead(newestFirst[0], now));
        }

        if (newer.Find(backup => backup.Complete) is { } foreign)
        {
            sink.Log.ForeignPassedOver(foreign.Path, given!.Path);
        }

        return given;
    }

    private static bool IsBeingMade(PgBackup backup)
        => backup.Path.EndsWith(FileEndings.Partial, StringComparison.Ordinal) && !OwnerFile.IsDead(backup.Path);

    private static PgOpsException Unusable(PgBackup damaged, PgBackup? given) => new(
        PgErrorCode.BackupDamaged,
        $"The newest backup of {damaged.Database}, {damaged.Path}, cannot be used: {damaged.Problem}",
        given is null ? "There is no complete one of this database." : $"The newest complete one is given: {given.Path}.",
        $"Test-PgBackup {CommandText.Argument(damaged.Path)} shows what is wrong. Then back up again.")
    { Subject = damaged };

    private static PgOpsException AllAhead(PgBackup newest, DateTime now) => new(
        PgErrorCode.PathNotFound,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Every backup of {newest.Database} that was asked for is dated after now: "
                + $"{newest.Path} is of {newest.SnapshotAt:u}, and here it is {now:u}."),
        "Nothing is given for it.",
        $"See which clock is wrong. A backup is also taken by its name: {CommandText.Argument(newest.Path)}.")
    { Subject = newest };
}
