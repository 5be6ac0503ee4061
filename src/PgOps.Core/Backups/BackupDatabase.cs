using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Repository.Signing;

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
    private const int MostDefaultJobs = 4;
    private const int MostCostsSaid = 20;
    private const int DiskFullUnix = 28;
    private const int DiskFullWindows = unchecked((int)0x80070070);

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
        catch (PgOpsException error) when (error.State is null or ServerErrors.NotConnected)
        {
            throw error.InState(NothingLeft);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Inaccessible(request.Path, error);
        }
    }

    private static async Task<PgBackup> MakeAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var parent = Path.GetFullPath(request.Path);
        var id = Guid.NewGuid().ToString("N");
        var target = request.Target with { ApplicationName = $"PgOps backup {id[..8]}" };
        var timings = new PhaseTimings();
        request.Selection.Check();
        DumpCompression.Check(request);
        request.SigningKey?.RequirePrivateKey();
        if (request is { Format: PgBackupFormat.Plain, Recipients.Count: > 0 })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "A backup in the Plain format is not encrypted.",
                "Nothing was written.",
                "Take -Format Custom, of which no plain byte reaches the disk, or leave -Recipient out.");
        }

        var encryptor = await Encryptor.FindAsync(request.Recipients, cancellationToken).ConfigureAwait(false);
        var holder = await SnapshotHolder.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        await using (holder.ConfigureAwait(false))
        {
            // Before anything is written: tools that can do it, a role that sees every row, and room.
            var tools = DumpTools.Find(holder.Connection.VersionNumber() / 10000, request);
            var compression = request.Compression ?? await DumpCompression.BestAsync(tools.Dump, request.Format, cancellationToken).ConfigureAwait(false);
            var database = holder.Connection.Database!;
            var listed = await DumpedTables.ListAsync(holder.Connection, cancellationToken).ConfigureAwait(false);
            var leftOut = new List<string>(listed.LeftOut);
            var server = await SourceFacts.ServerAsync(holder.Connection, target, cancellationToken).ConfigureAwait(false);
            var facts = await SourceFacts.DatabaseAsync(holder.Connection, leftOut, cancellationToken).ConfigureAwait(false);
            var mark = await MigrationHistory.PositionAsync(holder.Connection, cancellationToken).ConfigureAwait(false);
            var depth = await ReadBack.DepthAsync(request.Fingerprint, holder.Connection, sink.Log, cancellationToken).ConfigureAwait(false);
            if (!request.Force)
            {
                new FreeSpace(parent).Require(
                    DumpEstimate.Of(parent, database, facts.Bytes, listed.Tables, DumpCompression.IsNone(compression)));
            }

            var reader = await SnapshotSession.OpenAsync(target, holder.Snapshot, cancellationToken).ConfigureAwait(false);
            await using var readerGone = reader.ConfigureAwait(false);
            if (request.Selection.IsWhole)
            {
                listed.RefuseUnlessComplete(target);
                await reader.LockAsync(listed.Tables, cancellationToken).ConfigureAwait(false);
            }

            timings.End("prepare");
            PartialFolder.Sweep(parent, sink.Log);
            using var folder = await PartialFolder.CreateAsync(parent, database, holder.SnapshotAt, cancellationToken).ConfigureAwait(false);
            var jobs = request.Format != PgBackupFormat.Directory ? 1 : Math.Max(1, request.Jobs ?? Math.Min(Environment.ProcessorCount, MostDefaultJobs));
            var payload = PayloadName.PathOf(request.Format);
            var archive = Path.Combine(folder.Path, payload);
            using var dumpProgress = new ProgressActivity(sink, $"Backing up {database}");
            var dump = new DumpRun(listed.Tables, dumpProgress);
            var stream = encryptor is null || request.Format != PgBackupFormat.Custom ? null : new EncryptedDump(encryptor, tools.Restore, archive + encryptor.Ending);
            using var work = new SnapshotWork(
                request, compression, depth, target, holder, reader, listed, dump, tools, folder.Path, archive, jobs, timings)
            { Encryptor = encryptor, Stream = stream };
            var (content, contents, dumped, objects) = await work.RunAsync(sink, cancellationToken).ConfigureAwait(false);
            ReadBack.RequireEveryTable(contents, dumped, content);
            content = content with
            {
                Sequences = stream?.Sequences(content.Sequences, !request.Selection.IsWhole)
                    ?? await contents.SequencesAsync(
                        tools.Restore, archive, folder.Path, content.Sequences, !request.Selection.IsWhole, cancellationToken).ConfigureAwait(false),
            };
            timings.End("readBack");
            if (depth == PgFingerprintDepth.Archive)
            {
                using var readProgress = new ProgressActivity(sink, $"Reading the backup of {database} back");
                var rows = stream?.Rows ?? await ArchiveFingerprint.ReadAsync(
                    tools.Restore, archive, contents, dumped.Tables, jobs, folder.Path, readProgress, timings, cancellationToken).ConfigureAwait(false);
                content = content with { Tables = ReadBack.Join(content.Tables, dumped.Tables, rows) };
                timings.End("archive");
            }

            if (encryptor is not null && stream is null)
            {
                using var encrypting = new ProgressActivity(sink, $"Encrypting the backup of {database}");
                var sizes = Directory.GetFiles(archive).ToDictionary(file => file, file => new FileInfo(file).Length);
                long encrypted = 0;
                await encryptor.ReplaceAsync(
                    [.. sizes.Keys],
                    file => encrypting.ReportBytes(Path.GetFileName(file), Interlocked.Add(ref encrypted, sizes[file]), sizes.Values.Sum()),
                    cancellationToken).ConfigureAwait(false);
                timings.End("encrypt");
            }

            payload += stream is null ? "" : encryptor!.Ending;
            using var hashProgress = new ProgressActivity(sink, $"Hashing the backup of {database}");
            var names = HashList.Files(folder.Path).Where(name => name != OwnerMark.FileName).ToList();
            await Parallel.ForEachAsync(names, cancellationToken, (name, _) =>
            {
                DurableFile.Seal(Path.Combine(folder.Path, name));
                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
            var files = await HashList.HashAsync(folder.Path, names, hashProgress, cancellationToken).ConfigureAwait(false);
            timings.End("hash");

            var manifest = new PgBackupManifest
            {
                Id = id,
                Database = database,
                SnapshotAt = holder.SnapshotAt,
                Server = server,
                Facts = facts,
                Payload = new PgPayload
                {
                    Format = PayloadName.FormatOf(request.Format),
                    Path = payload,
                    Bytes = files.Where(file => file.Name == payload || file.Name.StartsWith(payload + "/", StringComparison.Ordinal)).Sum(file => file.Bytes),
                    Tool = $"pg_dump (PostgreSQL) {tools.Dump.Version}",
                    Jobs = jobs,
                    Compression = compression,
                    Selection = request.Selection.Arguments(tools.Dump.Major),
                    Encryption = encryptor?.Facts,
                },
                Fingerprint = depth.ToString(),
                Tables = content.Tables,
                Sequences = content.Sequences,
                Objects = objects,
                Migration = mark,
                LeftOut = leftOut,
                Timings = timings.Seconds,
                CreatedBy = Environment.UserName,
                CreatedOn = Environment.MachineName,
                PgOpsVersion = PgOpsVersion.Current,
            };
            var bytes = await CloseAsync(folder, manifest, files, encryptor, request.SigningKey, cancellationToken).ConfigureAwait(false);
            string?[] remarks =
            [
                facts.Masked is null ? null : $"{database} is a masked copy ({facts.Masked}): this backup is none of the original.",
                InternalOptions.WarningOf(tools.Dump.Version, server),
            ];
            var warnings = dump.Warnings.Concat(remarks.OfType<string>()).ToList();
            foreach (var warning in warnings)
            {
                sink.Log.BackupWarned(warning);
            }

            LogCost(timings, depth, sink.Log);
            return new PgBackup
            {
                Id = id,
                Database = database,
                Path = folder.FinalPath,
                Format = manifest.Payload.Format,
                SnapshotAt = manifest.SnapshotAt,
                Bytes = bytes,
                Complete = true,
                Manifest = manifest,
                Source = request.Target,
                Warnings = warnings,
                FingerprintCost = timings.Tables,
                Duration = timings.Elapsed,
            };
        }
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
            depth, timings.Seconds.GetValueOrDefault("fingerprint"), timings.Elapsed.TotalSeconds, timings.Seconds.GetValueOrDefault("archive"), tables.Count);
        foreach (var table in tables.Take(MostCostsSaid))
        {
            log.TableFingerprintTook(table.Duration.TotalSeconds, table.Schema, table.Name);
        }
    }

    private static async Task<long> CloseAsync(
        PartialFolder folder,
        PgBackupManifest manifest,
        IReadOnlyList<HashedFile> files,
        Encryptor? encryptor,
        BackupKey? key,
        CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder.Path, ManifestJson.FileName);
        List<string> names = [ManifestJson.FileName];
        if (encryptor is not null)
        {
            await encryptor.WriteAsync(path, ManifestJson.Write(manifest), cancellationToken).ConfigureAwait(false);
            names.Add(ManifestJson.FileName + encryptor.Ending);
            manifest = SealedManifest.Readable(manifest);
        }

        await DurableFile.WriteAsync(path, ManifestJson.Write(manifest), cancellationToken).ConfigureAwait(false);
        var last = await HashList.HashAsync(folder.Path, names, null, cancellationToken).ConfigureAwait(false);
        var list = HashList.Text(files.Concat(last));
        await DurableFile.WriteAsync(Path.Combine(folder.Path, HashList.FileName), list, cancellationToken).ConfigureAwait(false);
        var signature = key?.Sign(SignedSubject.Backup, list).ToBytes() ?? [];
        if (key is not null)
        {
            await DurableFile.WriteAsync(Path.Combine(folder.Path, HashList.SignatureFileName), signature, cancellationToken).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        folder.Finish();
        return files.Concat(last).Sum(file => file.Bytes) + list.Length + signature.Length;
    }

    private static PgOpsException Inaccessible(string path, Exception error) => error.HResult is DiskFullUnix or DiskFullWindows
        ? new PgOpsException(PgErrorCode.DiskFull, $"The disk of {path} is full.", NothingLeft, "Make room, or back up to another disk.", error)
        : new PgOpsException(
            PgErrorCode.PathInaccessible, $"Cannot write below {path}: {error.Message}", NothingLeft, "Check the path and its permissions.", error);
}
