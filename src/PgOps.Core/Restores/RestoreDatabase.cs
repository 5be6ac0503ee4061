using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Backups.Encryption;
using PgOps.Core.ClientTools;
using PgOps.Core.Connections;
using PgOps.Core.Objects;
using PgOps.Core.Operations;
using PgOps.Core.Restores.Masking;
using PgOps.Core.Sql;
using PgOps.Core.Stores;

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
    public async Task<PgRestore> RunAsync(RestoreDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var elapsed = Stopwatch.StartNew();
        var jobs = RestoreJobs.Resolve(request.Jobs);
        var target = request.Target.WithDatabase(request.FinalName);
        RefuseName(request);
        request = await ReadMaskAsync(request, cancellationToken).ConfigureAwait(false);

        using var fetched = await FetchedBackup.TakeAsync(request.Backup, sink, cancellationToken).ConfigureAwait(false);
        request = request with { Backup = fetched.Backup };
        using var mark = await ReadingMark.TakeAsync(request.Backup.Folder, cancellationToken).ConfigureAwait(false);
        var checks = new List<PgCheck>();
        request = await VerifyBackupAsync(request, checks, sink, cancellationToken).ConfigureAwait(false);
        var maintenance = request.Target.WithDatabase(request.MaintenanceDatabase);
        var plan = await PreflightAsync(request, target, maintenance, checks, sink, cancellationToken).ConfigureAwait(false);
        var copy = await RestoreAsync(request, target, maintenance, plan, jobs, checks, sink, cancellationToken).ConfigureAwait(false);
        return new PgRestore
        {
            Backup = BackupProof.Shown(request.Backup),
            Target = target,
            TablesVerified = request.Backup.Foreign ? 0 : copy.Tables,
            Rows = copy.Rows,
            Checks = checks,
            ReplacedDatabase = copy.Replaced,
            Masked = copy.Masked,
            Duration = elapsed.Elapsed,
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
        RefuseName(request);
        request = await ReadMaskAsync(request, cancellationToken).ConfigureAwait(false);
        var checks = new List<PgCheck>();
        request = await VerifyBackupAsync(request with { IsPreview = true }, checks, sink, cancellationToken).ConfigureAwait(false);
        var target = request.Target.WithDatabase(request.FinalName);
        var maintenance = request.Target.WithDatabase(request.MaintenanceDatabase);
        var plan = await PreflightAsync(request, target, maintenance, checks, sink, cancellationToken).ConfigureAwait(false);
        var tables = request.Backup.Manifest!.Tables;
        var known = request.Backup.Foreign
            ? "a dump that PgOps did not make"
            : string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables, {tables.Sum(table => table.Rows):N0} rows");
        var compare = request.Backup.Foreign ? "count every table" : "compare every table";
        var kept = plan.Existing is null or { IsEmpty: true }
            ? ""
            : $"; {target.Database} ({plan.Existing.Describe()}) is kept as {DatabaseNames.Replaced(target.Database, DateTime.UtcNow)}";
        var roles = plan.MissingRoles.Count == 0 ? "" : $"; the roles {string.Join(", ", plan.MissingRoles)} are created without login";
        return FormattableString.Invariant(
            $"Restore {request.Backup} ({request.Backup.Database} as of {request.Backup.SnapshotAt:u}, {known}) ")
            + $"with {plan.Tool.Name} {plan.Tool.Version} under a staging name, {compare}, {MaskPreview.Describe(request)}analyse, rename to {target}{kept}{roles}.";
    }

    private static async Task<RestoreDatabaseRequest> ReadMaskAsync(RestoreDatabaseRequest request, CancellationToken cancellationToken)
    {
        _ = MaskKey.From(request.MaskSeed);
        return request.Mask is null
            ? request
            : request with { MaskRules = await MaskRules.LoadAsync(request.Mask, cancellationToken).ConfigureAwait(false) };
    }

    private static void RefuseName(RestoreDatabaseRequest request)
    {
        if (request.FinalName == request.MaintenanceDatabase)
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

        ScriptRestore.RefuseUnlessFit(proof, request.NoOwner || request.NoPrivileges);
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

    private static async Task<Plan> PreflightAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        PgTarget maintenance,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var manifest = request.Backup.Manifest!;
        var session = await ServerConnection.OpenAsync(maintenance, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                await PoolerDetection.RefuseAsync(session, maintenance, "a restore", cancellationToken).ConfigureAwait(false);
                var tool = RestorePreflight.Tool(manifest, session.VersionNumber() / 10000, request.BinPath);
                checks.Add(PgCheck.Pass("tool", $"{tool.Name} {tool.Version}; the archive was written by {manifest.Payload.Tool}"));
                checks.Add(RestorePreflight.ServerVersion(manifest, session.VersionNumber(), session.VersionText(), target, request.Force));
                var roles = await RequireAsync(request, session, checks, cancellationToken).ConfigureAwait(false);
                var existing = await DatabaseOccupancy.ReadAsync(session, target, cancellationToken).ConfigureAwait(false);
                if (existing is not null)
                {
                    await GuardAsync(request, target, existing, session, sink, cancellationToken).ConfigureAwait(false);
                }

                return new Plan(tool, roles, existing);
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(maintenance, error, "looking at the server", NothingDone);
            }
        }
    }

    private static async Task<IReadOnlyList<string>> RequireAsync(
        RestoreDatabaseRequest request, NpgsqlConnection session, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var facts = request.Backup.Manifest!.Facts;
        var wanted = !(request.NoOwner && request.NoPrivileges);
        var roles = wanted ? await RestoreRoles.MissingAsync(session, facts, cancellationToken).ConfigureAwait(false) : [];
        var extensions = await RestorePreflight.MissingExtensionsAsync(session, facts, cancellationToken).ConfigureAwait(false);
        var missing = new List<string>();
        if (roles.Count > 0 && !request.CreateRoles)
        {
            missing.Add($"roles: {string.Join(", ", roles)} (create them, for example from globals.sql, or use -CreateRoles, or -NoOwner with -NoPrivileges)");
        }

        if (extensions.Count > 0)
        {
            missing.Add(RestorePreflight.Describe(extensions, facts));
        }

        if (missing.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                "The server lacks what the backup needs:\n  " + string.Join("\n  ", missing),
                NothingDone,
                "Provide what is missing, then run the command again.")
            { Subject = request.Backup };
        }

        checks.Add(!wanted
            ? PgCheck.Skip("roles", "not needed: owners and grants are left out")
            : PgCheck.Pass("roles", roles.Count == 0 ? "all there" : "created: " + string.Join(", ", roles)));
        checks.Add(PgCheck.Pass(
            "extensions", facts.Extensions.Count == 0 ? "none needed" : "available: " + string.Join(", ", facts.Extensions.Keys)));
        return roles;
    }

    private static async Task GuardAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        DatabaseOccupancy existing,
        NpgsqlConnection session,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        if (await IsSourceAsync(request, target, existing, session, cancellationToken).ConfigureAwait(false))
        {
            var question = $"{target} is the database that {request.Backup} was taken from. It holds {existing.Describe()}. "
                + "It will be kept under a dated name and the backup put in its place.";
            var agreed = request.Force && (request.IsPreview
                || await sink.ConfirmAsync(question, "Replace the source of the backup?", cancellationToken).ConfigureAwait(false));
            if (!agreed)
            {
                throw new PgOpsException(
                    PgErrorCode.TargetIsSource,
                    $"{target} is the database that the backup was taken from ({existing.Describe()}).",
                    NothingDone,
                    "Restore under another name and compare, or use -Force and confirm: the database is then kept under a dated name.")
                { Subject = target };
            }
        }

        if (!existing.IsEmpty && !request.Force)
        {
            throw new PgOpsException(
                PgErrorCode.TargetNotEmpty,
                $"{target} exists and is not empty: {existing.Describe()}.",
                NothingDone,
                "Restore under another name, or use -Force: the database is then kept as "
                    + $"{DatabaseNames.Replaced(target.Database, DateTime.UtcNow)} and the restored one takes its place.")
            { Subject = target };
        }

        // Better said now than after an hour's restore.
        await DatabaseSwap.RefuseConnectedAsync(session, new SwapRequest(target, existing.Oid), null, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> IsSourceAsync(
        RestoreDatabaseRequest request, PgTarget target, DatabaseOccupancy existing, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var manifest = request.Backup.Manifest!;
        var cluster = await ClusterIdentity.ReadAsync(session, cancellationToken).ConfigureAwait(false);

        // A role that may not read the identity is given no benefit of the doubt where the address is the same.
        var sameCluster = cluster.Length > 0 && manifest.Server.ClusterId.Length > 0
            ? cluster == manifest.Server.ClusterId
            : target.Host == manifest.Server.Host && target.Port == manifest.Server.Port;
        return sameCluster && (target.Database == manifest.Database || existing.Oid == manifest.Facts.Oid);
    }

    private static async Task<Copy> RestoreAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        PgTarget maintenance,
        Plan plan,
        int jobs,
        List<PgCheck> checks,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var manifest = request.Backup.Manifest!;
        using var archive = await OpenedArchive.OpenAsync(request.Backup, request.Identity, sink, cancellationToken).ConfigureAwait(false);
        var staging = await StagingDatabase.CreateAsync(maintenance, target.Database, manifest.Facts, sink.Log, cancellationToken).ConfigureAwait(false);
        var created = (IReadOnlyList<string>)[];
        try
        {
            await RestoreRoles.CreateAsync(staging.Session, plan.MissingRoles, cancellationToken).ConfigureAwait(false);
            created = plan.MissingRoles;
            checks.Add(staging.Collation);
            var (settings, settingsCheck) = await DatabaseSettings.ProbeAsync(
                staging.Session, staging.Name, manifest.Facts.Settings, request.Force, cancellationToken).ConfigureAwait(false);
            var options = new ArchiveRestoreOptions(
                plan.Tool, jobs, staging.Session.PostgreSqlVersion.Major, request.NoOwner, request.NoPrivileges, request.Script)
            { Archive = archive };
            checks.Add(await TimedCheck.RunAsync(
                () => PayloadRestore.RunAsync(request.Backup, staging.Target, options, sink, cancellationToken)).ConfigureAwait(false));
            var content = await VerifyAsync(request, staging, jobs, checks, sink, cancellationToken).ConfigureAwait(false);
            var mask = request.MaskRules.Count == 0
                ? null
                : new MaskDatabase(staging.Target, request.Mask!, request.MaskRules, request.MaskSeed);
            if (mask is not null)
            {
                checks.Add(await mask.RunAsync(jobs, sink, cancellationToken).ConfigureAwait(false));
            }

            checks.Add(await TableStatistics.GatherAsync(staging.Target, jobs, cancellationToken).ConfigureAwait(false));
            if (mask is not null)
            {
                checks.AddRange(await mask.FinishAsync(request.Strict, sink.Log, cancellationToken).ConfigureAwait(false));
            }

            // The setting that sped the restore up goes before the source's own come.
            await staging.Session.ExecuteAsync(
                $"ALTER DATABASE {Quote.Identifier(staging.Name)} RESET synchronous_commit", cancellationToken).ConfigureAwait(false);
            await DatabaseSettings.ApplyAsync(staging.Session, staging.Name, settings, cancellationToken).ConfigureAwait(false);
            checks.Add(settingsCheck);
            var owner = request.NoOwner || manifest.Facts.Owner.Length == 0 ? null : manifest.Facts.Owner;
            var masked = mask is null ? manifest.Facts.Masked : MaskMark.Describe(request.Backup);
            var replaced = await DatabaseSwap.RunAsync(
                staging,
                new SwapRequest(target, plan.Existing?.Oid) { Owner = owner, KeepGrants = !request.NoPrivileges, Comment = MaskMark.Comment(masked) },
                cancellationToken).ConfigureAwait(false);
            if (replaced is not null && plan.Existing!.IsEmpty)
            {
                replaced = await DatabaseSwap.DropEmptyAsync(staging.Session, maintenance, replaced, sink.Log).ConfigureAwait(false);
            }

            return new Copy(content.Tables.Count, content.Rows, replaced, mask?.Masked ?? []);
        }
        catch (Exception error) when (!staging.InPlace)
        {
            await staging.DisposeAsync().ConfigureAwait(false);
            await RestoreRoles.DropAsync(maintenance, created, sink.Log).ConfigureAwait(false);
            if (error is NpgsqlException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(staging.Target, error, "the restore", NothingInPlace);
            }

            throw;
        }
        finally
        {
            await staging.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<ContentComparison> VerifyAsync(
        RestoreDatabaseRequest request, StagingDatabase staging, int jobs, List<PgCheck> checks, IOperationSink sink, CancellationToken cancellationToken)
    {
        var backup = request.Backup;
        var manifest = backup.Manifest!;
        var rules = ObjectRules.Restored with { NoOwner = request.NoOwner, NoPrivileges = request.NoPrivileges };
        var content = await RestoredCopy.CompareAsync(manifest, staging.Target, jobs, sink, cancellationToken).ConfigureAwait(false);
        var inspection = await RestoredCopy.InspectAsync(manifest, staging.Target, rules, cancellationToken).ConfigureAwait(false);
        var all = content.Checks.Concat(inspection).ToList();
        var failed = all.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        if (failed.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.RestoreMismatch,
                $"The restored copy differs from {backup}:\n  " + string.Join("\n  ", failed.Select(check => $"{check.Name}: {check.Detail}")),
                NothingInPlace,
                "Restore an older backup, and keep this one for looking into; Test-PgRestore shows every table.")
            { Subject = backup };
        }

        checks.AddRange(all);
        return content;
    }

    private sealed record Plan(PostgresTool Tool, IReadOnlyList<string> MissingRoles, DatabaseOccupancy? Existing);

    private sealed record Copy(int Tables, long Rows, string? Replaced, IReadOnlyList<PgMaskedColumn> Masked);
}
