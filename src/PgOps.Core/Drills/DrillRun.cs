using System.Diagnostics;
using Npgsql;
using PgOps.Core.Checks.User;
using PgOps.Core.Common.Operations;
using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Restores;

namespace PgOps.Core.Drills;

/// <summary>One drill in progress: the steps in their order, each a check with its duration.</summary>
internal sealed class DrillRun
{
    /// <summary>
    /// Every step, in order. One that cannot be made is shown as skipped, never left out. Before them comes the check of the signature,
    /// where there is one or one is asked for; behind them come those that the request asks for.
    /// </summary>
    internal static readonly string[] Steps =
    [
        PgCheckName.Hashes, PgCheckName.Sandbox, PgCheckName.Roles, PgCheckName.Collation, PgCheckName.Restore, PgCheckName.Tables, PgCheckName.RowCounts, PgCheckName.Content, PgCheckName.Sequences,
        PgCheckName.MigrationState, .. ObjectComparison.Groups, PgCheckName.Statistics, IndexCheck.Name,
    ];

    private readonly string[] _steps;
    private readonly int _jobs;
    private readonly TestRestoreRequest _request;
    private readonly IOperationSink _sink;
    private readonly List<PgCheck> _checks = [];
    private readonly Stopwatch _elapsed;
    private readonly DateTime _startedAt;
    private TimeSpan? _recovery;
    private PgBackup _backup;
    private BackupProof? _proof;
    private ContentComparison? _content;
    private string _serverVersion = "";

    /// <param name="backup">The backup, its files on this machine.</param>
    /// <param name="jobs">Sessions to work with.</param>
    /// <param name="request">What to do.</param>
    /// <param name="elapsed">The time to recover so far: it ran while the backup was fetched.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    internal DrillRun(PgBackup backup, int jobs, TestRestoreRequest request, Stopwatch elapsed, IOperationSink sink)
    {
        _backup = backup;
        _jobs = jobs;
        _request = request;
        _elapsed = elapsed;
        _startedAt = DateTime.UtcNow - elapsed.Elapsed;
        _sink = sink;
        _steps =
        [
            .. Steps,
            .. request.Checks.Select(check => UserChecks.Prefix + check.Name),
            .. Asked(request.Rehearse, Rehearsal.Name),
            .. Asked(request.MaxRecoveryTime, DrillLimits.Recovery),
            .. Asked(request.MaxDataLoss, DrillLimits.Age),
        ];

        static string[] Asked(object? wish, string step) => wish is null ? [] : [step];
    }

    private bool Failed => _checks.Exists(check => check.Status == PgCheckStatus.Failed);

    /// <summary>Runs the drill and cleans up after it.</summary>
    internal async Task<PgDrill> RunAsync(CancellationToken cancellationToken)
    {
        using var mark = await ReadingMark.TakeAsync(_backup.Folder, cancellationToken).ConfigureAwait(false);
        await StepAsync(PgCheckName.Hashes, () => ProveAsync(cancellationToken)).ConfigureAwait(false);
        var recovery = _elapsed.Elapsed;
        var age = _startedAt - _backup.SnapshotAt;
        if (!Failed)
        {
            await RestoreAsync(_backup.Manifest!, cancellationToken).ConfigureAwait(false);
            recovery = _recovery ?? _elapsed.Elapsed;
            HoldAgainstLimits(age);
        }

        return new PgDrill
        {
            Backup = BackupProof.Shown(_backup),
            Checks = WithTheRest(),
            Tables = _content?.Tables ?? [],
            Rows = _content?.Rows ?? 0,
            ContentEqual = _content?.ContentEqual ?? false,
            RecoveryTime = recovery,
            DataAge = age,
            StartedAt = _startedAt,
            Duration = DateTime.UtcNow - _startedAt,
            ServerVersion = _serverVersion,
        };
    }

    private void HoldAgainstLimits(TimeSpan age)
    {
        // The time of a recovery that went wrong says nothing; the age is known all the same.
        if (_request.MaxRecoveryTime is { } longest && _recovery is { } taken && !_checks.Exists(SpeaksAgainstBackup))
        {
            _checks.Add(DrillLimits.RecoveryTime(taken, longest));
        }

        if (_request.MaxDataLoss is { } oldest)
        {
            _checks.Add(DrillLimits.DataAge(_backup, age, oldest));
        }
    }

    private async Task ProveAsync(CancellationToken cancellationToken)
    {
        var proof = await BackupProof.TakeAsync(
            _backup,
            new TestBackupRequest { Path = _backup.Path, BinPath = _request.BinPath, Key = _request.Key, Identity = _request.Identity },
            _sink,
            cancellationToken).ConfigureAwait(false);
        _checks.Add(proof.Check);
        _proof = proof;
        if (proof.Signature is not null)
        {
            _checks.Add(proof.Signature);
        }

        _backup = proof.Backup;
        if (proof.Check.Status != PgCheckStatus.Failed)
        {
            proof.RequireDefinitions();
        }
    }

    private async Task RestoreAsync(PgBackupManifest manifest, CancellationToken cancellationToken)
    {
        var opening = Stopwatch.StartNew();
        RestorePreflight.RefuseOlder(manifest, _request.ServerVersion, "The version asked for");
        var ground = await DrillGround.OpenAsync(_request, manifest, _sink, cancellationToken).ConfigureAwait(false);
        await using (ground.ConfigureAwait(false))
        {
            _serverVersion = ground.Version;
            _checks.Add(ground.Check with { Duration = opening.Elapsed });
            try
            {
                await OnGroundAsync(ground, manifest, cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(ground.Server, error, "the drill", "The drill was given up; nothing of it stays behind.");
            }
        }
    }

    private async Task OnGroundAsync(DrillGround ground, PgBackupManifest manifest, CancellationToken cancellationToken)
    {
        var preparing = Stopwatch.StartNew();
        var roles = await DrillRoles.TakeAsync(ground.Server, manifest.Facts, _sink.Log, cancellationToken).ConfigureAwait(false);
        await using (roles.ConfigureAwait(false))
        {
            _checks.Add(roles.Check with { Duration = preparing.Elapsed });
            var staging = await StagingDatabase.CreateAsync(
                ground.Server, manifest.Database, manifest.Facts, _sink.Log, cancellationToken).ConfigureAwait(false);
            await using (staging.ConfigureAwait(false))
            {
                var serverVersion = staging.Session.VersionNumber();
                RestorePreflight.RefuseOlder(manifest, serverVersion / 10000, $"{ground.Server}");
                var tool = RestorePreflight.Tool(manifest, serverVersion / 10000, _request.BinPath);
                _checks.Add(staging.Collation);
                await StepAsync(PgCheckName.Restore, () => UnpackAsync(staging, manifest, tool, cancellationToken)).ConfigureAwait(false);
                if (!Failed)
                {
                    await LookAsync(manifest, staging.Target, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task LookAsync(PgBackupManifest manifest, PgTarget copy, CancellationToken cancellationToken)
    {
        if (_request.Restored is { } restored)
        {
            await restored(copy).ConfigureAwait(false);
        }

        await StepAsync(PgCheckName.Content, () => CompareAsync(manifest, copy, cancellationToken)).ConfigureAwait(false);
        await StepAsync(PgCheckName.MigrationState, async () => _checks.AddRange(await RestoredCopy.InspectAsync(
            manifest, copy, ObjectRules.Restored, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
        await StepAsync(PgCheckName.Statistics, async () =>
            _checks.Add(await TableStatistics.GatherAsync(copy, _jobs, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);

        // Here a recovery in earnest would be over: what follows a drill does on top of it.
        _recovery = _elapsed.Elapsed;
        await StepAsync(IndexCheck.Name, async () => _checks.Add(await TimedCheck.RunAsync(
            () => IndexCheck.RunAsync(copy, _request.IndexCheck, _jobs, cancellationToken)).ConfigureAwait(false))).ConfigureAwait(false);

        // The copy is whole and analysed, and no migration has changed it yet.
        _checks.AddRange(await UserChecks.RunAsync(_request.Checks, copy, _request.CheckTimeout, _sink, cancellationToken).ConfigureAwait(false));
        if (_request.Rehearse is { } rehearsal && !Failed)
        {
            _checks.Add(await TimedCheck.RunAsync(
                () => Rehearsal.RunAsync(rehearsal, copy, _request.Server is not null, _sink, cancellationToken)).ConfigureAwait(false));
        }
    }

    private async Task UnpackAsync(StagingDatabase staging, PgBackupManifest manifest, PostgresTool tool, CancellationToken cancellationToken)
    {
        ScriptRestore.RefuseUnlessFit(_proof!);
        var extensions = await RestorePreflight.MissingExtensionsAsync(staging.Session, manifest.Facts, cancellationToken).ConfigureAwait(false);
        _checks.Add(extensions.Count > 0
            ? PgCheck.Fail(PgCheckName.Restore, RestorePreflight.Describe(extensions, manifest.Facts))
            : await TimedCheck.RunAsync(() => RestoreAsync(staging, tool, cancellationToken)).ConfigureAwait(false));
    }

    private async Task<PgCheck> RestoreAsync(StagingDatabase staging, PostgresTool tool, CancellationToken cancellationToken)
    {
        using var archive = await OpenedArchive.OpenAsync(_backup, _request.Identity, _sink, cancellationToken).ConfigureAwait(false);
        var options = new ArchiveRestoreOptions(tool, _jobs, staging.Session.PostgreSqlVersion.Major, Script: _proof!.Script) { Archive = archive };
        return await PayloadRestore.RunAsync(_backup, staging.Target, options, _sink, cancellationToken).ConfigureAwait(false);
    }

    private async Task CompareAsync(PgBackupManifest manifest, PgTarget copy, CancellationToken cancellationToken)
    {
        _content = await RestoredCopy.CompareAsync(manifest, copy, _jobs, _sink, cancellationToken).ConfigureAwait(false);
        _checks.AddRange(_content.Checks);
    }

    private static bool SpeaksAgainstBackup(PgCheck check) => check.Status == PgCheckStatus.Failed && check.Name != Rehearsal.Name;

    private static bool SpeaksAgainstBackup(PgErrorCode code) => code is
        PgErrorCode.RestoreFailed or PgErrorCode.RestoreMismatch or PgErrorCode.BackupDamaged
        or PgErrorCode.StatementFailed or PgErrorCode.ToolFailed or PgErrorCode.PermissionDenied
        or PgErrorCode.PathNotFound or PgErrorCode.PathInaccessible;

    /// <summary>Makes a step. What speaks against the backup becomes a failed check; what keeps the drill from being made is thrown.</summary>
    private async Task StepAsync(string name, Func<Task> step)
    {
        var elapsed = Stopwatch.StartNew();
        try
        {
            await OperationSpans.PhaseAsync(name, step).ConfigureAwait(false);
        }
        catch (PgOpsException error) when (SpeaksAgainstBackup(error.Code))
        {
            _checks.Add(PgCheck.Fail(name, error.Problem) with { Duration = elapsed.Elapsed });
        }
        catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
        {
            _checks.Add(PgCheck.Fail(name, $"{error.SqlState} {error.MessageText}") with { Duration = elapsed.Elapsed });
        }
    }

    /// <summary>The checks in the order of the steps, with those that were not reached.</summary>
    private IReadOnlyList<PgCheck> WithTheRest()
    {
        var reason = _checks.Find(check => check.Status == PgCheckStatus.Failed) is { } failed
            ? $"not reached, because {failed.Name} failed"
            : "not reached";
        var missing = _steps.Where(step => !_checks.Exists(check => check.Name == step)).Select(step => PgCheck.Skip(step, reason));
        return [.. _checks.Concat(missing).OrderBy(check => Array.IndexOf(_steps, check.Name))];
    }
}
