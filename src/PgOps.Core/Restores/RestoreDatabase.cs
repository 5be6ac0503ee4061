using System.Diagnostics;
using System.Text;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Restores;

/// <summary>
/// Restores a backup under a staging name, holds it against the manifest, and renames it into place as the last act. Whatever goes
/// wrong before that, no database stays behind and nothing that was there is touched.
/// </summary>
public sealed class RestoreDatabase
{
    private const string NothingDone = "Nothing was restored.";

    /// <summary>Restores.</summary>
    /// <param name="request">What, and where.</param>
    /// <param name="sink">Receives progress and log lines, and is asked before the source is replaced.</param>
    /// <param name="cancellationToken">Ends pg_restore, drops the staging database, and only then lets the caller go on.</param>
    /// <returns>What was put in place.</returns>
    /// <exception cref="PgOpsException">
    /// BackupDamaged, SignatureInvalid, DecryptionFailed, ToolMissing, ToolTooOld, ServerVersionUnsupported, TargetIsSource,
    /// TargetNotEmpty, DatabaseInUse, RestoreFailed, RestoreMismatch, PoolerDetected, PermissionDenied or a connection's error.
    /// </exception>
    public Task<PgRestore> RunAsync(RestoreDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgRestore> WorkAsync(RestoreDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var startedAt = DateTime.UtcNow;
        var elapsed = Stopwatch.StartNew();
        var jobs = RestoreJobs.Resolve(request.Jobs);
        Refuse(request);
        request = await ReadMaskAsync(request, cancellationToken).ConfigureAwait(false);

        using var fetched = await FetchedBackup.TakeAsync(request.Backup, sink, cancellationToken).ConfigureAwait(false);
        var restore = await fetched.UseAsync(() => RestoreAsync(
            request with { Backup = fetched.Backup }, jobs, sink, cancellationToken)).ConfigureAwait(false);
        return restore with { StartedAt = startedAt, Duration = elapsed.Elapsed };
    }

    /// <summary>Says what <see cref="RunAsync"/> would do: checks the backup and the server, and touches nothing.</summary>
    /// <param name="request">What, and where.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan in words.</returns>
    /// <exception cref="PgOpsException">The refusal that the restore would meet.</exception>
    public async Task<string> PreviewAsync(RestoreDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        Refuse(request);
        request = await ReadMaskAsync(request, cancellationToken).ConfigureAwait(false);
        request = request with { IsPreview = true };
        var destination = Destination(request, sink);
        var plan = await Pipeline(request, destination, 1, sink).PlanAsync(cancellationToken).ConfigureAwait(false);
        return RestorePreview.Describe(destination.Request, destination.Target, plan);
    }

    private static async Task<PgRestore> RestoreAsync(
        RestoreDatabaseRequest request, int jobs, IOperationSink sink, CancellationToken cancellationToken)
    {
        var destination = Destination(request, sink);
        var outcome = await Pipeline(request, destination, jobs, sink).RunAsync(cancellationToken).ConfigureAwait(false);
        return new PgRestore
        {
            Backup = BackupProof.Shown(outcome.Backup),
            Target = destination.Target,
            TablesVerified = outcome.Backup.Foreign ? 0 : outcome.Content!.Tables.Count,
            Rows = outcome.Content!.Rows,
            Selection = [.. request.Schemas.Select(schema => "schema " + schema), .. request.Tables.Select(table => "table " + table)],
            Checks = outcome.Checks,
            ReplacedDatabase = outcome.Replaced,
            Masked = outcome.Masked,
        };
    }

    private static TargetDestination Destination(RestoreDatabaseRequest request, IOperationSink sink)
        => request.IntoEmpty ? new EmptyDestination(request, sink) : new StagingDestination(request, sink);

    private static RestorePipeline Pipeline(
        RestoreDatabaseRequest request, RestoreDestination destination, int jobs, IOperationSink sink) => new(
            request.Backup,
            new TestBackupRequest { Path = request.Backup.Path, BinPath = request.BinPath, Key = request.Key, Identity = request.Identity },
            destination,
            new RefusingRules(request),
            jobs,
            sink);

    private static async Task<RestoreDatabaseRequest> ReadMaskAsync(RestoreDatabaseRequest request, CancellationToken cancellationToken)
    {
        _ = MaskKey.From(request.MaskSeed);
        return request.Mask is null
            ? request
            : request with { MaskRules = await MaskRules.LoadAsync(request.Mask, cancellationToken).ConfigureAwait(false) };
    }

    private static void Refuse(RestoreDatabaseRequest request)
    {
        _ = new RoleMap(request.MapRole);
        if (request.DropOld && (!request.Force || request.IntoEmpty))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-DropOld says what becomes of a database that -Force replaces.",
                NothingDone,
                "Give -Force too, or leave it out.");
        }

        if (request.IntoEmpty && request.Mask is not null)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Mask works on a copy that nobody sees yet; with -IntoEmpty the database has its name from the beginning.",
                NothingDone,
                "Mask on a server where the role may create databases, back the masked copy up, and restore that with -IntoEmpty.");
        }

        if (request.FinalName == request.MaintenanceDatabase && !request.IntoEmpty)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The database \"{request.FinalName}\" cannot be restored while the restore works from it.",
                NothingDone,
                "Give another maintenance database, for example template1.");
        }

        if (Encoding.UTF8.GetByteCount(request.FinalName) > 63)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"\"{request.FinalName}\" is longer than the 63 bytes of an identifier.",
                NothingDone,
                "Give a shorter name.");
        }
    }
}
