using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Checks.User;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Restores;

namespace PgOps.Core.Drills;

/// <summary>
/// The restore drill: one backup is restored for real, compared with its manifest table by table, looked over, analysed and thrown
/// away; the result goes into the ledger beside the backups. A bad backup is a result, not an error.
/// </summary>
public sealed class TestRestore
{
    /// <summary>Drills one backup.</summary>
    /// <param name="request">Which one, and where.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops the drill; the sandbox is gone when the exception arrives, and nothing is written to the
    /// ledger.</param>
    /// <returns>The drill, passed or not.</returns>
    /// <exception cref="PgOpsException">
    /// Only when the drill could not be carried out: InvalidArgument of a backup of rows alone, ToolMissing, ToolTooOld, SandboxFailed,
    /// ServerVersionUnsupported, PathNotFound, MigrationSourceInvalid of a folder to rehearse, PoolerDetected, a missing privilege on the
    /// given server, or a lost connection.
    /// </exception>
    public Task<PgDrill> RunAsync(TestRestoreRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgDrill> WorkAsync(TestRestoreRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        DrillLimits.Require(request);
        RequireOneServer(request);
        Rehearsal.RequireReadable(request.Rehearse);
        var startedAt = DateTime.UtcNow;
        var elapsed = Stopwatch.StartNew();
        using var fetched = await FetchedBackup.TakeAsync(
            await FindAsync(request, cancellationToken).ConfigureAwait(false), sink, cancellationToken).ConfigureAwait(false);
        var drill = await fetched.UseAsync(
            () => DrillAsync(request with { Backup = fetched.Backup }, startedAt, elapsed, sink, cancellationToken)).ConfigureAwait(false);
        drill = drill with { Backup = drill.Backup with { FetchedTo = null }, Checks = fetched.Named(drill.Checks) };
        await RecordAsync(drill, request.Key, sink, cancellationToken).ConfigureAwait(false);
        return drill;
    }

    private static async Task<PgDrill> DrillAsync(
        TestRestoreRequest request, DateTime startedAt, Stopwatch elapsed, IOperationSink sink, CancellationToken cancellationToken)
    {
        var backup = request.Backup!;
        var jobs = RestoreJobs.Resolve(request.Jobs);
        var destination = new ScratchDestination(request.Server, request.BinPath, sink)
        {
            AskedVersion = request.ServerVersion,
            SandboxPath = request.SandboxPath,
            SandboxSettings = request.SandboxSettings,
            SkippedExtensions = request.SkipExtension,
        };
        var pipeline = new RestorePipeline(
            backup,
            new TestBackupRequest { Path = backup.Path, BinPath = request.BinPath, Key = request.Key, Identity = request.Identity },
            destination,
            new ReportingRules(),
            jobs,
            sink)
        {
            Elapsed = elapsed,
            Loaded = request.Restored,
            Inspections = [.. Inspections(request, jobs, sink)],
        };
        var outcome = await pipeline.RunAsync(cancellationToken).ConfigureAwait(false);
        var recovery = outcome.Ready ?? elapsed.Elapsed;
        var age = startedAt - outcome.Backup.SnapshotAt;
        return new PgDrill
        {
            Backup = BackupProof.Shown(outcome.Backup),
            Checks = DrillSteps.Complete(request, [.. outcome.Checks, .. Limits(request, outcome, age)]),
            Tables = outcome.Content?.Tables ?? [],
            Rows = outcome.Content?.Rows ?? 0,
            ContentEqual = request.SkipExtension.Count == 0 && outcome.Content?.ContentEqual == true,
            RecoveryTime = recovery,
            DataAge = age,
            StartedAt = startedAt,
            Duration = DateTime.UtcNow - startedAt,
            ServerVersion = destination.ServerVersion,
        };
    }

    /// <summary>What a drill looks at beyond a restore, before any migration has changed the copy and then by migrating it.</summary>
    private static IEnumerable<RestoreInspection> Inspections(TestRestoreRequest request, int jobs, IOperationSink sink)
    {
        yield return new RestoreInspection(IndexCheck.Name, async (copy, token) =>
            [await TimedCheck.RunAsync(() => IndexCheck.RunAsync(copy, request.IndexCheck, jobs, token)).ConfigureAwait(false)]);
        yield return new RestoreInspection(PgCheckName.Checks, (copy, token) =>
            UserChecks.RunAsync(request.Checks, copy, request.CheckTimeout, sink, token))
        { HandlesErrors = true };
        if (request.Rehearse is { } rehearsal)
        {
            yield return new RestoreInspection(Rehearsal.Name, async (copy, token) =>
                [await TimedCheck.RunAsync(
                    () => Rehearsal.RunAsync(rehearsal, copy, request.Server is not null, sink, token)).ConfigureAwait(false)])
            { HandlesErrors = true, OnlyWhenPassed = true };
        }
    }

    private static IEnumerable<PgCheck> Limits(TestRestoreRequest request, RestoreOutcome outcome, TimeSpan age)
    {
        if (!outcome.Staged)
        {
            yield break;
        }

        // The time of a recovery that went wrong says nothing; the age is known all the same.
        if (request.MaxRecoveryTime is { } longest && outcome.Ready is { } taken && !outcome.Checks.Any(PgDrill.SpeaksAgainstBackup))
        {
            yield return DrillLimits.RecoveryTime(taken, longest);
        }

        if (request.MaxDataLoss is { } oldest)
        {
            yield return DrillLimits.DataAge(outcome.Backup, age, oldest);
        }
    }

    private static void RequireOneServer(TestRestoreRequest request)
    {
        if (request is { Server: { } given, SandboxSettings.Count: > 0 })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"-SandboxSetting is for a sandbox, and -Target {given} is a server that has its settings.",
                "Nothing was drilled.",
                "Give one of them.");
        }

        if (request is { Server: { } server, ServerVersion: { } version })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"-ServerVersion {version.ToString(CultureInfo.InvariantCulture)} chooses a sandbox, "
                    + $"and -Target {server} is a server that has its version.",
                "Nothing was drilled.",
                "Give one of them.");
        }
    }

    private static async Task<PgBackup> FindAsync(TestRestoreRequest request, CancellationToken cancellationToken)
        => request.Backup is null == request.Path is null
            ? throw new PgOpsException(
                PgErrorCode.InvalidArgument, "Give exactly one of a backup and a path.", null, "Set Backup or Path.")
            : request.Backup ?? await StoredBackups.ReadAsync(request.Path!, cancellationToken).ConfigureAwait(false);

    private static async Task RecordAsync(PgDrill drill, BackupKey? key, IOperationSink sink, CancellationToken cancellationToken)
    {
        // The ledger speaks of manifests, and a foreign dump has none. A drill that could not be made takes no proof away.
        if (drill.Backup.Foreign || !drill.WasMade)
        {
            return;
        }

        try
        {
            var remark = await DrillLedger.AppendAsync(drill, key, cancellationToken).ConfigureAwait(false);
            if (key is { CanSign: false })
            {
                sink.Log.LedgerNotSigned(key.Id);
            }

            if (remark is not null)
            {
                sink.Log.LedgerRemarked(remark);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PgOpsException)
        {
            sink.Log.DrillNotRecorded(drill.Backup.Path, error.Message);
        }
    }
}
