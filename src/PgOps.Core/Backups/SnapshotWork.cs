using System.Diagnostics;
using Npgsql;
using PgOps.Core.Backups.Encryption;
using PgOps.Core.ClientTools;
using PgOps.Core.Connections;
using PgOps.Core.Objects;
using PgOps.Core.Operations;

namespace PgOps.Core.Backups;

/// <summary>What a backup found in its snapshot.</summary>
/// <param name="Content">The fingerprint.</param>
/// <param name="Contents">The archive's table of contents.</param>
/// <param name="Dumped">The tables in it.</param>
/// <param name="Objects">The schema objects; null when only some of them are dumped.</param>
internal sealed record SnapshotResult(DatabaseContent Content, ArchiveContents Contents, DumpedTables Dumped, PgObjectInventory? Objects);

/// <summary>What a backup does inside its snapshot: dump, globals and fingerprint, side by side while the snapshot's holder is watched.</summary>
/// <param name="Request">What is asked for.</param>
/// <param name="Compression">pg_dump's <c>--compress</c>.</param>
/// <param name="Depth">How deep the fingerprint goes.</param>
/// <param name="Target">The database, under the backup's own application name.</param>
/// <param name="Holder">Holds the snapshot.</param>
/// <param name="Reader">A session in the snapshot that has locked the tables.</param>
/// <param name="Listed">The tables.</param>
/// <param name="Dump">The run of pg_dump.</param>
/// <param name="Tools">The programs.</param>
/// <param name="Folder">The backup's folder.</param>
/// <param name="Archive">The payload in it.</param>
/// <param name="Jobs">Workers.</param>
/// <param name="Timings">Receives seconds by phase.</param>
internal sealed record SnapshotWork(
    BackupDatabaseRequest Request,
    string Compression,
    PgFingerprintDepth Depth,
    PgTarget Target,
    SnapshotHolder Holder,
    SnapshotSession Reader,
    DumpedTables Listed,
    DumpRun Dump,
    DumpTools Tools,
    string Folder,
    string Archive,
    int Jobs,
    PhaseTimings Timings) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Encrypts what is written; null when nobody asked for that.</summary>
    internal Encryptor? Encryptor { get; init; }

    /// <summary>Takes the custom format as it is written and encrypts it; null otherwise.</summary>
    internal EncryptedDump? Stream { get; init; }

    private Exception? _first;

    /// <summary>Does it. The first part that fails ends the others.</summary>
    /// <returns>What was found.</returns>
    internal async Task<SnapshotResult> RunAsync(IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Reading the script of {Target.Database}");
        using var asked = cancellationToken.Register(_stop.Cancel);
        var (content, contents, dumped, objects) = (default(DatabaseContent), default(ArchiveContents), Listed, default(PgObjectInventory));
        var space = new FreeSpace(Folder);

        // A name of its own, so that its COPY can be told from the fingerprint's.
        var dumpTarget = Target with { ApplicationName = Target.ApplicationName + " dump" };
        var whole = Request.Selection.IsWhole;
        var dump = Part("dump", token => Dump.RunAsync(Tools.Dump, Request, Compression, dumpTarget, Holder.Snapshot, Archive, Jobs, Stream, token));
        var together = Task.WhenAll(
            dump,
            Part("globals", token => Tools.DumpAll is null ? Task.CompletedTask : DumpGlobalsAsync(Tools.DumpAll, token)),
            Part("objects", ListObjectsAsync),
            whole ? Part("fingerprint", ReadAsync) : dump.ContinueWith(_ => Part("fingerprint", ReadPartAsync), TaskScheduler.Default).Unwrap());
        await Task.WhenAll(together, FirstFailure(Holder.GuardAsync(
            dumpTarget.ApplicationName,
            running =>
            {
                space.Watch();
                Dump.Report(running);
            },
            together,
            _stop.Token))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (_first is not null)
        {
            throw await FailureAsync(_first).ConfigureAwait(false);
        }

        contents ??= await ContentsAsync(progress, cancellationToken).ConfigureAwait(false);
        return new SnapshotResult(content!, contents, dumped, objects);

        async Task ListObjectsAsync(CancellationToken token)
        {
            if (Request.Selection.HoldsEveryObject)
            {
                objects = (await ObjectInventory.ReadAsync(Target, Holder.Snapshot, true, token).ConfigureAwait(false)).Record();
            }
        }

        async Task ReadAsync(CancellationToken token)
        {
            using var reading = new ProgressActivity(sink, $"Fingerprinting {Target.Database}");
            content = await DatabaseFingerprint.ReadAsync(
                Reader, dumped, Holder.Snapshot, true, Depth, Jobs, reading, token, timings: Timings).ConfigureAwait(false);
        }

        // Which tables a part holds, pg_dump alone knows: the archive's table of contents says it.
        async Task ReadPartAsync(CancellationToken token)
        {
            contents = await ContentsAsync(progress, token).ConfigureAwait(false);
            dumped = Listed.In(contents);
            await Reader.LockAsync(dumped.Tables, token).ConfigureAwait(false);
            await ReadAsync(token).ConfigureAwait(false);
        }
    }

    private async Task<ArchiveContents> ContentsAsync(ProgressActivity progress, CancellationToken cancellationToken)
    {
        if (Stream is not null)
        {
            return Stream.Contents;
        }

        if (Request.Format != PgBackupFormat.Plain)
        {
            return await ArchiveContents.ReadAsync(Tools.Restore, Archive, cancellationToken).ConfigureAwait(false);
        }

        var oids = Listed.Tables.ToDictionary(table => (table.Schema, table.Name), table => table.Oid);
        return await ArchiveContents.ReadScriptAsync(
            Archive, (schema, name) => oids.TryGetValue((schema, name), out var oid) ? oid : null, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private async Task Part(string name, Func<CancellationToken, Task> run)
    {
        await Task.Yield();
        var clock = Stopwatch.StartNew();
        if (!_stop.IsCancellationRequested)
        {
            await FirstFailure(run(_stop.Token)).ConfigureAwait(false);
        }

        Timings.Add(name, clock.Elapsed);
    }

    private async Task FirstFailure(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _first, error, null);
            await _stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<PgOpsException> FailureAsync(Exception error)
    {
        if (error is PgOpsException { Code: PgErrorCode.ToolFailed or PgErrorCode.StatementFailed })
        {
            try
            {
                // pg_dump fails, and so does a session that wants to join, when the snapshot is gone, perhaps before its holder was missed.
                await Holder.Connection.ExecuteAsync("SELECT 1", CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception lost) when (lost is NpgsqlException or InvalidOperationException)
            {
                error = ServerErrors.Working(Target, lost as NpgsqlException ?? new NpgsqlException(lost.Message, lost), "holding the backup's snapshot");
            }
        }

        var known = error as PgOpsException
            ?? (error is NpgsqlException ? ServerErrors.Working(Target, error, "the backup") : null)
            ?? new PgOpsException(PgErrorCode.BackupFailed, new Redaction(Target).Apply(error.Message), innerException: error);
        return new PgOpsException(known.Code, known.Problem, BackupDatabase.NothingLeft, known.NextStep, error)
        { Subject = Request.Target, Statement = known.Statement };
    }

    private async Task DumpGlobalsAsync(PostgresTool pgDumpAll, CancellationToken cancellationToken)
    {
        // pg_dumpall reads --database as a connection string, so the name goes in as one: it may itself hold "=" or "://".
        var name = Target.Database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
        var file = Path.Combine(Folder, BackupDatabase.GlobalsFile);
        var command = new ToolCommand(
            pgDumpAll.Path, "--globals-only", "--no-role-passwords", "--no-password", "--no-sync", $"--database=dbname='{name}'")
        { Target = Target };
        var result = Encryptor is null
            ? await ToolProcess.RunAsync(
                command with { Arguments = [.. command.Arguments, "--file=" + file] }, cancellationToken).ConfigureAwait(false)
            : await Encryptor.PipeAsync(command, file, cancellationToken).ConfigureAwait(false);
        const string Way = "A role that may not read the cluster's roles can leave them out: -NoGlobals.";
        result.EnsureSuccess(BackupDatabase.NothingLeft, Way);
        if (result.Errors.Count > 0)
        {
            throw result.Error(BackupDatabase.NothingLeft, Way);
        }
    }
}
