using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// Hashes the rows of a finished archive as pg_restore reads them back, several tables side by side: the same definition as
/// <c>DatabaseFingerprint</c>, computed from what a restore will put in place.
/// </summary>
internal static class ArchiveFingerprint
{
    /// <summary>Reads every table's rows out of the archive.</summary>
    /// <param name="pgRestore">The program; used where the archive is one file, or compressed with what neither .NET nor the system's
    /// library unpacks.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="contents">Its table of contents.</param>
    /// <param name="tables">The tables as the snapshot had them: sizes, for dividing the work, and names.</param>
    /// <param name="jobs">How many tables are read at once.</param>
    /// <param name="scratch">A folder for short-lived files.</param>
    /// <param name="progress">Shows bytes read.</param>
    /// <param name="timings">Receives the time that each table took.</param>
    /// <param name="cancellationToken">Stops, and waits for the programs.</param>
    /// <returns>Rows and hash by oid.</returns>
    /// <exception cref="PgOpsException">ToolFailed or BackupFailed when the archive cannot be read.</exception>
    internal static async Task<IReadOnlyDictionary<uint, RowHashSum>> ReadAsync(
        PostgresTool pgRestore,
        string archive,
        ArchiveContents contents,
        IReadOnlyList<DumpedTable> tables,
        int jobs,
        string scratch,
        ProgressActivity? progress,
        PhaseTimings timings,
        CancellationToken cancellationToken)
    {
        if (contents.Rows is { } known)
        {
            return known;
        }

        var names = tables.Where(table => !table.IsLargeObjects).ToDictionary(table => table.Oid, table => (table.Schema, table.Name));
        var sizes = tables.Where(table => !table.IsLargeObjects).ToDictionary(table => table.Oid, table => table.Bytes);
        var total = sizes.Values.Sum();
        var results = new ConcurrentDictionary<uint, RowHashSum>();
        var counted = new ConcurrentDictionary<uint, long>();
        long read = 0;
        var entries = contents.TableData.Where(entry => sizes.ContainsKey(entry.Oid)).OrderByDescending(entry => sizes[entry.Oid]).ToList();
        var files = entries.Select(entry => FileOf(archive, entry)).ToList();
        if (files.Contains(null))
        {
            await Task.WhenAll(Divide(entries, sizes, jobs).Select(ReadPartAsync)).ConfigureAwait(false);
        }
        else
        {
            await Parallel.ForEachAsync(
                entries.Zip(files),
                new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellationToken },
                (table, token) => ReadFileAsync(table.First, table.Second!, token)).ConfigureAwait(false);
        }

        return results;

        async ValueTask ReadFileAsync(TocLine entry, string path, CancellationToken token)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                results[entry.Oid] = await RowsOfAsync(path, bytes => Report(entry, bytes), token).ConfigureAwait(false);
            }
            catch (InvalidDataException error)
            {
                throw new PgOpsException(
                    PgErrorCode.BackupFailed, $"The rows of {entry.Text} cannot be read back from {path}: {error.Message}",
                    innerException: error);
            }

            AddTime(entry, clock);
        }

        async Task ReadPartAsync(List<TocLine> part, int number)
        {
            await Task.Yield();
            var list = Path.Combine(scratch, string.Create(CultureInfo.InvariantCulture, $".rows{number}"));
            await File.WriteAllTextAsync(
                list, TocLine.List(part.Select(entry => entry.Id)), cancellationToken).ConfigureAwait(false);
            try
            {
                // pg_restore keeps the list's order.
                var next = 0;
                var clock = Stopwatch.StartNew();
                var rows = new ArchivedRows(
                    sum =>
                    {
                        if (next < part.Count)
                        {
                            results[part[next].Oid] = sum;
                            AddTime(part[next], clock);
                        }

                        next++;
                    },
                    bytes =>
                    {
                        if (next < part.Count)
                        {
                            Report(part[next], bytes);
                        }
                    });
                await using var closed = rows.ConfigureAwait(false);
                var result = await ToolProcess.RunAsync(
                    new ToolCommand(pgRestore.Path, "--data-only", "--file=-", "--use-list=" + list, archive) { Output = rows },
                    cancellationToken).ConfigureAwait(false);
                result.EnsureSuccess();
                if (result.Errors.Count > 0 || rows.InData || next != part.Count)
                {
                    throw result.Errors.Count > 0
                        ? result.Error()
                        : new PgOpsException(
                            PgErrorCode.BackupFailed,
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"pg_restore gave back {next} of {PgAmount.Of(part.Count, "table")} from {archive}."));
                }
            }
            finally
            {
                File.Delete(list);
            }
        }

        void AddTime(TocLine entry, Stopwatch clock)
        {
            Report(entry, sizes[entry.Oid]);
            timings.AddTable(names[entry.Oid].Schema, names[entry.Oid].Name, clock.Elapsed);
            clock.Restart();
        }

        // A table counts for its size on disk: COPY's text may be shorter or longer.
        void Report(TocLine entry, long bytes)
        {
            var before = counted.GetValueOrDefault(entry.Oid);
            var now = counted[entry.Oid] = Math.Min(before + bytes, sizes[entry.Oid]);
            var (schema, name) = names[entry.Oid];
            progress?.ReportBytes($"{schema}.{name}", Interlocked.Add(ref read, now - before), total);
        }
    }

    /// <summary>
    /// The file of a table in an archive that is a folder (its entry's number names it), where it can be read without pg_restore.
    /// </summary>
    private static string? FileOf(string archive, TocLine entry)
    {
        var name = Path.Combine(archive, string.Create(CultureInfo.InvariantCulture, $"{entry.Id}.dat"));
        return File.Exists(name + ".gz") ? name + ".gz"
            : File.Exists(name + ".zst") && ZstdStream.IsAvailable ? name + ".zst"
            : File.Exists(name) ? name : null;
    }

    /// <summary>Hashes the rows of one table's file, which is what COPY wrote, up to its end mark.</summary>
    private static async Task<RowHashSum> RowsOfAsync(string path, Action<long> onBytes, CancellationToken cancellationToken)
    {
        RowHashSum? found = null;
        var rows = new ArchivedRows(sum => found = sum, onBytes, inData: true);
        await using var closed = rows.ConfigureAwait(false);
        await PackedFile.ReadAsync(path, (block, _) => rows.Write(block.Span), cancellationToken).ConfigureAwait(false);
        return found is null || rows.InData ? throw new InvalidDataException("the end of its data is missing") : found;
    }

    /// <summary>Divides tables, the biggest first, into about equal parts: each to the part that is smallest so far.</summary>
    private static List<List<TocLine>> Divide(List<TocLine> sorted, Dictionary<uint, long> sizes, int jobs)
    {
        var parts = Enumerable.Range(0, Math.Clamp(jobs, 1, Math.Max(1, sorted.Count)))
            .Select(_ => (Entries: new List<TocLine>(), Size: 0L)).ToArray();
        foreach (var entry in sorted)
        {
            var smallest = Array.IndexOf(parts, parts.MinBy(part => part.Size));
            parts[smallest].Entries.Add(entry);
            parts[smallest].Size += sizes[entry.Oid] + 1;
        }

        return [.. parts.Select(part => part.Entries).Where(part => part.Count > 0)];
    }
}
