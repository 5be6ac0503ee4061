using System.Globalization;
using System.Text;
using PgOps.Core.ClientTools;
using PgOps.Core.Operations;

namespace PgOps.Core.Backups;

/// <summary>
/// Hashes the rows of a finished archive as pg_restore reads them back, several tables side by side: the same definition as
/// <see cref="DatabaseFingerprint"/>, computed from what a restore will put in place.
/// </summary>
internal static class ArchiveFingerprint
{
    /// <summary>Reads every table's rows out of the archive.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="contents">Its table of contents.</param>
    /// <param name="tables">The tables as the snapshot had them: sizes, for dividing the work, and names.</param>
    /// <param name="jobs">How many pg_restore run at once.</param>
    /// <param name="scratch">A folder for short-lived files.</param>
    /// <param name="progress">Shows bytes read.</param>
    /// <param name="cancellationToken">Ends the programs and waits.</param>
    /// <returns>Rows and hash by oid.</returns>
    /// <exception cref="PgOpsException">ToolFailed when pg_restore cannot read the archive.</exception>
    internal static async Task<IReadOnlyDictionary<uint, RowHashSum>> ReadAsync(
        PostgresTool pgRestore,
        string archive,
        ArchiveContents contents,
        IReadOnlyList<DumpedTable> tables,
        int jobs,
        string scratch,
        ProgressActivity? progress,
        CancellationToken cancellationToken)
    {
        if (contents.Rows is { } known)
        {
            return known;
        }

        var sizes = tables.Where(table => !table.IsLargeObjects).ToDictionary(table => table.Oid, table => table.Bytes);
        var total = sizes.Values.Sum();
        var results = new Dictionary<uint, RowHashSum>();
        long read = 0;
        var parts = Divide([.. contents.TableData.Where(entry => sizes.ContainsKey(entry.Oid))], sizes, jobs);
        await Task.WhenAll(parts.Select(ReadPartAsync)).ConfigureAwait(false);
        return results;

        async Task ReadPartAsync(List<ArchiveEntry> part, int number)
        {
            await Task.Yield();
            var list = Path.Combine(scratch, string.Create(CultureInfo.InvariantCulture, $".rows{number}"));
            await File.WriteAllTextAsync(
                list, string.Concat(part.Select(entry => entry.Line + "\n")), new UTF8Encoding(false), cancellationToken).ConfigureAwait(false);
            try
            {
                // pg_restore keeps the list's order.
                var next = 0;
                var rows = new ArchivedRows(
                    (_, sum) =>
                    {
                        if (next < part.Count)
                        {
                            lock (results)
                            {
                                results[part[next].Oid] = sum;
                            }
                        }

                        next++;
                    },
                    bytes => progress?.Report(
                        next < part.Count ? part[next].Name : "", Math.Min(Interlocked.Add(ref read, bytes), total), total));
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
                            string.Create(CultureInfo.InvariantCulture, $"pg_restore gave back {next} of {part.Count} tables from {archive}."));
                }
            }
            finally
            {
                File.Delete(list);
            }
        }
    }

    /// <summary>Divides tables into about equal parts: the biggest first, each to the part that is smallest so far.</summary>
    private static List<List<ArchiveEntry>> Divide(List<ArchiveEntry> entries, Dictionary<uint, long> sizes, int jobs)
    {
        var parts = Enumerable.Range(0, Math.Clamp(jobs, 1, Math.Max(1, entries.Count))).Select(_ => (Entries: new List<ArchiveEntry>(), Size: 0L)).ToArray();
        foreach (var entry in entries.OrderByDescending(entry => sizes[entry.Oid]))
        {
            var smallest = Array.IndexOf(parts, parts.MinBy(part => part.Size));
            parts[smallest].Entries.Add(entry);
            parts[smallest].Size += sizes[entry.Oid] + 1;
        }

        return [.. parts.Select(part => part.Entries).Where(part => part.Count > 0)];
    }
}
