using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>Which entries of an archive are restored, and which of them are told again with other roles.</summary>
internal sealed class ArchiveEdit
{
    private ArchiveEdit(IReadOnlyList<TocEntry> kept, IReadOnlyList<TocEntry> deferred, bool isWhole)
    {
        Definitions = [.. kept.Where(entry => !entry.IsData).Select(entry => entry.Id)];
        Deferred = [.. kept.Where(entry => entry.IsFrame).Concat(deferred).Select(entry => entry.Id)];
        IsWhole = isWhole && deferred.Count == 0;
        var later = deferred.ToHashSet();
        Restored = [.. kept.Where(entry => !later.Contains(entry)).Select(entry => entry.Id)];
        Owned = [.. kept.Where(entry => !entry.IsData && !later.Contains(entry)).Select(entry => entry.Id)];
    }

    /// <summary>Whether pg_restore restores everything, and needs no list.</summary>
    internal bool IsWhole { get; }

    /// <summary>The entries that pg_restore restores.</summary>
    internal IReadOnlyList<int> Restored { get; }

    /// <summary>Every entry that is not content.</summary>
    internal IReadOnlyList<int> Definitions { get; }

    /// <summary>Entries that name roles in themselves (policies, user mappings): made afterwards, with the mapped roles.</summary>
    internal IReadOnlyList<int> Deferred { get; }

    /// <summary>Definitions of which pg_restore makes all but owners and grants.</summary>
    internal IReadOnlyList<int> Owned { get; }

    /// <summary>Schemas that have to be made before: the archive does not.</summary>
    internal IReadOnlyList<string> AbsentSchemas { get; private init; } = [];

    /// <summary>Edits a table of contents.</summary>
    /// <param name="toc">It.</param>
    /// <param name="selection">A part of it; null for all.</param>
    /// <param name="skippedExtensions">Extensions to leave out.</param>
    /// <param name="withExtensionComments">Whether comments on extensions are restored: only their owner may write them.</param>
    /// <param name="roles">Which role takes the place of which.</param>
    /// <param name="unfilled">Tables and sequences, quoted, whose content is left out.</param>
    internal static ArchiveEdit Of(
        ArchiveToc toc,
        TocSelection? selection,
        IReadOnlyCollection<string> skippedExtensions,
        bool withExtensionComments,
        RoleMap roles,
        IReadOnlySet<string> unfilled)
    {
        var skipped = skippedExtensions.ToHashSet(StringComparer.Ordinal);

        // A part says that its tables are in a publication, and does not make it: that is the database's.
        var hasPublications = toc.Entries.Any(entry => entry.Kind == "PUBLICATION");
        var kept = toc.Entries.Where(entry => selection?.Ids.Contains(entry.Id) != false && !IsSkipped(entry)).ToList();
        var deferred = roles.IsEmpty ? [] : kept.Where(entry => entry.Kind is "POLICY" or "USER MAPPING").ToList();
        var ids = deferred.Select(entry => entry.Id).ToHashSet();
        deferred.AddRange(kept.Where(entry => entry.Kind == "COMMENT" && entry.Needs.Exists(ids.Contains)));
        return new ArchiveEdit(kept, deferred, kept.Count == toc.Entries.Count)
        {
            AbsentSchemas = toc.AbsentSchemas,
        };

        bool IsSkipped(TocEntry entry) => entry.Kind switch
        {
            "PUBLICATION TABLE" or "PUBLICATION TABLES IN SCHEMA" => !hasPublications,
            "SCHEMA" => toc.MakesPublic && entry == toc.Public,
            "EXTENSION" => skipped.Contains(entry.Name),
            "COMMENT" => entry.Schema == "-" && entry.Name.StartsWith(OnExtension, StringComparison.Ordinal)
                && (!withExtensionComments || skipped.Contains(SqlIdentifier.ToName(entry.Name.AsSpan(OnExtension.Length)))),
            "TABLE DATA" or "SEQUENCE SET" => unfilled.Contains(Quote.Qualified(entry.Schema, entry.Name)),
            _ => false,
        };
    }

    private const string OnExtension = "EXTENSION ";
}
