using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;

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
    /// <param name="cancellationToken">Stops the drill; the sandbox is gone when the exception arrives, and nothing is written to the ledger.</param>
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
        RequireOneGround(request);
        Rehearsal.RequireReadable(request.Rehearse);
        var elapsed = Stopwatch.StartNew();
        using var fetched = await FetchedBackup.TakeAsync(
            await FindAsync(request, cancellationToken).ConfigureAwait(false), sink, cancellationToken).ConfigureAwait(false);
        var jobs = RestoreJobs.Resolve(request.Jobs);
        var run = new DrillRun(fetched.Backup, jobs, request, elapsed, sink);
        var drill = await fetched.UseAsync(() => run.RunAsync(cancellationToken)).ConfigureAwait(false);
        drill = drill with { Backup = drill.Backup with { FetchedTo = null }, Checks = fetched.Named(drill.Checks) };
        await RecordAsync(drill, request.Key, sink, cancellationToken).ConfigureAwait(false);
        return drill;
    }

    private static void RequireOneGround(TestRestoreRequest request)
    {
        if (request is { Server: { } server, ServerVersion: { } version })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"-ServerVersion {version.ToString(CultureInfo.InvariantCulture)} chooses a sandbox, and -Server {server} is a server that has its version.",
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
        if (drill.Backup.Foreign)
        {
            // The ledger speaks of manifests, and there is none.
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
