using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Restores.Masking;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// The steps of every restore and drill, in their order: prove, require, stage, load, compare, inspect, mask, analyse, examine, swap.
/// Each takes what the ones before handed on. Where it happens is the destination's affair, what becomes of a finding the rules'.
/// </summary>
internal sealed class RestorePipeline
{
    private readonly PgBackup _backup;
    private readonly TestBackupRequest _test;
    private readonly RestoreDestination _destination;
    private readonly RestoreRules _rules;
    private readonly int _jobs;
    private readonly IOperationSink _sink;
    private readonly List<PgCheck> _checks = [];

    /// <param name="backup">The backup, its files on this machine.</param>
    /// <param name="test">How it is tested: key, identity, the programs' folder.</param>
    /// <param name="destination">Where it is restored; disposed of at the end of the run.</param>
    /// <param name="rules">What becomes of what is found.</param>
    /// <param name="jobs">Sessions to restore, compare, mask and analyse with.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    internal RestorePipeline(
        PgBackup backup, TestBackupRequest test, RestoreDestination destination, RestoreRules rules, int jobs, IOperationSink sink)
    {
        _backup = backup;
        _test = test;
        _destination = destination;
        _rules = rules;
        _jobs = jobs;
        _sink = sink;
    }

    /// <summary>The time since the restore began, fetching the backup included.</summary>
    internal Stopwatch Elapsed { get; init; } = Stopwatch.StartNew();

    /// <summary>What else to look at in the finished copy.</summary>
    internal IReadOnlyList<RestoreInspection> Inspections { get; init; } = [];

    /// <summary>What to do to the copy before it is compared: how tests break one. Null for nothing.</summary>
    internal Func<PgTarget, Task>? Loaded { get; init; }

    private bool Failed => _checks.Exists(check => check.Status == PgCheckStatus.Failed);

    /// <summary>Runs the steps, and cleans up after them.</summary>
    /// <param name="cancellationToken">Ends programs and sessions, removes what is not in place, then throws.</param>
    /// <exception cref="PgOpsException">What the rules do not take for a finding.</exception>
    internal async Task<RestoreOutcome> RunAsync(CancellationToken cancellationToken)
    {
        using var readLock = await BackupReadLock.TakeAsync(_backup.Folder, cancellationToken).ConfigureAwait(false);
        var proof = await StepAsync(PgCheckName.Hashes, () => ProveAsync(cancellationToken)).ConfigureAwait(false);
        if (proof is null || Failed)
        {
            return new RestoreOutcome(proof?.Backup ?? _backup, _checks);
        }

        await using (_destination.ConfigureAwait(false))
        {
            var plan = await _destination.RequireAsync(proof, _checks, cancellationToken).ConfigureAwait(false);
            try
            {
                return await RestoreAsync(proof, plan, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                if (await _destination.GiveUpAsync(error, cancellationToken).ConfigureAwait(false) is { } told)
                {
                    throw told;
                }

                throw;
            }
        }
    }

    /// <summary>The first two steps alone: what the run would do.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">The refusal that the run would meet.</exception>
    internal async Task<RestorePlan> PlanAsync(CancellationToken cancellationToken)
    {
        var proof = await ProveAsync(cancellationToken).ConfigureAwait(false);
        await using (_destination.ConfigureAwait(false))
        {
            return await _destination.RequireAsync(proof, _checks, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<RestoreOutcome> RestoreAsync(BackupProof proof, RestorePlan plan, CancellationToken cancellationToken)
    {
        var outcome = new RestoreOutcome(proof.Backup, _checks) { Staged = true };
        var staged = await _destination.StageAsync(plan, _checks, cancellationToken).ConfigureAwait(false);
        var load = await StepAsync(PgCheckName.Restore, () => LoadAsync(proof, plan, staged, cancellationToken)).ConfigureAwait(false);
        if (Failed || load?.Status == PgCheckStatus.Skipped)
        {
            return outcome;
        }

        if (Loaded is { } loaded)
        {
            await loaded(staged.Target).ConfigureAwait(false);
        }

        var before = _checks.Count;
        var content = await StepAsync(PgCheckName.Content, () => CompareAsync(plan, staged, cancellationToken)).ConfigureAwait(false);
        await StepAsync(PgCheckName.MigrationState, () => InspectAsync(plan, staged, cancellationToken)).ConfigureAwait(false);
        _rules.Accept(proof.Backup, _checks.Skip(before));
        var mask = await MaskAsync(plan, staged, cancellationToken).ConfigureAwait(false);
        await StepAsync(PgCheckName.Statistics, () => AnalyseAsync(plan, staged, mask, cancellationToken)).ConfigureAwait(false);

        // Here a recovery in earnest would be over: what follows a drill does on top of it.
        outcome = outcome with { Content = content, Masked = mask?.Masked ?? [], Ready = Elapsed.Elapsed };
        await ExamineAsync(staged, cancellationToken).ConfigureAwait(false);
        return outcome with { Replaced = await SwapAsync(proof, plan, staged, mask, cancellationToken).ConfigureAwait(false) };
    }

    private async Task<BackupProof> ProveAsync(CancellationToken cancellationToken)
    {
        var proof = await TestBackup.ProveAsync(_backup, _test, _sink, cancellationToken).ConfigureAwait(false);
        _rules.Accept(proof);
        _checks.Add(proof.Check);
        if (proof.Signature is not null)
        {
            _checks.Add(proof.Signature);
        }

        return proof;
    }

    private async Task<PgCheck> LoadAsync(BackupProof proof, RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        var obstacle = await _destination.ObstacleAsync(proof, staged, cancellationToken).ConfigureAwait(false);
        var check = obstacle
            ?? await TimedCheck.RunAsync(() => LoadWatchedAsync(proof, plan, staged, cancellationToken)).ConfigureAwait(false);
        _checks.Add(check);
        if (plan.Selection is { } selection)
        {
            _checks.Add(PgCheck.Skip(PgCheckName.Selection, Describe(selection)));
        }

        return check;
    }

    private Task<PgCheck> LoadWatchedAsync(BackupProof proof, RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        // A name of its own tells the sessions of this restore from all others.
        staged = staged with { Target = staged.Target with { ApplicationName = $"PgOps restore {Guid.NewGuid().ToString("N")[..8]}" } };
        return new LockWatch(staged.Target, "The restore", PgErrorCode.RestoreFailed, "Nothing was put in place.")
            .RunAsync(_sink.Log, token => LoadPayloadAsync(proof, plan, staged, token), cancellationToken);
    }

    private async Task<PgCheck> LoadPayloadAsync(
        BackupProof proof, RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        var backup = proof.Backup;
        var format = backup.Manifest!.Payload.Format;
        var options = new ArchiveRestoreOptions(
            plan.Tool, _jobs, staged.Session.PostgreSqlVersion.Major, plan.Objects.NoOwner, plan.Objects.NoPrivileges, proof.Script)
        {
            Roles = plan.Roles,
            NoTablespaces = plan.NoTablespaces,
            NoStatistics = plan.Mask is not null,
        };
        if (DumpFormat.IsScript(format))
        {
            return await ScriptRestore.RunAsync(backup, staged.Target, options, _sink, cancellationToken).ConfigureAwait(false);
        }

        using var opened = plan.Archive is null
            ? await OpenedArchive.OpenAsync(backup, _test.Identity, _sink, cancellationToken).ConfigureAwait(false)
            : null;

        // pg_restore reads a tar in its order alone.
        var archive = plan.Archive ?? opened;
        options = options with
        {
            Archive = archive,
            Jobs = format == "tar" ? 1 : _jobs,
            Edit = plan.Edit ?? await EditAsync(backup, plan, archive!, cancellationToken).ConfigureAwait(false),
        };
        if (options.Edit is { AbsentSchemas: { Count: > 0 } absent })
        {
            var session = await ServerConnection.OpenAsync(staged.Target, null, cancellationToken).ConfigureAwait(false);
            await using var closed = session.ConfigureAwait(false);
            await session.ExecuteAsync(
                string.Join(';', absent.Select(schema => "CREATE SCHEMA " + Quote.Identifier(schema))), cancellationToken)
                .ConfigureAwait(false);
        }

        var check = await ArchiveRestore.RunAsync(backup, staged.Target, options, _sink, cancellationToken).ConfigureAwait(false);
        if (options.Roles is null)
        {
            return check;
        }

        var replayed = await RoleReplay.RunAsync(backup, staged.Target, options, cancellationToken).ConfigureAwait(false);
        return check with
        {
            Detail = string.Create(
                CultureInfo.InvariantCulture, $"{check.Detail}; roles mapped ({options.Roles}) in {PgAmount.Of(replayed, "statement")}"),
        };
    }

    /// <summary>A drill restores everything but the extensions that it is told to leave out; a part may lack its schemas.</summary>
    private static async Task<ArchiveEdit?> EditAsync(
        PgBackup backup, RestorePlan plan, OpenedArchive archive, CancellationToken cancellationToken)
    {
        var facts = plan.Manifest.Facts;
        return plan.Objects.SkippedExtensions.Count == 0 && !backup.Foreign && plan.Manifest.Payload.Selection.Count == 0
            ? null
            : ArchiveEdit.Of(
                await ArchiveToc.ReadAsync(plan.Tool, archive, facts, cancellationToken).ConfigureAwait(false),
                null,
                plan.Objects.SkippedExtensions,
                true,
                new RoleMap(new Dictionary<string, string>()),
                plan.Unfilled);
    }

    private async Task<ContentComparison> CompareAsync(RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        var content = await RestoredCopy.CompareAsync(
            plan.Manifest,
            staged.Target,
            _jobs,
            _sink,
            cancellationToken,
            plan.Unfilled.Count == 0
                ? staged.Wanted
                : (schema, name) => !plan.Unfilled.Contains(Quote.Qualified(schema, name)) && staged.Wanted?.Invoke(schema, name) != false)
            .ConfigureAwait(false);
        _checks.AddRange(content.Checks);
        return content;
    }

    private async Task<IReadOnlyList<PgCheck>> InspectAsync(RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        var rules = plan.Objects with { Before = staged.ObjectsBefore };
        var checks = await RestoredCopy.InspectAsync(plan.Manifest, staged.Target, rules, cancellationToken).ConfigureAwait(false);
        _checks.AddRange(checks.Select(check => Excuse(plan, check)));
        return checks;
    }

    private async Task<MaskDatabase?> MaskAsync(RestorePlan plan, StagedDatabase staged, CancellationToken cancellationToken)
    {
        if (plan.Mask is not { Rules.Count: > 0 } order)
        {
            return null;
        }

        var mask = new MaskDatabase(staged.Target, order.Path, order.Rules, order.Seed);
        _checks.Add(await mask.RunAsync(_jobs, _sink, cancellationToken).ConfigureAwait(false));
        return mask;
    }

    private async Task<PgCheck> AnalyseAsync(
        RestorePlan plan, StagedDatabase staged, MaskDatabase? mask, CancellationToken cancellationToken)
    {
        var check = await TableStatistics.GatherAsync(staged.Target, _jobs, cancellationToken, staged.Wanted).ConfigureAwait(false);
        _checks.Add(check);
        if (mask is not null)
        {
            // The statistics are made of masked values by now; nothing else may hold an original.
            _checks.AddRange(await mask.FinishAsync(plan.Mask!.Strict, _sink.Log, cancellationToken).ConfigureAwait(false));
        }

        return check;
    }

    private async Task ExamineAsync(StagedDatabase staged, CancellationToken cancellationToken)
    {
        foreach (var inspection in Inspections)
        {
            if (inspection.OnlyWhenPassed && Failed)
            {
                continue;
            }

            if (inspection.HandlesErrors)
            {
                _checks.AddRange(await inspection.RunAsync(staged.Target, cancellationToken).ConfigureAwait(false));
            }
            else
            {
                _checks.AddRange(await StepAsync(
                    inspection.Check, () => inspection.RunAsync(staged.Target, cancellationToken)).ConfigureAwait(false) ?? []);
            }
        }
    }

    private Task<string?> SwapAsync(
        BackupProof proof, RestorePlan plan, StagedDatabase staged, MaskDatabase? mask, CancellationToken cancellationToken)
    {
        if (staged.SettingsCheck is { } settings)
        {
            _checks.Add(settings);
        }

        var masked = mask is null ? plan.Manifest.Facts.Masked : MaskMark.Describe(proof.Backup);
        return _destination.SwapAsync(plan, staged, MaskMark.Comment(masked), cancellationToken);
    }

    // A part may well be without the history, which is then no matter of the part.
    private static PgCheck Excuse(RestorePlan plan, PgCheck check)
        => check is { Name: PgCheckName.MigrationState, Status: PgCheckStatus.Failed }
            && plan.Selection is { } part && !RestoredCopy.HoldsHistory(plan.Manifest, part)
            ? PgCheck.Skip(check.Name, "the migration history is not part of what was restored")
            : check;

    private static string Describe(TocSelection selection)
        => "a part of the backup, which proves nothing about the rest"
            + (selection.Along.Count == 0 ? "" : "; needed and restored too: " + NameList.Of(selection.Along))
            + (selection.LeftOut.Count == 0
                ? ""
                : "; left out, because the other table is not restored: " + NameList.Of(selection.LeftOut));

    /// <summary>Makes a step; what the rules take for a finding becomes a failed check.</summary>
    private async Task<T?> StepAsync<T>(string check, Func<Task<T>> step)
        where T : class
    {
        var elapsed = Stopwatch.StartNew();
        try
        {
            T? made = null;
            await OperationSpans.PhaseAsync(check, async () => made = await step().ConfigureAwait(false)).ConfigureAwait(false);
            return made;
        }
        catch (Exception error) when (_rules.Finding(check, error) is { } finding)
        {
            _checks.Add(finding with { Duration = elapsed.Elapsed });
            return null;
        }
    }
}
