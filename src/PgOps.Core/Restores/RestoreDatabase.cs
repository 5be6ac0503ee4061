using System.Diagnostics;
using System.Text;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Restores.Masking;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// Restores a backup under a staging name, holds it against the manifest, and renames it into place as the last act. Whatever goes
/// wrong before that, no database stays behind and nothing that was there is touched.
/// </summary>
public sealed class RestoreDatabase
{
    private const string NothingDone = "Nothing was restored.";
    private const string NothingInPlace = "The staging database was dropped; nothing was put in place.";

    /// <summary>Restores.</summary>
    /// <param name="request">What, and where.</param>
    /// <param name="sink">Receives progress and log lines, and is asked before the source is replaced.</param>
    /// <param name="cancellationToken">Ends pg_restore, drops the staging database, and only then lets the caller go on.</param>
    /// <returns>What was put in place.</returns>
    /// <exception cref="PgOpsException">
    /// BackupDamaged, SignatureInvalid, DecryptionFailed, ToolMissing, ToolTooOld, ServerVersionUnsupported, TargetIsSource, TargetNotEmpty, DatabaseInUse, RestoreFailed,
    /// RestoreMismatch, PoolerDetected, PermissionDenied or a connection's error.
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

    private static async Task<PgRestore> RestoreAsync(
        RestoreDatabaseRequest request, int jobs, IOperationSink sink, CancellationToken cancellationToken)
    {
        var target = request.Target.WithDatabase(request.FinalName);
        using var mark = await ReadingMark.TakeAsync(request.Backup.Folder, cancellationToken).ConfigureAwait(false);
        var checks = new List<PgCheck>();
        request = await VerifyBackupAsync(request, checks, sink, cancellationToken).ConfigureAwait(false);
        using var archive = await OpenAsync(request, sink, cancellationToken).ConfigureAwait(false);
        var plan = await PreflightAsync(request, target, archive, checks, sink, cancellationToken).ConfigureAwait(false);
        var (filled, replaced) = await FillAsync(request, target, plan, archive, jobs, checks, sink, cancellationToken).ConfigureAwait(false);
        return new PgRestore
        {
            Backup = BackupProof.Shown(request.Backup),
            Target = target,
            TablesVerified = request.Backup.Foreign ? 0 : filled.Tables,
            Rows = filled.Rows,
            Selection = [.. request.Schemas.Select(schema => "schema " + schema), .. request.Tables.Select(table => "table " + table)],
            Checks = checks,
            ReplacedDatabase = replaced,
            Masked = filled.Masked,
        };
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
        var checks = new List<PgCheck>();
        request = await VerifyBackupAsync(request with { IsPreview = true }, checks, sink, cancellationToken).ConfigureAwait(false);
        var target = request.Target.WithDatabase(request.FinalName);
        using var archive = await OpenAsync(request, sink, cancellationToken).ConfigureAwait(false);
        var plan = await PreflightAsync(request, target, archive, checks, sink, cancellationToken).ConfigureAwait(false);
        return RestorePreview.Describe(request, target, plan);
    }

    private static async Task<OpenedArchive?> OpenAsync(RestoreDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        if (ForeignDump.IsScript(request.Backup.Manifest!.Payload.Format))
        {
            return null;
        }

        if (!request.IsPreview)
        {
            return await OpenedArchive.OpenAsync(request.Backup, request.Identity, sink, cancellationToken).ConfigureAwait(false);
        }

        using var progress = new ProgressActivity(sink, $"Reading {request.Backup}");
        return await OpenedArchive.OpenAsync(request.Backup, request.Identity, true, progress, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<(FilledDatabase Filled, string? Replaced)> FillAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        RestorePlan plan,
        OpenedArchive? archive,
        int jobs,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        if (!request.IntoEmpty)
        {
            var fill = new RestoreFill(request, plan, jobs, checks, sink) { Archive = archive };
            return await RestoreBesideAsync(request, target, plan, fill, checks, sink, cancellationToken).ConfigureAwait(false);
        }

        var database = await EmptyDatabase.OpenAsync(target, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (database.ConfigureAwait(false))
        {
            var fill = new RestoreFill(request, plan, jobs, checks, sink) { Archive = archive, Before = database };
            return (await RestoreIntoAsync(database, target, plan, fill, checks, sink, cancellationToken).ConfigureAwait(false), null);
        }
    }

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
                PgErrorCode.InvalidArgument, "-DropOld says what becomes of a database that -Force replaces.", NothingDone, "Give -Force too, or leave it out.");
        }

        if (request.IntoEmpty && request.Mask is not null)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Mask works on a copy that nobody sees yet; with -IntoEmpty the database bears its name from the beginning.",
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
                PgErrorCode.InvalidArgument, $"\"{request.FinalName}\" is longer than the 63 bytes of an identifier.", NothingDone, "Give a shorter name.");
        }
    }

    private static async Task<RestoreDatabaseRequest> VerifyBackupAsync(
        RestoreDatabaseRequest request, List<PgCheck> checks, IOperationSink sink, CancellationToken cancellationToken)
    {
        var proof = await BackupProof.TakeAsync(
            request.Backup,
            new TestBackupRequest { Path = request.Backup.Path, BinPath = request.BinPath, Key = request.Key, Identity = request.Identity },
            sink,
            cancellationToken).ConfigureAwait(false);
        if (proof.Check.Status == PgCheckStatus.Failed)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"{request.Backup} is damaged: {proof.Check.Detail}",
                NothingDone,
                "Restore another backup (Get-PgBackup lists them), or fetch this one again from where a copy is kept.")
            { Subject = request.Backup };
        }

        proof.RequireDefinitions();
        ScriptRestore.RefuseUnlessFit(proof, [.. Changes(request)]);
        checks.Add(proof.Check);
        if (proof.Signature is { Status: PgCheckStatus.Failed } signature)
        {
            throw new PgOpsException(
                PgErrorCode.SignatureInvalid,
                $"{request.Backup} is not restored: {signature.Detail}",
                NothingDone,
                "Find out where the backup comes from; restore one that carries a valid signature.")
            { Subject = request.Backup };
        }

        if (proof.Signature is not null)
        {
            checks.Add(proof.Signature);
        }

        return request with { Backup = proof.Backup, Script = proof.Script };
    }

    private static IEnumerable<string> Changes(RestoreDatabaseRequest request)
        => ((bool Is, string Name)[])
        [
            (request.NoOwner, "-NoOwner"), (request.NoPrivileges, "-NoPrivileges"), (request.NoTablespaces, "-NoTablespaces"),
            (request.MapRole.Count > 0, "-MapRole"), (request.SkipExtension.Count > 0, "-SkipExtension"),
            (request.Schemas.Count > 0, "-Schema"), (request.Tables.Count > 0, "-Table"),
        ] is var all ? all.Where(one => one.Is).Select(one => one.Name) : [];

    private static async Task<RestorePlan> PreflightAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        OpenedArchive? archive,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        // The fallback works from the database itself: others may be closed to the role.
        var from = request.IntoEmpty ? target : Maintenance(request);
        var session = await ServerConnection.OpenAsync(from, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                await PoolerDetection.RefuseAsync(session, from, "a restore", cancellationToken).ConfigureAwait(false);
                var plan = await RestoreRequirements.CheckAsync(request, session, target, archive, checks, cancellationToken).ConfigureAwait(false);
                if (request.IntoEmpty)
                {
                    await EmptyDatabase.RequireAsync(session, target, plan.Selection?.Schemas, cancellationToken).ConfigureAwait(false);
                    checks.Add(await StagingLocale.CheckAsync(session, request.Backup.Manifest!.Facts, cancellationToken).ConfigureAwait(false));
                    return plan;
                }

                var existing = await DatabaseOccupancy.ReadAsync(session, target, cancellationToken).ConfigureAwait(false);
                if (existing is not null)
                {
                    await RestoreGuard.CheckAsync(request, target, existing, session, sink, cancellationToken).ConfigureAwait(false);
                }

                return plan with { Existing = existing };
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(from, error, "looking at the server", NothingDone);
            }
        }
    }

    private static PgTarget Maintenance(RestoreDatabaseRequest request) => request.Target.WithDatabase(request.MaintenanceDatabase);

    private static async Task<(FilledDatabase Filled, string? Replaced)> RestoreBesideAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        RestorePlan plan,
        RestoreFill fill,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var manifest = plan.Manifest;
        var maintenance = Maintenance(request);
        var staging = await StagingDatabase.CreateAsync(maintenance, target.Database, manifest.Facts, sink.Log, cancellationToken).ConfigureAwait(false);
        var created = (IReadOnlyList<string>)[];
        try
        {
            await RestoreRoles.CreateAsync(staging.Session, plan.MissingRoles, cancellationToken).ConfigureAwait(false);
            created = plan.MissingRoles;
            checks.Add(staging.Collation);
            var filled = await fill.RunAsync(staging.Session, staging.Target, cancellationToken).ConfigureAwait(false);

            // The setting that sped the restore up goes before the source's own come.
            await staging.Session.ExecuteAsync(
                $"ALTER DATABASE {Quote.Identifier(staging.Name)} RESET synchronous_commit", cancellationToken).ConfigureAwait(false);
            await DatabaseSettings.ApplyAsync(staging.Session, staging.Name, filled.Settings, cancellationToken).ConfigureAwait(false);
            checks.Add(filled.SettingsCheck);
            var replaced = await DatabaseSwap.RunAsync(
                staging,
                new SwapRequest(target, plan.Existing?.Oid)
                {
                    Owner = plan.Owner,
                    KeepGrants = !request.NoPrivileges,
                    Comment = filled.Comment,
                    Discard = request.DropOld,
                },
                cancellationToken).ConfigureAwait(false);
            if (replaced is not null)
            {
                replaced = request.DropOld
                    ? await DatabaseSwap.DropDiscardedAsync(staging.Session, target, replaced, sink.Log).ConfigureAwait(false)
                    : plan.Existing!.IsEmpty
                        ? await DatabaseSwap.DropEmptyAsync(staging.Session, maintenance, replaced, sink.Log).ConfigureAwait(false)
                        : replaced;
            }

            return (filled, replaced);
        }
        catch (Exception error) when (!staging.InPlace)
        {
            var kept = request.KeepFailed && error is not OperationCanceledException
                && await staging.KeepAsync($"pgops: kept failed restore of {request.Backup}").ConfigureAwait(false);
            await staging.DisposeAsync().ConfigureAwait(false);
            if (!kept)
            {
                await RestoreRoles.DropAsync(maintenance, created, sink.Log).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (error is NpgsqlException or PgOpsException)
            {
                var state = kept
                    ? $"Nothing was put in place. The staging database is kept as {staging.Name}; when it has served: DROP DATABASE {Quote.Identifier(staging.Name)}"
                    : NothingInPlace;
                throw InState(error, staging.Target, state, null);
            }

            throw;
        }
        finally
        {
            await staging.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<FilledDatabase> RestoreIntoAsync(
        EmptyDatabase database,
        PgTarget target,
        RestorePlan plan,
        RestoreFill fill,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        try
        {
            await RestoreRoles.CreateAsync(database.Session, plan.MissingRoles, cancellationToken).ConfigureAwait(false);
            var filled = await fill.RunAsync(database.Session, target, cancellationToken).ConfigureAwait(false);
            await DatabaseSettings.ApplyAsync(database.Session, target.Database, filled.Settings, cancellationToken).ConfigureAwait(false);
            checks.Add(filled.SettingsCheck);
            await database.FinishAsync(filled.Comment).ConfigureAwait(false);
            return filled;
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw InState(error, target, database.Left, EmptyDatabase.WayOut);
        }
        catch (OperationCanceledException)
        {
            sink.Log.RestoreCancelled(database.Left, EmptyDatabase.WayOut);
            throw;
        }
    }

    /// <summary>The error, saying what was left behind.</summary>
    private static PgOpsException InState(Exception error, PgTarget target, string state, string? next)
        => (error as PgOpsException ?? ServerErrors.Working(target, error, "the restore")).InState(state, nextStep: next);
}
