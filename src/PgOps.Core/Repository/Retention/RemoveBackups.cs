using System.Globalization;
using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository.Retention;

/// <summary>
/// Applies retention to a folder of backups, or removes given ones. See <see cref="RetentionPlan"/> for what never happens.
/// </summary>
public sealed class RemoveBackups
{
    private const string LockName = ".retention.lock";
    private const string NothingDone = "Nothing was removed.";
    private const double LongHoldDays = 3653;

    /// <summary>Says what would go and why; touches nothing.</summary>
    /// <param name="request">Which, and by what rules.</param>
    /// <param name="sink">Receives a failure for what cannot be read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>One decision for each backup, by database and then newest first.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, PathNotFound or PathInaccessible.</exception>
    public Task<IReadOnlyList<PgBackupRetention>> PlanAsync(
        RemoveBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        Check(request);
        return MakePlanAsync(request, Parents(request), sink, cancellationToken);
    }

    /// <summary>Removes, and hands out every decision with what became of it.</summary>
    /// <param name="request">Which, and by what rules.</param>
    /// <param name="sink">Receives the decisions, and a failure for each backup that could not be removed.</param>
    /// <param name="cancellationToken">Stops between two backups.</param>
    /// <exception cref="PgOpsException">InvalidArgument, PathNotFound or PathInaccessible.</exception>
    public Task RunAsync(RemoveBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task WorkAsync(RemoveBackupsRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        Check(request);
        var parents = Parents(request);
        var turns = new List<FileStream>();
        try
        {
            // Two at once could each leave the other's last complete backup out of account. One order for all, so that none waits in a
            // ring. A store has no locks.
            foreach (var parent in parents.Where(parent => !StoreUri.IsRemote(parent)).Order(StringComparer.Ordinal))
            {
                turns.Add(await TakeTurnAsync(parent, cancellationToken).ConfigureAwait(false));
            }

            var plan = await MakePlanAsync(request, parents, sink, cancellationToken).ConfigureAwait(false);
            using var progress = new ProgressActivity(sink, "Removing backups");
            var done = 0;
            foreach (var decision in plan)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Report(decision.Backup.Path, done++, plan.Count);
                var wanted = decision.Action == PgRetentionAction.Remove && request.Approved?.Contains(decision.Backup.Path) != false;
                sink.Output(
                    wanted ? await Task.Run(() => RemoveAsync(decision, sink), CancellationToken.None).ConfigureAwait(false) : decision);
            }
        }
        finally
        {
            turns.ForEach(turn => turn.Dispose());
        }
    }

    private static async Task<PgBackupRetention> RemoveAsync(PgBackupRetention decision, IOperationSink sink)
    {
        var path = decision.Backup.Path;
        try
        {
            return await BackupEraser.TryEraseAsync(path).ConfigureAwait(false)
                ? decision with { Removed = true }
                : decision with { Action = PgRetentionAction.Keep, Reason = "in use by a restore, a drill or a test" };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var begun = !Path.Exists(path);
            sink.Failure(new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"{path} was not removed: {error.Message}",
                begun ? $"What is left of it is called {path}{FileEndings.Removing} and is no longer a backup." : "It is as it was.",
                "See to the permissions, then run the command again; it finishes what was begun.",
                error)
            { Subject = decision });
            return decision;
        }
        catch (PgOpsException error)
        {
            sink.Failure(error.InState(
                $"It is as it was, or has lost its {HashList.FileName} and is no longer a backup; Get-PgBackup shows which.",
                $"{path} was not removed: {error.Problem}",
                error.NextStep ?? "Run the command again; it finishes what was begun.",
                decision));
            return decision;
        }
    }

    private static async Task<IReadOnlyList<PgBackupRetention>> MakePlanAsync(
        RemoveBackupsRequest request, List<string> parents, IOperationSink sink, CancellationToken cancellationToken)
    {
        // What the caller holds may be old: everything is read again, and the guards look at all that lies there.
        var present = new List<PgBackup>();
        foreach (var parent in parents)
        {
            present.AddRange(await new FindBackups().RunAsync(
                new FindBackupsRequest { Path = parent }, sink, cancellationToken).ConfigureAwait(false));
        }

        var selected = request.Folders.Count > 0
            ? present.Where(backup => request.Folders.Any(folder => Full(folder) == Parent(backup.Path))).ToList()
            : [];
        var known = selected.Select(backup => backup.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var given in request.Backups.Where(given => known.Add(Full(given.Path))))
        {
            if (await AgainAsync(given, present, sink, cancellationToken).ConfigureAwait(false) is { } backup)
            {
                selected.Add(backup);
                if (!present.Contains(backup))
                {
                    // A store's late listing lacks it; the guards are to know of it all the same.
                    present.Add(backup);
                }
            }
        }

        var now = DateTime.UtcNow;
        var plan = RetentionPlan.Make(new RetentionQuestion(
            selected, present, request.Policy, backup => BackupReadLock.IsHeld(backup.Path), backup => OwnerFile.IsDead(backup.Path),
            now, request.Force));
        if (request.Approved is null)
        {
            Remark(plan, now, sink.Log);
        }

        return plan;
    }

    /// <summary>Says what stays although no rule and no guard keeps it: it would fill the disk unseen.</summary>
    private static void Remark(IReadOnlyList<PgBackupRetention> plan, DateTime now, ILogger log)
    {
        var kept = plan.Where(decision => decision.Action == PgRetentionAction.Keep).Select(decision => decision.Backup);
        foreach (var backup in kept.Where(backup => backup.Complete))
        {
            if (!backup.Foreign && backup.IsAhead(now))
            {
                log.AheadKept(backup.Path, PgSize.Format(backup.SnapshotAt - now));
            }

            if (backup.KeepUntil is { } until && (until - now).TotalDays > LongHoldDays)
            {
                log.HeldLong(backup.Path, until.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            }
        }

        var held = plan.Where(decision => decision.Held).ToList();
        if (held.Count > 0)
        {
            var bytes = held.Sum(decision => decision.Bytes);
            log.HeldAlone(PgAmount.Of(held.Count, "backup"), PgSize.Format(bytes), held.Count, bytes);
        }
    }

    /// <summary>A given backup as it is now.</summary>
    private static async Task<PgBackup?> AgainAsync(
        PgBackup given, List<PgBackup> present, IOperationSink sink, CancellationToken cancellationToken)
    {
        try
        {
            var path = Full(given.Path);
            var now = present.Find(backup => backup.Path == path)
                ?? await StoredBackups.ReadAsync(path, cancellationToken).ConfigureAwait(false);
            return given.Id.Length == 0 || given.Id == now.Id
                ? now
                : throw new PgOpsException(
                    PgErrorCode.PathNotFound, $"{path} holds another backup by now.", "It was not removed.",
                    "Get-PgBackup lists what is there.");
        }
        catch (PgOpsException error)
        {
            sink.Failure(error);
            return null;
        }
    }

    private static void Check(RemoveBackupsRequest request)
    {
        if (request.Folders.Count > 0 && !request.Policy.HasRules)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"Nothing says which backups of {request.Folders[0]} to keep.",
                NothingDone,
                "Give rules, for example -KeepDaily 35 -KeepMonthly 12, or name the backup that is to go.");
        }

        if (request.Force && (request.Policy.HasRules || request.Backups.Count != 1))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "-Force takes one backup, by its name and without a rule.", NothingDone,
                "Name the one backup that is to go.");
        }

        if (request.Policy is { IncludeLabelled: true, HasRules: false })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "-IncludeLabelled says how rules treat labelled backups, and there is no rule.", NothingDone,
                "Give a rule, for example -KeepLast 3, or leave it out: a labelled backup goes when it is named.");
        }

        if (request.Policy is { KeepLast: 0, Keeps: true } or { KeepDaily: 0 } or { KeepWeekly: 0 }
                or { KeepMonthly: 0 } or { KeepYearly: 0 })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "A rule that keeps 0 backups is not a rule.", NothingDone, "Leave it out.");
        }
    }

    private static List<string> Parents(RemoveBackupsRequest request)
    {
        var parents = request.Folders.Select(Full).Concat(request.Backups.Select(backup => Parent(backup.Path)))
            .Distinct(StringComparer.Ordinal).ToList();
        return parents.Find(IsBackup) is { } inside
            ? throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{inside} is itself a backup, and what is in it a part of it.", NothingDone,
                "Name the backup.")
            : parents;
    }

    private static async Task<FileStream> TakeTurnAsync(string parent, CancellationToken cancellationToken)
    {
        try
        {
            return await FileLock.TakeAsync(Path.Combine(parent, LockName), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw error is IOException held && FileLock.IsHeld(held)
                ? new PgOpsException(
                    PgErrorCode.PathInaccessible, $"Another Remove-PgBackup works on {parent}.", NothingDone,
                    "Run the command again later.", error)
                : new PgOpsException(
                    PgErrorCode.PathInaccessible, $"Cannot write to {parent}: {error.Message}", NothingDone,
                    "Check the path and its permissions.", error);
        }
    }

    private static bool IsBackup(string parent)
        => StoreUri.IsRemote(parent) ? BackupFolder.IsBackupName(StoreUri.Parse(parent).Name) : BackupFolder.IsBackup(parent);

    private static string Full(string place) => StoreUri.Parse(place).ToString();

    private static string Parent(string place) => StoreUri.Parse(place).Parent?.ToString() ?? "";
}
