using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Backups;

/// <summary>
/// The step "dump", all that a backup does inside its snapshot: dump, globals and fingerprint, side by side while the snapshot's holder is
/// watched.
/// </summary>
internal sealed class SnapshotDump : IDisposable
{
    private readonly BackupPlan _plan;
    private readonly SnapshotHolder _holder;
    private readonly SnapshotSession _reader;
    private readonly string _folder;
    private readonly string _archive;
    private readonly EncryptedDump? _stream;
    private readonly PhaseTimings _timings;
    private readonly CancellationTokenSource _stop = new();
    private IReadOnlyList<string> _said = [];
    private Exception? _first;

    /// <param name="plan">What the first step has settled.</param>
    /// <param name="holder">Holds the snapshot.</param>
    /// <param name="reader">A session in the snapshot that has locked the tables.</param>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="timings">Receives seconds by phase.</param>
    internal SnapshotDump(BackupPlan plan, SnapshotHolder holder, SnapshotSession reader, string folder, PhaseTimings timings)
    {
        _plan = plan;
        _holder = holder;
        _reader = reader;
        _folder = folder;
        _timings = timings;
        _archive = Path.Combine(folder, PayloadName.PathOf(plan.Request.Format));

        // Of the custom format no plain byte reaches the disk; a folder's files are encrypted when all of them are there.
        _stream = plan.Encryptor is null || plan.Request.Format != PgBackupFormat.Custom
            ? null
            : new EncryptedDump(plan.Encryptor, plan.Tools.Restore, _archive + plan.Encryptor.Ending, plan.NameEncoding);
    }

    /// <summary>Does it. The first part that fails ends the others.</summary>
    /// <returns>What was found.</returns>
    internal async Task<DumpedSnapshot> RunAsync(IOperationSink sink, CancellationToken cancellationToken)
    {
        using var dumping = new ProgressActivity(sink, $"Backing up {_plan.Database}");
        using var progress = new ProgressActivity(sink, $"Reading the script of {_plan.Target.Database}");
        using var asked = cancellationToken.Register(_stop.Cancel);
        var (content, contents, dumped, objects) = (
            default(DatabaseContent), default(ArchiveContents), _plan.Listed, default(PgObjectInventory));
        var views = default(IReadOnlyList<PgMaterializedViewFingerprint>);
        var run = new DumpRun(_plan.Listed.Tables, dumping);
        var space = new FreeSpace(_folder);

        // A name of its own, so that its COPY can be told from the fingerprint's.
        var dumpTarget = _plan.Target with { ApplicationName = _plan.Target.ApplicationName + " dump" };
        var whole = _plan.Request.Selection.IsWhole;
        var dump = Part("dump", token => run.RunAsync(
            _plan, dumpTarget, _holder.Snapshot, _archive, _stream, token));
        var together = Task.WhenAll(
            dump,
            Part("globals", token => _plan.Tools.DumpAll is null ? Task.CompletedTask : DumpGlobalsAsync(_plan.Tools.DumpAll, token)),
            Part("objects", ListObjectsAsync),
            Part("views", ReadViewsAsync),
            whole
                ? Part("fingerprint", ReadAsync)
                : dump.ContinueWith(_ => Part("fingerprint", ReadPartAsync), TaskScheduler.Default).Unwrap());
        await Task.WhenAll(together, FirstFailure(_holder.GuardAsync(
            dumpTarget.ApplicationName,
            running =>
            {
                space.Watch();
                run.Report(running);
            },
            together,
            _stop.Token))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (_first is not null)
        {
            throw await FailureAsync(_first).ConfigureAwait(false);
        }

        contents ??= await ContentsAsync(progress, cancellationToken).ConfigureAwait(false);
        content = content! with { MaterializedViews = views };
        return new DumpedSnapshot(_archive, content, contents, dumped, objects)
        {
            Stream = _stream,
            Warnings = [.. run.Warnings, .. _said],
        };

        async Task ListObjectsAsync(CancellationToken token)
        {
            if (_plan.Request.Selection.HoldsEveryObject)
            {
                objects = (await ObjectInventory.ReadAsync(_plan.Target, _holder.Snapshot, true, token).ConfigureAwait(false)).Record();
            }
        }

        // Of a part nobody knows here whether it holds what a view is computed from.
        async Task ReadViewsAsync(CancellationToken token)
        {
            if (whole && _plan.Depth is PgFingerprintDepth.Source or PgFingerprintDepth.Archive)
            {
                var session = await SnapshotSession.OpenAsync(_plan.Target, _holder.Snapshot, token).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    views = await MaterializedViews.ReadAsync(session, null, token).ConfigureAwait(false);
                }
            }
        }

        async Task ReadAsync(CancellationToken token)
        {
            using var reading = new ProgressActivity(sink, $"Fingerprinting {_plan.Target.Database}");
            content = await DatabaseFingerprint.ReadAsync(
                _reader, dumped, _holder.Snapshot, true, _plan.Depth, _plan.Jobs, reading, token, timings: _timings).ConfigureAwait(false);
        }

        // Which tables a part holds, pg_dump alone knows: the archive's table of contents says it.
        async Task ReadPartAsync(CancellationToken token)
        {
            contents = await ContentsAsync(progress, token).ConfigureAwait(false);
            dumped = contents.Of(_plan.Listed);
            await _reader.LockAsync(dumped.Tables, token).ConfigureAwait(false);
            await ReadAsync(token).ConfigureAwait(false);
        }
    }

    private async Task<ArchiveContents> ContentsAsync(ProgressActivity progress, CancellationToken cancellationToken)
    {
        if (_stream is not null)
        {
            return _stream.Contents;
        }

        if (_plan.Request.Format != PgBackupFormat.Plain)
        {
            return await ArchiveContents.ReadAsync(
                _plan.Tools.Restore, _archive, _plan.NameEncoding, cancellationToken).ConfigureAwait(false);
        }

        var oids = _plan.Listed.Tables.ToDictionary(table => (table.Schema, table.Name), table => table.Oid);
        return await ArchiveContents.ReadScriptAsync(
            _archive, (schema, name) => oids.TryGetValue((schema, name), out var oid) ? oid : null, progress, cancellationToken)
            .ConfigureAwait(false);
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

        _timings.Add(name, clock.Elapsed);
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
                // pg_dump fails, and so does a session that wants to join, when the snapshot is gone, perhaps before its holder was
                // missed.
                await _holder.Connection.ExecuteAsync("SELECT 1", CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception lost) when (lost is NpgsqlException or InvalidOperationException)
            {
                error = ServerErrors.Working(
                    _plan.Target, lost as NpgsqlException ?? new NpgsqlException(lost.Message, lost), "holding the backup's snapshot");
            }
        }

        var known = error as PgOpsException
            ?? (error is NpgsqlException ? ServerErrors.Working(_plan.Target, error, "the backup") : null)
            ?? new PgOpsException(PgErrorCode.BackupFailed, new Redaction(_plan.Target).Apply(error.Message), innerException: error);
        return known.InState(BackupDatabase.NothingLeft, subject: _plan.Request.Target);
    }

    private async Task DumpGlobalsAsync(PostgresTool pgDumpAll, CancellationToken cancellationToken)
    {
        // pg_dumpall reads --database as a connection string, so the name goes in as one: it may itself hold "=" or "://".
        var name = ConnectionStringText.Escape(_plan.Target.Database);
        var file = Path.Combine(_folder, BackupDatabase.GlobalsFile);
        var command = new ToolCommand(
            pgDumpAll.Path, "--globals-only", "--no-role-passwords", "--no-password", "--no-sync", $"--database=dbname='{name}'")
        { Target = _plan.Target };
        var result = await RunAsync(command).ConfigureAwait(false);
        if (result.ExitCode != 0 && _plan.GlobalsTarget != _plan.Target)
        {
            // A timeout of the role; a pooler that nobody has named may not take the options that take it off, so they come second.
            result = await RunAsync(command with { Target = _plan.GlobalsTarget }).ConfigureAwait(false);
        }

        const string Way = "A role that may not read the cluster's roles can leave them out: -NoGlobals.";
        result.EnsureSuccess(BackupDatabase.NothingLeft, Way);
        if (result.Errors.Any(line => line.StartsWith(result.Program + ":", StringComparison.Ordinal)))
        {
            throw result.Error(BackupDatabase.NothingLeft, Way);
        }

        // What the server tells every session, of a collation that is another since an upgrade for example, is no fault of the dump.
        _said = result.Errors.Count == 0 ? [] : [$"The server said to {result.Program}: {string.Join(" ", result.Errors)}"];

        Task<ToolResult> RunAsync(ToolCommand one) => _plan.Encryptor is null
            ? ToolProcess.RunAsync(one with { Arguments = [.. one.Arguments, "--file=" + file] }, cancellationToken)
            : _plan.Encryptor.PipeAsync(one, file, cancellationToken);
    }
}
