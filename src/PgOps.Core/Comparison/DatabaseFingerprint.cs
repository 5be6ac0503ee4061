using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Comparison;

/// <summary>
/// The fingerprint of a database: for each table the number of rows and the sum modulo 2^128 of XxHash128 over the COPY text
/// of each row (line end excluded) for the columns that pg_dump dumps, under pinned output settings. One definition for the source,
/// the archive and the restored copy. Beside it the same sum for each stored generated column, which no archive holds.
/// </summary>
internal static class DatabaseFingerprint
{
    /// <summary>Reads the fingerprint.</summary>
    /// <param name="target">The database.</param>
    /// <param name="snapshot">An exported snapshot to read in; null takes and exports an own one.</param>
    /// <param name="depth">How deep to look.</param>
    /// <param name="jobs">Sessions to read with.</param>
    /// <param name="progress">Shows bytes read; may be null.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    /// <param name="order">Puts a table's columns into the order in which they are to be read; null for the table's own.</param>
    /// <param name="wanted">Says by schema and name which tables and sequences to read; null reads all.</param>
    /// <exception cref="PgOpsException">PermissionDenied when rows would stay hidden; ConnectionLost; StatementFailed.</exception>
    internal static async Task<DatabaseContent> ReadAsync(
        PgTarget target,
        string? snapshot,
        PgFingerprintDepth depth,
        int jobs,
        ProgressActivity? progress,
        CancellationToken cancellationToken,
        Func<DumpedTable, DumpedTable>? order = null,
        Func<string, string, bool>? wanted = null)
    {
        var first = await SnapshotSession.OpenAsync(target, snapshot, cancellationToken).ConfigureAwait(false);
        await using (first.ConfigureAwait(false))
        {
            try
            {
                var listed = await DumpedTables.ListAsync(first.Connection, cancellationToken).ConfigureAwait(false);
                var tables = listed.Tables.Where(table => wanted?.Invoke(table.Schema, table.Name) != false);
                listed = listed with { Tables = [.. order is null ? tables : tables.Select(order)] };
                var content = await ReadAsync(first, listed, snapshot, false, depth, jobs, progress, cancellationToken, wanted)
                    .ConfigureAwait(false);
                return depth != PgFingerprintDepth.Source ? content : content with
                {
                    MaterializedViews = await Comparison.MaterializedViews.ReadAsync(first, progress, cancellationToken, wanted)
                        .ConfigureAwait(false),
                };
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(target, error, "reading the fingerprint");
            }
        }
    }

    /// <summary>Reads the fingerprint with a session that is there already.</summary>
    /// <param name="first">The session, inside its transaction.</param>
    /// <param name="listed">The tables, as this session sees them.</param>
    /// <param name="snapshot">The transaction's snapshot where it is exported; null exports it when it is needed.</param>
    /// <param name="locked">Whether the session has locked the tables: then it alone can read one that somebody waits to lock.</param>
    /// <param name="depth">How deep to look.</param>
    /// <param name="jobs">Sessions to read with.</param>
    /// <param name="progress">Shows bytes read; may be null.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    /// <param name="wanted">Says by schema and name which sequences to read; null reads all.</param>
    /// <param name="timings">Receives the time that each table took; may be null.</param>
    internal static async Task<DatabaseContent> ReadAsync(
        SnapshotSession first,
        DumpedTables listed,
        string? snapshot,
        bool locked,
        PgFingerprintDepth depth,
        int jobs,
        ProgressActivity? progress,
        CancellationToken cancellationToken,
        Func<string, string, bool>? wanted = null,
        PhaseTimings? timings = null)
    {
        var sequences = await SequencePositions.ReadAsync(first.Connection, cancellationToken, wanted).ConfigureAwait(false);
        if (depth == PgFingerprintDepth.None)
        {
            return new DatabaseContent([.. listed.Tables.Select(table => Result(table, 0, null, null))], sequences, listed.LeftOut)
            {
                Unlogged = listed.Unlogged,
            };
        }

        listed.RefuseUnlessComplete(first.Target);
        var reading = new Reading(first, listed.Tables, locked, depth, progress) { Timings = timings };
        var workers = Math.Clamp(jobs, 1, Math.Max(1, listed.Tables.Count));
        if (workers > 1)
        {
            snapshot ??= await first.ExportAsync(cancellationToken).ConfigureAwait(false);
        }

        await reading.RunAsync(snapshot, workers, cancellationToken).ConfigureAwait(false);
        return new DatabaseContent(reading.Results, sequences, listed.LeftOut) { Unlogged = listed.Unlogged, Remarks = reading.Remarks };
    }

    private static PgTableFingerprint Result(
        DumpedTable table, long rows, string? hash, IReadOnlyDictionary<string, string>? generated)
        => new()
        {
            Columns = table.Inherits ? table.Columns : null,
            RootSchema = table.Root?.Schema,
            Root = table.Root?.Name,
            Schema = table.Schema,
            Name = table.Name,
            Rows = rows,
            Hash = hash,
            Generated = generated,
            Bytes = table.Bytes,
        };

    /// <summary>One fingerprint in the making: a queue of tables, biggest first, and the sessions that empty it.</summary>
    private sealed class Reading
    {
        // Long enough for a lock held for a moment, short enough beside the work that waits.
        private const string WorkerLockTimeout = "SET LOCAL lock_timeout = '2s'";

        private static readonly Dictionary<string, string> NoneGenerated = [];

        private readonly ConcurrentQueue<int> _deferred = new();
        private readonly ConcurrentQueue<string> _remarks = new();
        private readonly SnapshotSession _session;
        private readonly PgTarget _target;
        private readonly bool _locked;
        private readonly PgFingerprintDepth _depth;
        private readonly ProgressActivity? _progress;
        private readonly IReadOnlyList<DumpedTable> _tables;
        private readonly int[] _order;
        private readonly PgTableFingerprint[] _results;
        private readonly long _total;
        private int _taken = -1;
        private long _done;
        private Exception? _first;

        internal Reading(
            SnapshotSession session, IReadOnlyList<DumpedTable> tables, bool locked, PgFingerprintDepth depth, ProgressActivity? progress)
        {
            _session = session;
            _target = session.Target;
            _locked = locked;
            _tables = tables;
            _depth = depth;
            _progress = progress;
            _order = [.. Enumerable.Range(0, tables.Count).OrderByDescending(index => tables[index].Bytes)];
            _results = new PgTableFingerprint[tables.Count];
            _total = tables.Sum(table => table.Bytes);
        }

        internal IReadOnlyList<PgTableFingerprint> Results => _results;

        internal IReadOnlyList<string> Remarks => [.. _remarks];

        internal PhaseTimings? Timings { get; init; }

        internal async Task RunAsync(string? snapshot, int workers, CancellationToken cancellationToken)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var running = new List<Task>(workers) { WorkAsync(_session, stop) };
            for (var worker = 1; worker < workers; worker++)
            {
                running.Add(OpenAndWorkAsync(snapshot!, stop));
            }

            try
            {
                await Task.WhenAll(running).ConfigureAwait(false);
                foreach (var index in _deferred)
                {
                    _results[index] = await ReadAsync(_session.Connection, _tables[index], cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception) when (_first is not null && !cancellationToken.IsCancellationRequested)
            {
                // The others were cancelled because one failed; that one's error is the news.
                ExceptionDispatchInfo.Throw(_first);
            }
        }

        private async Task OpenAndWorkAsync(string snapshot, CancellationTokenSource stop)
        {
            try
            {
                var session = await SnapshotSession.OpenAsync(_target, snapshot, stop.Token).ConfigureAwait(false);
                await using (session.ConfigureAwait(false))
                {
                    if (_locked)
                    {
                        await session.Connection.ExecuteAsync(WorkerLockTimeout, stop.Token).ConfigureAwait(false);
                    }

                    await WorkAsync(session, stop).ConfigureAwait(false);
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref _first, error, null);
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }

        private async Task WorkAsync(SnapshotSession session, CancellationTokenSource stop)
        {
            await Task.Yield();
            try
            {
                while (Next() is { } index)
                {
                    try
                    {
                        _results[index] = await ReadAsync(session.Connection, _tables[index], stop.Token).ConfigureAwait(false);
                    }
                    catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable && session != _session)
                    {
                        // Somebody waits for an exclusive lock, which the first session's lock keeps from them, and we would wait
                        // behind them: for ever. The first session takes the table later; this one's transaction is over.
                        _deferred.Enqueue(index);
                        return;
                    }
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref _first, error, null);
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }

        private int? Next()
        {
            var place = Interlocked.Increment(ref _taken);
            return place < _order.Length ? _order[place] : null;
        }

        /// <summary>Reads a table, and apart from it the rows that its extension brought, which are few and in no archive.</summary>
        private async Task<PgTableFingerprint> ReadAsync(
            NpgsqlConnection connection, DumpedTable table, CancellationToken cancellationToken)
        {
            var read = await ReadTableAsync(connection, table, cancellationToken).ConfigureAwait(false);
            return _depth == PgFingerprintDepth.Counts || table.CopyShippedStatement is not { } shipped ? read : read with
            {
                Shipped = (await HashAsync(connection, table with { Bytes = 0 }, shipped, cancellationToken).ConfigureAwait(false)).Hash,
            };
        }

        private async Task<PgTableFingerprint> ReadTableAsync(
            NpgsqlConnection connection, DumpedTable table, CancellationToken cancellationToken)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                // The archive gives hashes of rows; of large objects and generated columns, which it does not hold, only the source can.
                var archived = _depth == PgFingerprintDepth.Archive && !table.IsLargeObjects;
                if (_depth == PgFingerprintDepth.Counts || (archived && table.Generated.Count == 0))
                {
                    var rows = await CountAsync(connection, table, cancellationToken).ConfigureAwait(false);
                    return Result(table, rows, null, archived ? NoneGenerated : null);
                }

                return table.Generated.Count > 0
                    ? await TryGeneratedAsync(connection, table, archived, cancellationToken).ConfigureAwait(false)
                    : await HashAsync(connection, table, table.CopyStatement, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege && table.Readable)
            {
                throw DumpedTables.RowSecurity(_target, table.Qualified, error);
            }
            catch (PostgresException error) when (
                !ServerErrors.IsLost(error)
                    && error.SqlState is not (PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable))
            {
                throw ServerErrors.Working(_target, error, $"reading {table.Qualified}");
            }
            finally
            {
                Timings?.AddTable(table.Schema, table.Name, clock.Elapsed);
            }
        }

        /// <summary>
        /// The planner reads the expressions of a table's indexes, and fails where a function in one of them finds what it calls by the
        /// search_path alone. COPY plans nothing, so pg_dump dumps such a table, and by COPY its rows are counted.
        /// </summary>
        private async Task<long> CountAsync(NpgsqlConnection connection, DumpedTable table, CancellationToken cancellationToken)
        {
            try
            {
                var rows = await connection.ScalarAsync<long>(
                    $"SAVEPOINT pgops_count; {table.CountStatement}; RELEASE SAVEPOINT pgops_count", cancellationToken)
                    .ConfigureAwait(false);
                Advance(table, table.Bytes, 0);
                return rows;
            }
            catch (PostgresException error) when (PlanningFailure.IsOne(error) && table is { Condition: "", IsLargeObjects: false })
            {
                await connection.ExecuteAsync("ROLLBACK TO SAVEPOINT pgops_count", cancellationToken).ConfigureAwait(false);
                _remarks.Enqueue(PlanningFailure.Describe(table, error));
                var bare = table with { Generated = [] };
                return (await HashAsync(connection, bare, bare.CopyStatement, cancellationToken).ConfigureAwait(false)).Rows;
            }
        }

        /// <summary>
        /// Reads a table with its stored generated columns. COPY takes those from a query alone, which is planned; where that fails, the
        /// rows are read as pg_dump reads them, and the columns are not known.
        /// </summary>
        private async Task<PgTableFingerprint> TryGeneratedAsync(
            NpgsqlConnection connection, DumpedTable table, bool archived, CancellationToken cancellationToken)
        {
            await connection.ExecuteAsync("SAVEPOINT pgops_generated", cancellationToken).ConfigureAwait(false);
            try
            {
                var read = await HashGeneratedAsync(connection, table, archived, cancellationToken).ConfigureAwait(false);
                await connection.ExecuteAsync("RELEASE SAVEPOINT pgops_generated", cancellationToken).ConfigureAwait(false);
                return read;
            }
            catch (PostgresException error) when (PlanningFailure.IsOne(error) && table.Condition.Length == 0)
            {
                await connection.ExecuteAsync("ROLLBACK TO SAVEPOINT pgops_generated", cancellationToken).ConfigureAwait(false);
                _remarks.Enqueue(PlanningFailure.Describe(table, error) + PlanningFailure.OfGenerated(table));
                var bare = table with { Generated = [] };
                var read = await HashAsync(connection, bare, bare.CopyStatement, cancellationToken).ConfigureAwait(false);
                return read with { Hash = archived ? null : read.Hash, Generated = null };
            }
        }

        private async Task<PgTableFingerprint> HashAsync(
            NpgsqlConnection connection, DumpedTable table, string statement, CancellationToken cancellationToken)
        {
            var sum = new RowHashSum();
            await CopyAsync(connection, table, statement, chunk => sum.Append(chunk.Span), cancellationToken)
                .ConfigureAwait(false);
            sum.Complete();
            return Result(table, sum.Rows, sum.Digest, NoneGenerated);
        }

        /// <summary>Rows and generated columns in one reading; the columns alone where the archive gives the rows.</summary>
        private async Task<PgTableFingerprint> HashGeneratedAsync(
            NpgsqlConnection connection, DumpedTable table, bool archived, CancellationToken cancellationToken)
        {
            var sums = new GeneratedHashSums(table.Generated.Count, archived || table.Columns.Count == 0);
            var statement = archived ? table.CopyGeneratedStatement : table.CopyStatement;
            await CopyAsync(connection, table, statement, chunk => sums.Append(chunk.Span), cancellationToken).ConfigureAwait(false);
            sums.Complete();
            var columns = table.Generated.Zip(sums.Digests).ToDictionary(column => column.First, column => column.Second);
            return Result(table, sums.Rows.Rows, archived ? null : sums.Rows.Digest, columns);
        }

        private async Task CopyAsync(
            NpgsqlConnection connection, DumpedTable table, string statement, Action<ReadOnlyMemory<byte>> take,
            CancellationToken cancellationToken)
        {
            var buffer = new byte[64 * 1024];
            long read = 0;
            long shown = 0;

            var copy = await NpgsqlInternals.CopyTextAsync(connection, statement, cancellationToken).ConfigureAwait(false);
            await using (copy.ConfigureAwait(false))
            {
                int length;
                while ((length = await copy.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    take(buffer.AsMemory(0, length));
                    read += length;
                    if (read - shown > 1 << 20)
                    {
                        // COPY text is about as long as the rows on disk; a table never counts for more than its size.
                        Advance(table, Math.Min(read, table.Bytes) - Math.Min(shown, table.Bytes), 0);
                        shown = read;
                    }
                }
            }

            Advance(table, table.Bytes, Math.Min(shown, table.Bytes));
        }

        private void Advance(DumpedTable table, long bytes, long counted)
        {
            var done = Interlocked.Add(ref _done, bytes - counted);
            _progress?.ReportBytes($"{table.Schema}.{table.Name}", done, _total);
        }
    }
}
