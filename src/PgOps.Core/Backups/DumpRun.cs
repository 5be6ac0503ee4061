using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;

namespace PgOps.Core.Backups;

/// <summary>One run of pg_dump inside a snapshot: its arguments, what it says, how far it is.</summary>
internal sealed class DumpRun
{
    // The tables are locked before pg_dump starts, so it only ever waits behind somebody who queued for an exclusive lock and waits
    // for us: without a limit both would wait for ever.
    private const string LockWait = "--lock-wait-timeout=60s";
    private const string TableLine = "pg_dump: dumping contents of table ";
    private const string Prefix = "pg_dump: ";
    private static readonly string[] Levels = ["error: ", "warning: ", "detail: ", "hint: ", "fatal: "];

    private readonly Dictionary<string, DumpedTable> _byName;
    private readonly List<DumpedTable> _started = [];
    private readonly HashSet<uint> _seen = [];
    private readonly ProgressActivity _progress;
    private readonly long _total;
    private readonly List<string> _remarks = [];
    private string _status = "reading the catalogs";
    private int _jobs = 1;

    internal DumpRun(IReadOnlyList<DumpedTable> tables, ProgressActivity progress)
    {
        _progress = progress;
        _total = tables.Sum(table => table.Bytes);
        _byName = new Dictionary<string, DumpedTable>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            _byName[$"{table.Schema}.{table.Name}"] = table;
        }
    }

    /// <summary>pg_dump's warnings, each with its details.</summary>
    internal IReadOnlyList<string> Warnings
        => [.. _remarks.Where(remark => remark.StartsWith(Prefix + "warning: ", StringComparison.Ordinal))];

    /// <summary>Runs it.</summary>
    /// <param name="plan">What to dump, and by which program.</param>
    /// <param name="target">The database, under the backup's own application name.</param>
    /// <param name="snapshot">The exported snapshot.</param>
    /// <param name="archive">File or folder to write.</param>
    /// <param name="stream">Takes the archive from the standard output in place of a file; may be null.</param>
    /// <param name="cancellationToken">Ends it and waits.</param>
    internal async Task RunAsync(
        BackupPlan plan,
        PgTarget target,
        string snapshot,
        string archive,
        EncryptedDump? stream,
        CancellationToken cancellationToken)
    {
        _jobs = plan.Jobs;
        List<string> arguments =
        [
            "--format=" + PayloadName.FormatOf(plan.Request.Format).Split('.')[0],
            .. stream is null ? ["--file=" + archive] : (string[])[],
            "--snapshot=" + snapshot,
            "--compress=" + plan.Compression,
            "--verbose",
            "--no-password",
            "--no-sync",
            LockWait,
            .. plan.SelectionArguments,
        ];
        if (plan.Request.Format == PgBackupFormat.Directory)
        {
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--jobs={plan.Jobs}"));
        }

        // The database comes by PGDATABASE: as an argument a name with "=" in it would be taken for a connection string.
        var command = new ToolCommand(plan.Tools.Dump.Path)
        {
            Arguments = arguments,
            Target = target,
            Environment = new Dictionary<string, string?> { ["PGTZ"] = "UTC" },
            OnError = Listen,
            Encoding = plan.NameEncoding,
        };
        var result = await (stream is null ? ToolProcess.RunAsync(command, cancellationToken) : stream.RunAsync(command, cancellationToken))
            .ConfigureAwait(false);
        if (result.ExitCode != 0 && _remarks.Find(UncodedMessages.IsDiskFull) is { } full)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull,
                $"The disk of {Path.GetDirectoryName(archive)} is full: {full}",
                BackupDatabase.NothingLeft,
                "Make room (Remove-PgBackup), or back up to another disk.")
            { Subject = target };
        }

        if (result.ExitCode != 0)
        {
            throw new PgOpsException(
                PgErrorCode.ToolFailed,
                string.Create(CultureInfo.InvariantCulture, $"pg_dump ended with exit code {result.ExitCode}.\n")
                    + string.Join('\n', _remarks.TakeLast(20)),
                "No backup was made and nothing is left behind.",
                _remarks.Exists(UncodedMessages.IsStandbyConflict) ? ServerErrors.StandbyConflict
                    : _remarks.Exists(UncodedMessages.IsOutOfLocks)
                    ? ServerErrors.MoreLocks
                    : "Mend what pg_dump complains about and run the backup again. If a lock was refused: when nobody waits for an "
                        + "exclusive lock any more; or, with very many tables, with more max_locks_per_transaction or fewer -Jobs.")
            { Subject = target };
        }

        // What goes on beside it has progress of its own.
        _progress.Dispose();
    }

    /// <summary>Reports how far the dump is.</summary>
    /// <param name="running">Bytes already read of the tables that are being copied right now, by oid.</param>
    internal void Report(IReadOnlyDictionary<uint, long> running)
    {
        long done = 0;
        lock (_started)
        {
            _seen.UnionWith(running.Keys);

            // The newest may only be about to begin; the ones before them have ended even when nobody saw them run.
            for (var index = 0; index < _started.Count; index++)
            {
                var table = _started[index];
                done += running.TryGetValue(table.Oid, out var bytes) ? Math.Min(bytes, table.Bytes)
                    : _seen.Contains(table.Oid) || index < _started.Count - _jobs ? table.Bytes
                    : 0;
            }
        }

        _progress.ReportBytes(_status, done, _total);
    }

    internal void Listen(string line)
    {
        if (line.StartsWith(TableLine, StringComparison.Ordinal))
        {
            var name = line[TableLine.Length..].Trim('"');
            _status = name;
            if (_byName.TryGetValue(name, out var table))
            {
                lock (_started)
                {
                    _started.Add(table);
                }
            }

            return;
        }

        lock (_remarks)
        {
            if (!line.StartsWith(Prefix, StringComparison.Ordinal))
            {
                // The rest of a message of several lines.
                if (_remarks.Count > 0)
                {
                    _remarks[^1] += "\n" + line;
                }
            }
            else if (Array.Exists(Levels, level => line.AsSpan(Prefix.Length).StartsWith(level, StringComparison.Ordinal)))
            {
                var continues = _remarks.Count > 0
                    && (line.StartsWith(Prefix + "detail: ", StringComparison.Ordinal)
                        || line.StartsWith(Prefix + "hint: ", StringComparison.Ordinal));
                if (continues)
                {
                    _remarks[^1] += "\n" + line;
                }
                else
                {
                    _remarks.Add(line);
                }
            }
        }
    }
}
