namespace PgOps.Core.Repository.Archives;

/// <summary>
/// One of the runs in which pg_restore takes an archive with several jobs. Within a run it keeps to what the archive records alone, and
/// no archive records that an index or a materialized view calls a function which reads another table, that the check of a domain
/// was added over rows that break it, or which foreign keys an extension's own tables have
/// (https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES).
/// </summary>
/// <param name="Entries">Numbers of the entries; null for all.</param>
/// <param name="InOrder">Whether one comes after the other, in the order of the archive.</param>
internal sealed record ArchiveRun(IReadOnlyList<int>? Entries, bool InOrder)
{
    /// <summary>
    /// Definitions and rows, then what is made over the rows. Where extensions have rows of their own, those come first, in the order
    /// in which pg_dump has put them.
    /// </summary>
    /// <param name="toc">The table of contents.</param>
    /// <param name="restored">The entries that are restored; null for all.</param>
    internal static IReadOnlyList<ArchiveRun> Of(ArchiveToc toc, IReadOnlyCollection<int>? restored)
    {
        // pg_dump sorts definitions, rows and what is made over the rows into this order (since 9.2), comments behind what they are of.
        var rows = toc.Entries.Select((entry, index) => entry.IsRows ? index : -1).DefaultIfEmpty(-1).Max();
        var wanted = restored?.ToHashSet();
        var kept = toc.Entries.Select((entry, index) => (Entry: entry, IsLate: index > rows || entry.Kind == "ACL"))
            .Where(one => wanted?.Contains(one.Entry.Id) != false).ToLookup(one => one.IsLate, one => one.Entry);
        var early = kept[false].ToList();
        var shipped = early.Where(entry => entry.Kind == "TABLE DATA" && !toc.NeededBy(entry).Any(one => one.IsRelation)).ToHashSet();
        ArchiveRun[] runs = shipped.Count == 0
            ? [Make(early, false), Make(kept[true], false)]
            :
            [
                Make(early.Where(entry => shipped.Contains(entry) || !entry.IsRows), true),
                Make(early.Where(entry => !shipped.Contains(entry) && entry.IsRows), false),
                Make(kept[true], false),
            ];
        return [.. runs.Where(run => run.Entries!.Count > 0)];

        static ArchiveRun Make(IEnumerable<TocEntry> entries, bool inOrder) => new([.. entries.Select(entry => entry.Id)], inOrder);
    }
}
