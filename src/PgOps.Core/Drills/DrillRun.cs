using System.Diagnostics;
using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Backups.Encryption;
using PgOps.Core.ClientTools;
using PgOps.Core.Connections;
using PgOps.Core.Objects;
using PgOps.Core.Operations;
using PgOps.Core.Restores;

namespace PgOps.Core.Drills;

/// <summary>One drill in progress: the steps in their order, each a check with its duration.</summary>
internal sealed class DrillRun
{
    /// <summary>
    /// Every step, in order. One that cannot be made is shown as skipped, never left out. Before them comes the check of the signature,
    /// where there is one or one is asked for.
    /// </summary>
    internal static readonly string[] Steps =
    [
        "hashes", "sandbox", "roles", "collation", "restore", "tables", "row-counts", "content", "sequences",
        "migration-state", .. ObjectComparison.Groups, "statistics",
    ];

    private readonly int _jobs;
    private readonly TestRestoreRequest _request;
    private readonly IOperationSink _sink;
    private readonly List<PgCheck> _checks = [];
    private readonly Stopwatch _elapsed = new();
    private PgBackup _backup;
    private BackupProof? _proof;
    private ContentComparison? _content;
    private string _serverVersion = "";

    internal DrillRun(PgBackup backup, int jobs, TestRestoreRequest request, IOperationSink sink)
    {
        _backup = backup;
        _jobs = jobs;
        _request = request;
        _sink = sink;
    }

    private bool Failed => _checks.Exists(check => check.Status == PgCheckStatus.Failed);

    /// <summary>Runs the drill and cleans up after it.</summary>
    internal async Task<PgDrill> RunAsync(CancellationToken cancellationToken)
    {
        var startedAt = DateTime.UtcNow;
        _elapsed.Start();
        using var mark = await ReadingMark.TakeAsync(_backup.Folder, cancellationToken).ConfigureAwait(false);
        await StepAsync("hashes", () => ProveAsync(cancellationToken)).ConfigureAwait(false);
        var recovery = _elapsed.Elapsed;
        if (!Failed)
        {
            recovery = await RestoreAsync(_backup.Manifest!, cancellationToken).ConfigureAwait(false);
        }

        SkipTheRest();
        return new PgDrill
        {
            Backup = BackupProof.Shown(_backup),
            Checks = [.. _checks],
            Tables = _content?.Tables ?? [],
            Rows = _content?.Rows ?? 0,
            RecoveryTime = recovery,
            DataAge = startedAt - _backup.SnapshotAt,
            StartedAt = startedAt,
            ServerVersion = _serverVersion,
        };
    }

    private async Task ProveAsync(CancellationToken cancellationToken)
    {
        var proof = await BackupProof.TakeAsync(
            _backup,
            new Backups.TestBackupRequest { Path = _backup.Path, BinPath = _request.BinPath, Key = _request.Key, Identity = _request.Identity },
            _sink,
            cancellationToken).ConfigureAwait(false);
        _checks.Add(proof.Check);
        _proof = proof;
        if (proof.Signature is not null)
        {
            _checks.Add(proof.Signature);
        }

        _backup = proof.Backup;
    }

    private async Task<TimeSpan> RestoreAsync(PgBackupManifest manifest, CancellationToken cancellationToken)
    {
        var opening = Stopwatch.StartNew();
        var ground = await DrillGround.OpenAsync(_request, manifest, _sink, cancellationToken).ConfigureAwait(false);
        await using (ground.ConfigureAwait(false))
        {
            _serverVersion = ground.Version;
            _checks.Add(ground.Check with { Duration = opening.Elapsed });
            var roles = new List<string>();
            try
            {
                await OnGroundAsync(ground, manifest, roles, cancellationToken).ConfigureAwait(false);
                return _elapsed.Elapsed;
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(ground.Server, error, "the drill", "The drill was given up; nothing of it stays behind.");
            }
            finally
            {
                // A sandbox takes its roles along; a given server gets back what the drill brought.
                if (_request.Server is not null)
                {
                    await RestoreRoles.DropAsync(ground.Server, roles, _sink.Log).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task OnGroundAsync(DrillGround ground, PgBackupManifest manifest, List<string> roles, CancellationToken cancellationToken)
    {
        var staging = await StagingDatabase.CreateAsync(
            ground.Server, manifest.Database, manifest.Facts, _sink.Log, cancellationToken).ConfigureAwait(false);
        await using (staging.ConfigureAwait(false))
        {
            var serverVersion = staging.Session.VersionNumber();
            _ = RestorePreflight.ServerVersion(manifest, serverVersion, ground.Version, ground.Server, force: false);
            var tool = RestorePreflight.Tool(manifest, serverVersion / 10000, _request.BinPath);
            _checks.Add(await TimedCheck.RunAsync(() => RolesAsync(staging.Session, manifest, roles, cancellationToken)).ConfigureAwait(false));
            _checks.Add(staging.Collation);
            await StepAsync("restore", () => UnpackAsync(staging, manifest, tool, cancellationToken)).ConfigureAwait(false);
            if (Failed)
            {
                return;
            }

            if (_request.Restored is { } restored)
            {
                await restored(staging.Target).ConfigureAwait(false);
            }

            await StepAsync("content", () => CompareAsync(manifest, staging.Target, cancellationToken)).ConfigureAwait(false);
            await StepAsync("migration-state", async () =>
                _checks.AddRange(await RestoredCopy.InspectAsync(
                    manifest, staging.Target, ObjectRules.Restored, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
            await StepAsync("statistics", async () =>
                _checks.Add(await TableStatistics.GatherAsync(staging.Target, _jobs, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
        }
    }

    private static async Task<PgCheck> RolesAsync(
        NpgsqlConnection session, PgBackupManifest manifest, List<string> created, CancellationToken cancellationToken)
    {
        var missing = await RestoreRoles.MissingAsync(session, manifest.Facts, cancellationToken).ConfigureAwait(false);
        await RestoreRoles.CreateAsync(session, missing, cancellationToken).ConfigureAwait(false);
        created.AddRange(missing);
        return PgCheck.Pass("roles", missing.Count == 0 ? "all there" : "created: " + string.Join(", ", missing));
    }

    private async Task UnpackAsync(StagingDatabase staging, PgBackupManifest manifest, PostgresTool tool, CancellationToken cancellationToken)
    {
        ScriptRestore.RefuseUnlessFit(_proof!);
        var extensions = await RestorePreflight.MissingExtensionsAsync(staging.Session, manifest.Facts, cancellationToken).ConfigureAwait(false);
        _checks.Add(extensions.Count > 0
            ? PgCheck.Fail("restore", RestorePreflight.Describe(extensions, manifest.Facts))
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
            await step().ConfigureAwait(false);
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

    private void SkipTheRest()
    {
        var reason = _checks.Find(check => check.Status == PgCheckStatus.Failed) is { } failed
            ? $"not reached, because {failed.Name} failed"
            : "not reached";
        foreach (var step in Steps.Where(step => !_checks.Exists(check => check.Name == step)))
        {
            _checks.Add(PgCheck.Skip(step, reason));
        }

        _checks.Sort((a, b) => Array.IndexOf(Steps, a.Name).CompareTo(Array.IndexOf(Steps, b.Name)));
    }
}
