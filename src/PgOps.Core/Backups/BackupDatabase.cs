using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.ClientTools;
using PgOps.Core.Connections;
using PgOps.Core.Operations;

namespace PgOps.Core.Backups;

/// <summary>
/// Backs up one database: one exported snapshot for the dump, the counts and the content hashes; a manifest, a list of hashes; written
/// under a name that ends in <c>.partial</c> and renamed when everything is on disk and reads back.
/// </summary>
public sealed class BackupDatabase
{
    /// <summary>The roles and tablespaces of the cluster.</summary>
    internal const string GlobalsFile = "globals.sql";

    private const string NothingLeft = "No backup was made and nothing is left behind.";
    private const string DirectoryPayload = "data";
    private const string CustomPayload = "data.dump";
    private const int MostDefaultJobs = 4;
    private const int DiskFullUnix = 28;
    private const int DiskFullWindows = unchecked((int)0x80070070);

    /// <summary>Makes the backup.</summary>
    /// <param name="request">What and where to.</param>
    /// <param name="sink">Receives progress, warnings and log lines.</param>
    /// <param name="cancellationToken">Ends children and sessions, removes the unfinished folder, then throws.</param>
    /// <returns>The finished backup.</returns>
    /// <exception cref="PgOpsException">Nothing was made; the error says why and what to do.</exception>
    public async Task<PgBackup> RunAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        try
        {
            var backup = await MakeAsync(request, sink, clock, cancellationToken).ConfigureAwait(false);
            return backup;
        }
        catch (NpgsqlException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(request.Target, error, "the backup", NothingLeft);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Inaccessible(request.Path, error);
        }
    }

    private static async Task<PgBackup> MakeAsync(
        BackupDatabaseRequest request, IOperationSink sink, Stopwatch clock, CancellationToken cancellationToken)
    {
        var parent = Path.GetFullPath(request.Path);
        var id = Guid.NewGuid().ToString("N");
        var target = request.Target with { ApplicationName = $"PgOps backup {id[..8]}" };
        var timings = new SortedDictionary<string, double>(StringComparer.Ordinal);
        var holder = await SnapshotHolder.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        await using (holder.ConfigureAwait(false))
        {
            // Before anything is written: tools that can do it, and a role that sees every row.
            var serverMajor = holder.Connection.VersionNumber() / 10000;
            var tools = DumpTools.Find(serverMajor, request);
            var database = holder.Connection.Database!;
            var listed = await DumpedTables.ListAsync(holder.Connection, cancellationToken).ConfigureAwait(false);
            listed.RefuseUnlessComplete(target);
            var leftOut = new List<string>(listed.LeftOut);
            var server = await SourceFacts.ServerAsync(holder.Connection, target, cancellationToken).ConfigureAwait(false);
            var facts = await SourceFacts.DatabaseAsync(holder.Connection, leftOut, cancellationToken).ConfigureAwait(false);
            var mark = await SourceFacts.MigrationAsync(holder.Connection, cancellationToken).ConfigureAwait(false);
            var reader = await SnapshotSession.OpenAsync(target, holder.Snapshot, cancellationToken).ConfigureAwait(false);
            await using var readerGone = reader.ConfigureAwait(false);
            await reader.LockAsync(listed.Tables, cancellationToken).ConfigureAwait(false);
            Clock(timings, "prepare", clock, TimeSpan.Zero);

            PartialFolder.Sweep(parent, sink.Log);
            using var folder = await PartialFolder.CreateAsync(parent, database, holder.SnapshotAt, cancellationToken).ConfigureAwait(false);
            var jobs = request.Format == PgBackupFormat.Custom
                ? 1
                : Math.Max(1, request.Jobs ?? Math.Min(Environment.ProcessorCount, MostDefaultJobs));
            var payload = request.Format == PgBackupFormat.Custom ? CustomPayload : DirectoryPayload;
            var archive = Path.Combine(folder.Path, payload);
            using var dumpProgress = new ProgressActivity(sink, $"Backing up {database}");
            var dump = new DumpRun(listed.Tables, dumpProgress);
            var content = await InSnapshotAsync(
                new SnapshotWork(request, target, holder, reader, listed, dump, tools, folder.Path, archive, jobs, timings), sink, cancellationToken)
                .ConfigureAwait(false);

            var began = clock.Elapsed;
            content = await ReadBackAsync(tools, archive, folder.Path, listed, content, cancellationToken).ConfigureAwait(false);
            Clock(timings, "readBack", clock, began);

            began = clock.Elapsed;
            using var hashProgress = new ProgressActivity(sink, $"Hashing the backup of {database}");
            var names = HashList.Files(folder.Path).Where(name => name != OwnerMark.FileName).ToList();
            await Parallel.ForEachAsync(names, cancellationToken, (name, _) =>
            {
                DurableFile.Seal(Path.Combine(folder.Path, name));
                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
            var files = await HashList.HashAsync(folder.Path, names, hashProgress, cancellationToken).ConfigureAwait(false);
            Clock(timings, "hash", clock, began);

            var manifest = new PgBackupManifest
            {
                Id = id,
                Database = database,
                SnapshotAt = holder.SnapshotAt,
                Server = server,
                Facts = facts,
                Payload = new PgPayload
                {
                    Format = request.Format == PgBackupFormat.Custom ? "custom" : "directory",
                    Path = payload,
                    Bytes = files.Where(file => file.Name != GlobalsFile).Sum(file => file.Bytes),
                    Tool = $"pg_dump (PostgreSQL) {tools.Dump.Version}",
                    Jobs = jobs,
                    Compression = request.Compression ?? DumpRun.DefaultCompression,
                },
                Fingerprint = request.Fingerprint.ToString(),
                Tables = content.Tables,
                Sequences = content.Sequences,
                Migration = mark,
                LeftOut = leftOut,
                Timings = timings,
                CreatedBy = Environment.UserName,
                CreatedOn = Environment.MachineName,
                PgOpsVersion = PgOpsVersion.Current,
            };
            var bytes = await CloseAsync(folder, manifest, files, cancellationToken).ConfigureAwait(false);
            foreach (var warning in dump.Warnings)
            {
                sink.Log.LogWarning("{Warning}", warning);
            }

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
                Warnings = dump.Warnings,
                Duration = clock.Elapsed,
            };
        }
    }

    /// <summary>Dump, globals and fingerprint side by side while the holder is watched. The first that fails ends the others.</summary>
    private static async Task<DatabaseContent> InSnapshotAsync(SnapshotWork work, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var progress = new ProgressActivity(sink, $"Fingerprinting {work.Target.Database}");
        Exception? first = null;
        DatabaseContent? content = null;
        var (request, target, holder, tools) = (work.Request, work.Target, work.Holder, work.Tools);

        // A name of its own, so that its COPY can be told from the fingerprint's.
        var dumpTarget = target with { ApplicationName = target.ApplicationName + " dump" };
        Task[] parts =
        [
            Part("dump", token => work.Dump.RunAsync(tools.Dump, request, dumpTarget, holder.Snapshot, work.Archive, work.Jobs, token)),
            Part("globals", token => tools.DumpAll is null ? Task.CompletedTask : DumpGlobalsAsync(tools.DumpAll, target, work.Folder, token)),
            Part("fingerprint", async token => content = await DatabaseFingerprint.ReadAsync(
                work.Reader, work.Listed, holder.Snapshot, true, request.Fingerprint, work.Jobs, progress, token).ConfigureAwait(false)),
        ];
        var together = Task.WhenAll(parts);
        await Task.WhenAll(together, FirstFailure(holder.GuardAsync(dumpTarget.ApplicationName, work.Dump.Report, together, stop.Token))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (first is not null)
        {
            var known = first as PgOpsException
                ?? (first is NpgsqlException ? ServerErrors.Working(target, first, "the backup") : null)
                ?? new PgOpsException(PgErrorCode.BackupFailed, new Redaction(target).Apply(first.Message), innerException: first);
            throw new PgOpsException(known.Code, known.Problem, NothingLeft, known.NextStep, first)
            { Subject = request.Target, Statement = known.Statement };
        }

        return content!;

        async Task Part(string name, Func<CancellationToken, Task> run)
        {
            await Task.Yield();
            var clock = Stopwatch.StartNew();
            await FirstFailure(run(stop.Token)).ConfigureAwait(false);
            lock (work.Timings)
            {
                Clock(work.Timings, name, clock, TimeSpan.Zero);
            }
        }

        async Task FirstFailure(Task task)
        {
            try
            {
                await task.ConfigureAwait(false);
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref first, error, null);
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    private static async Task DumpGlobalsAsync(PostgresTool pgDumpAll, PgTarget target, string folder, CancellationToken cancellationToken)
    {
        // pg_dumpall reads --database as a connection string, so the name goes in as one: it may itself hold "=" or "://".
        var name = target.Database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
        var result = await ToolProcess.RunAsync(
            new ToolCommand(
                pgDumpAll.Path,
                "--globals-only",
                "--no-role-passwords",
                "--no-password",
                "--no-sync",
                $"--database=dbname='{name}'",
                "--file=" + Path.Combine(folder, GlobalsFile))
            { Target = target },
            cancellationToken).ConfigureAwait(false);
        const string Way = "A role that may not read the cluster's roles can leave them out: -NoGlobals.";
        result.EnsureSuccess(NothingLeft, Way);
        if (result.Errors.Count > 0)
        {
            throw result.Error(NothingLeft, Way);
        }
    }

    /// <summary>The archive's own table of contents must name exactly the tables that were fingerprinted.</summary>
    private static async Task<DatabaseContent> ReadBackAsync(
        DumpTools tools, string archive, string folder, DumpedTables listed, DatabaseContent content, CancellationToken cancellationToken)
    {
        var contents = await ArchiveContents.ReadAsync(tools.Restore, archive, cancellationToken).ConfigureAwait(false);
        var inArchive = contents.TableOids;
        var expected = listed.Tables.Select(table => table.Oid).ToHashSet();
        var missing = listed.Tables.Where(table => !inArchive.Contains(table.Oid)).Select(table => table.Qualified).ToList();
        var strange = inArchive.Count(oid => !expected.Contains(oid)) - listed.ExtensionTables.Count;
        if (missing.Count > 0 || strange > 0 || content.Tables.Count != listed.Tables.Count)
        {
            throw new PgOpsException(
                PgErrorCode.BackupFailed,
                missing.Count > 0
                    ? $"The archive holds no rows of {string.Join(", ", missing.Take(10))}, which the snapshot has."
                    : string.Create(CultureInfo.InvariantCulture, $"The archive holds {inArchive.Count} tables with rows, the snapshot {expected.Count}."),
                NothingLeft,
                "Run the backup again; if this stays, it is a defect of PgOps: please report it with the server's and pg_dump's version.");
        }

        var sequences = await contents.SequencesAsync(tools.Restore, archive, folder, content.Sequences, cancellationToken).ConfigureAwait(false);
        return content with { Sequences = sequences };
    }

    private static async Task<long> CloseAsync(
        PartialFolder folder, PgBackupManifest manifest, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken)
    {
        await DurableFile.WriteAsync(
            Path.Combine(folder.Path, ManifestJson.FileName), ManifestJson.Write(manifest), cancellationToken).ConfigureAwait(false);
        var last = await HashList.HashAsync(folder.Path, [ManifestJson.FileName], null, cancellationToken).ConfigureAwait(false);
        var list = HashList.Text(files.Concat(last));
        await DurableFile.WriteAsync(Path.Combine(folder.Path, HashList.FileName), list, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        folder.Finish();
        return files.Concat(last).Sum(file => file.Bytes) + list.Length;
    }

    private static PgOpsException Inaccessible(string path, Exception error) => error.HResult is DiskFullUnix or DiskFullWindows
        ? new PgOpsException(PgErrorCode.DiskFull, $"The disk of {path} is full.", NothingLeft, "Make room, or back up to another disk.", error)
        : new PgOpsException(
            PgErrorCode.PathInaccessible, $"Cannot write below {path}: {error.Message}", NothingLeft, "Check the path and its permissions.", error);

    private static void Clock(SortedDictionary<string, double> timings, string phase, Stopwatch clock, TimeSpan began)
        => timings[phase] = Math.Round((clock.Elapsed - began).TotalSeconds, 3);

    private sealed record SnapshotWork(
        BackupDatabaseRequest Request,
        PgTarget Target,
        SnapshotHolder Holder,
        SnapshotSession Reader,
        DumpedTables Listed,
        DumpRun Dump,
        DumpTools Tools,
        string Folder,
        string Archive,
        int Jobs,
        SortedDictionary<string, double> Timings);
}
