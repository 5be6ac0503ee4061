using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Sql;

namespace PgOps.Core.Backups;

/// <summary>
/// Backs up one database: one exported snapshot for the dump, the counts and the content hashes; a manifest, a list of hashes; written
/// under a name that ends in <c>.partial</c> and renamed when everything is on disk and reads back.
/// </summary>
public sealed class BackupDatabase
{
    /// <summary>The roles and tablespaces of the cluster.</summary>
    internal const string GlobalsFile = "globals.sql";

    /// <summary>What a failed backup leaves.</summary>
    internal const string NothingLeft = "No backup was made and nothing is left behind.";
    private const int MostCostsSaid = 20;

    /// <summary>Makes the backup.</summary>
    /// <param name="request">What and where to.</param>
    /// <param name="sink">Receives progress, warnings and log lines.</param>
    /// <param name="cancellationToken">Ends children and sessions, removes the unfinished folder, then throws.</param>
    /// <returns>The finished backup.</returns>
    /// <exception cref="PgOpsException">Nothing was made; the error says why and what to do.</exception>
    public Task<PgBackup> RunAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgBackup> WorkAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        try
        {
            return await MakeAsync(request, sink, cancellationToken).ConfigureAwait(false);
        }
        catch (NpgsqlException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(request.Target, error, "the backup", NothingLeft);
        }
        catch (PgOpsException error) when (error.State is null || error.IsUnconnected)
        {
            throw error.InState(NothingLeft);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Inaccessible(request.Path, error);
        }
    }

    // The steps: require, plan, dump, verify, encrypt, hash, close.
    private static async Task<PgBackup> MakeAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var id = Guid.NewGuid().ToString("N");
        var target = request.Target with { ApplicationName = $"PgOps backup {id[..8]}" };
        var timings = new PhaseTimings();
        Require(request);
        var encryptor = await Encryptor.FindAsync(request.Recipients, cancellationToken).ConfigureAwait(false);
        // Also the size of a table cannot be asked for while somebody holds it alone; and whoever waits for a table lets nobody else near
        // it, pg_dump neither.
        var watch = new LockWatch(target, "The backup", PgErrorCode.BackupFailed, NothingLeft) { Limit = request.LockTimeout };
        return await watch.RunAsync(
            sink.Log, token => MakeAsync(request, id, target, encryptor, timings, sink, token), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<PgBackup> MakeAsync(
        BackupDatabaseRequest request, string id, PgTarget target, Encryptor? encryptor, PhaseTimings timings, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var parent = Path.GetFullPath(request.Path);
        var holder = await SnapshotHolder.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        await using (holder.ConfigureAwait(false))
        {
            var plan = await PlanAsync(request, id, target, holder, sink, cancellationToken).ConfigureAwait(false);
            plan = plan with { Encryptor = encryptor };
            var reader = await SnapshotSession.OpenAsync(target, holder.Snapshot, cancellationToken).ConfigureAwait(false);
            await using var readerGone = reader.ConfigureAwait(false);
            if (request.Selection.IsWhole)
            {
                await reader.LockAsync(plan.Listed.Tables, cancellationToken).ConfigureAwait(false);
            }

            timings.End("prepare");
            PartialFolder.Sweep(parent, sink.Log);
            using var folder = await PartialFolder.CreateAsync(
                parent, plan.Database, holder.SnapshotAt, cancellationToken).ConfigureAwait(false);
            using var dump = new SnapshotDump(plan, holder, reader, folder.Path, timings);
            var snapshot = await dump.RunAsync(sink, cancellationToken).ConfigureAwait(false);
            var content = await ArchiveVerification.RunAsync(
                plan, snapshot, folder.Path, timings, sink, cancellationToken).ConfigureAwait(false);
            if (encryptor is not null && snapshot.Stream is null)
            {
                await BackupSeal.EncryptAsync(encryptor, snapshot.Archive, plan.Database, sink, cancellationToken).ConfigureAwait(false);
                timings.End("encrypt");
            }

            var files = await BackupSeal.HashAsync(folder.Path, plan.Database, sink, cancellationToken).ConfigureAwait(false);
            timings.End("hash");
            if (request.SingleFile)
            {
                return await DeliverAsync(plan, snapshot, folder.Path, files, holder.SnapshotAt, timings, sink, cancellationToken)
                    .ConfigureAwait(false);
            }

            var manifest = Manifest(plan, holder.SnapshotAt, snapshot, content, files, timings);
            var bytes = await BackupSeal.CloseAsync(
                folder, manifest, files, encryptor, request.SigningKey, cancellationToken).ConfigureAwait(false);
            var warnings = Warnings(plan, snapshot, folder.FinalPath, sink.Log);
            LogCost(timings, plan.Depth, sink.Log);
            return new PgBackup
            {
                Id = id,
                Database = plan.Database,
                Path = folder.FinalPath,
                Format = manifest.Payload.Format,
                SnapshotAt = manifest.SnapshotAt,
                Bytes = bytes,
                Complete = true,
                Manifest = manifest,
                KeepUntil = manifest.KeepUntil,
                Source = request.Target,
                Warnings = warnings,
                FingerprintCost = timings.Tables,
                Duration = timings.Elapsed,
            };
        }
    }

    /// <summary>The step close of a single file: there is no manifest, and what is in the folder besides goes with it.</summary>
    private static async Task<PgBackup> DeliverAsync(
        BackupPlan plan, DumpedSnapshot snapshot, string folder, IReadOnlyList<HashedFile> files, DateTime snapshotAt, PhaseTimings timings,
        IOperationSink sink, CancellationToken cancellationToken)
    {
        var path = SingleFile.PathOf(plan.Request, plan.Database, snapshotAt);
        await SingleFile.DeliverAsync(plan.Request, path, folder, files, snapshotAt, cancellationToken).ConfigureAwait(false);
        var warnings = Warnings(plan, snapshot, path, sink.Log);
        LogCost(timings, plan.Depth, sink.Log);
        return BackupFolder.Read(path) with
        {
            Database = plan.Database,
            SnapshotAt = snapshotAt,
            Source = plan.Request.Target,
            Warnings = warnings,
            FingerprintCost = timings.Tables,
            Duration = timings.Elapsed,
        };
    }

    /// <summary>Refuses what makes no sense.</summary>
    internal static void Require(BackupDatabaseRequest request)
    {
        request.Selection.Check();
        DumpCompression.Check(request);
        SingleFile.Require(request);
        request.SigningKey?.RequirePrivateKey();
        BackupLabel.Require(request.Label);
        if (request.KeepUntil is { } until && until <= DateTime.UtcNow)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                string.Create(CultureInfo.InvariantCulture, $"-KeepUntil {until:u} has passed: it would hold nothing."),
                "Nothing was written.",
                "Give a date to come, for example (Get-Date).AddDays(30).");
        }

        if (request is { Format: PgBackupFormat.Plain, Recipients.Count: > 0 })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "A backup in the Plain format is not encrypted.",
                "Nothing was written.",
                "Take -Format Custom, of which no plain byte reaches the disk, or leave -Recipient out.");
        }
    }

    /// <summary>A script names its tables, and must be read back; an archive has their numbers.</summary>
    private static void RequireReadable(PgBackupFormat format, PgDatabaseFacts facts)
    {
        if (format == PgBackupFormat.Plain && !ServerEncoding.IsKnown(facts.Encoding))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"A script in the encoding {facts.Encoding} could not be read back: .NET does not know the encoding.",
                "Nothing was written.",
                "Take -Format Directory or Custom.");
        }
    }

    /// <summary>Before anything is written: tools that can do it, a role that sees every row, and room.</summary>
    internal static async Task<BackupPlan> PlanAsync(
        BackupDatabaseRequest request,
        string id,
        PgTarget target,
        SnapshotHolder holder,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var connection = holder.Connection;
        var tools = DumpTools.Find(connection.VersionNumber() / 10000, request);
        var compression = request.Compression
            ?? await DumpCompression.BestAsync(tools.Dump, request.Format, cancellationToken).ConfigureAwait(false);
        var database = connection.Database!;
        var listed = await DumpedTables.ListAsync(connection, cancellationToken).ConfigureAwait(false);
        var selected = await SelectedObjects.ResolveAsync(
            connection, request.Selection, tools.Dump.Major, cancellationToken).ConfigureAwait(false);
        if (request.Selection.IsWhole)
        {
            listed.RefuseUnlessComplete(target);
        }

        var leftOut = new List<string>(listed.LeftOut);
        var server = await SnapshotFacts.ServerAsync(connection, target, cancellationToken).ConfigureAwait(false);
        var facts = await SnapshotFacts.DatabaseAsync(connection, leftOut, cancellationToken).ConfigureAwait(false);
        RequireReadable(request.Format, facts);
        if (request.SingleFile)
        {
            SingleFile.RequireFree(request, SingleFile.PathOf(request, database, holder.SnapshotAt));
        }

        var mark = await DatabasePosition.ReadAsync(connection, null, cancellationToken).ConfigureAwait(false);
        var depth = await ArchiveVerification.DepthAsync(
            request.Fingerprint, connection, sink.Log, cancellationToken).ConfigureAwait(false);
        if (!request.Force)
        {
            var parent = Path.GetFullPath(request.Path);
            new FreeSpace(parent).Require(
                DumpEstimate.Of(parent, database, facts.Bytes, listed.Tables, DumpCompression.IsNone(compression)));
        }

        return new BackupPlan(request, id, target, database, tools, compression, depth)
        {
            Listed = listed,
            Selected = selected,
            GlobalsTarget = await SessionGround.ForWorkAsync(connection, target, cancellationToken).ConfigureAwait(false),
            LeftOut = leftOut,
            Server = server,
            Facts = facts,
            Migration = mark,
        };
    }

    private static PgBackupManifest Manifest(
        BackupPlan plan,
        DateTime snapshotAt,
        DumpedSnapshot snapshot,
        DatabaseContent content,
        IReadOnlyList<HashedFile> files,
        PhaseTimings timings)
    {
        var payload = PayloadName.PathOf(plan.Request.Format) + (snapshot.Stream is null ? "" : plan.Encryptor!.Ending);
        return new PgBackupManifest
        {
            Id = plan.Id,
            Database = plan.Database,
            SnapshotAt = snapshotAt,
            Server = plan.Server,
            Facts = plan.Facts,
            Payload = new PgPayload
            {
                Format = PayloadName.FormatOf(plan.Request.Format),
                Path = payload,
                Bytes = files.Where(file => file.Name == payload || file.Name.StartsWith(payload + "/", StringComparison.Ordinal))
                    .Sum(file => file.Bytes),
                Tool = PostgresBinaries.Words("pg_dump", plan.Tools.Dump.Version),
                Jobs = plan.Jobs,
                Compression = plan.Compression,
                Selection = plan.Request.Selection.Words(plan.Tools.Dump.Major),
                Needs = plan.Selected.Needs,
                Encryption = plan.Encryptor?.Facts,
            },
            Fingerprint = plan.Depth.ToString(),
            Label = plan.Request.Label,
            KeepUntil = plan.Request.KeepUntil,
            Tables = content.Tables,
            MaterializedViews = content.MaterializedViews,
            Sequences = content.Sequences,
            Objects = snapshot.Objects,
            Migration = plan.Migration,
            LeftOut = plan.LeftOut,
            Unlogged = plan.Listed.Unlogged,
            Timings = timings.Seconds,
            CreatedBy = Environment.UserName,
            CreatedOn = Environment.MachineName,
            PgOpsVersion = PgOpsVersion.Current,
        };
    }

    private static List<string> Warnings(BackupPlan plan, DumpedSnapshot snapshot, string path, ILogger log)
    {
        string?[] remarks =
        [
            plan.Facts.Masked is null
                ? null
                : $"{plan.Database} is a masked copy ({plan.Facts.Masked}): this backup is none of the original.",
            plan.Listed.Unlogged.Count == 0
                ? null
                : $"Without content in this backup of a standby, which does not have it: {NameList.Of(plan.Listed.Unlogged)} (unlogged). "
                    + "Back up the primary to have it.",
            plan.Tools.RemarkOn(plan.Server),
            plan.Selected.Needs.Count == 0
                ? null
                : "This part cannot be restored by itself, for it needs what it does not hold: "
                    + $"{NameList.InSentence(plan.Selected.Needs, 10)}. Select its schema (-Schema; -Table selects tables alone), "
                    + "or back up the whole database: Restore-PgDatabase -Table and -Schema take a part out of it.",
            plan.Request.SingleFile ? SingleFile.Remark(path) : null,
            DurableFile.IsOpenToOthers(path) ? $"Others than its owner may be able to read {path}: its file system keeps no modes." : null,
        ];
        var warnings = snapshot.Warnings.Concat(snapshot.Content.Remarks).Concat(remarks.OfType<string>()).ToList();
        foreach (var warning in warnings)
        {
            log.BackupWarned(warning);
        }

        return warnings;
    }

    /// <summary>Says what the fingerprint cost, in all and for the tables that took longest.</summary>
    private static void LogCost(PhaseTimings timings, PgFingerprintDepth depth, ILogger log)
    {
        if (depth == PgFingerprintDepth.None)
        {
            return;
        }

        var tables = timings.Tables;
        log.FingerprintTook(
            depth, timings.Seconds.GetValueOrDefault("fingerprint"), timings.Elapsed.TotalSeconds,
            timings.Seconds.GetValueOrDefault("archive"), tables.Count);
        foreach (var table in tables.Take(MostCostsSaid))
        {
            log.TableFingerprintTook(table.Duration.TotalSeconds, table.Schema, table.Name);
        }
    }

    private static PgOpsException Inaccessible(string path, Exception error) => DurableFile.IsFull(error)
        ? new PgOpsException(
            PgErrorCode.DiskFull,
            $"The disk of {path} is full: {error.Message}",
            NothingLeft,
            "Make room, or back up to another disk.",
            error)
        : new PgOpsException(
            PgErrorCode.PathInaccessible,
            $"Cannot write below {path}: {error.Message}",
            NothingLeft,
            "Check the path and its permissions.",
            error);
}
