using PgOps.Core.Common.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// The entries of an archive that selected schemas and tables are made of: the objects themselves, what belongs to them (rows, indexes,
/// constraints, triggers, policies, comments, grants, partitions) and what they need (types, functions, sequences, extensions, tables
/// under a view). A foreign key to a table that is not restored is left out, and named.
/// </summary>
internal sealed class TocSelection
{
    private readonly ArchiveToc _toc;
    private readonly HashSet<int> _ids = [];

    // What was asked for, and the partitions of it. A table that is only needed does not bring its other partitions.
    private readonly HashSet<int> _chosen = [];

    private TocSelection(ArchiveToc toc)
    {
        _toc = toc;
    }

    /// <summary>The numbers of the entries.</summary>
    internal IReadOnlySet<int> Ids => _ids;

    /// <summary>What belongs to a selected table and is left out.</summary>
    internal IReadOnlyList<string> LeftOut { get; private set; } = [];

    /// <summary>Tables that were not asked for and come along because others need them.</summary>
    internal IReadOnlyList<string> Along { get; private set; } = [];

    /// <summary>Selects.</summary>
    /// <param name="toc">The archive's contents.</param>
    /// <param name="schemas">Names of schemas, with * and ?.</param>
    /// <param name="tables">Names of tables, views and sequences with or without their schema, with * and ?.</param>
    /// <exception cref="PgOpsException">InvalidArgument, naming what nothing fits.</exception>
    internal static TocSelection Of(ArchiveToc toc, IReadOnlyList<string> schemas, IReadOnlyList<string> tables)
    {
        var selection = new TocSelection(toc);
        var unfit = schemas.Where(pattern => !selection.Choose(entry => FitsSchema(entry, pattern))).Select(pattern => $"schema {pattern}")
            .Concat(tables.Where(pattern => !selection.Choose(entry => FitsTable(entry, pattern))).Select(pattern => $"table {pattern}"))
            .ToList();
        if (unfit.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The backup holds no {string.Join(", no ", unfit)}.",
                "Nothing was restored.",
                $"{NamePattern.Advice}; a table's with or without its schema.");
        }

        selection.AddFrame();
        selection.AddWhatBelongs();
        selection.LeftOut = [.. toc.Entries.Where(selection.IsLeftOut).Select(entry => $"{entry.Name} ({entry.Kind.ToLowerInvariant()})")];
        selection.Along =
        [
            .. toc.Entries.Where(
                entry => entry.Kind == "TABLE" && selection._ids.Contains(entry.Id) && !selection._chosen.Contains(entry.Id))
                .Select(entry => $"{entry.Schema}.{entry.Name}"),
        ];
        return selection;
    }

    /// <summary>
    /// Takes all extensions along: on which one an exclusion constraint rests, pg_dump does not write into the table of contents.
    /// </summary>
    internal void AddExtensions()
    {
        foreach (var entry in _toc.Entries.Where(entry => entry.Kind == "EXTENSION"))
        {
            Add(entry);
        }
    }

    /// <summary>Whether a table or sequence is in it.</summary>
    internal bool Holds(string schema, string name)
    {
        _relations ??= _toc.Entries.Where(entry => entry.IsRelation && _ids.Contains(entry.Id)).Select(entry => (entry.Schema, entry.Name))
            .ToHashSet();
        return _relations.Contains((TocLine.Listed(schema), TocLine.Listed(name)));
    }

    private HashSet<(string Schema, string Name)>? _relations;

    /// <summary>The schemas that it puts something into.</summary>
    internal IReadOnlyList<string> Schemas => [.. _toc.Entries.Where(entry => entry.Schema != "-" && _ids.Contains(entry.Id))
        .Select(entry => entry.Schema).Distinct()];

    private static bool FitsSchema(TocEntry entry, string pattern) => entry.Kind == "SCHEMA"
        ? NamePattern.Fits(pattern, entry.Name)
        : NamePattern.Fits(pattern, entry.Schema);

    private static bool FitsTable(TocEntry entry, string pattern) => entry.IsRelation
        && (NamePattern.Fits(pattern, entry.Name)
            || NamePattern.Fits(pattern, $"{entry.Schema}.{entry.Name}"));

    private bool Choose(Func<TocEntry, bool> fits)
    {
        var any = false;
        foreach (var entry in _toc.Entries.Where(fits))
        {
            any = true;

            // What joins a table to another one comes by Belongs; publications are the database's.
            if (entry.Kind is not ("FK CONSTRAINT" or "TABLE ATTACH" or "INDEX ATTACH" or "PUBLICATION TABLE"
                or "PUBLICATION TABLES IN SCHEMA" or "SUBSCRIPTION TABLE"))
            {
                _chosen.Add(entry.Id);
                Add(entry);
            }
        }

        return any;
    }

    private void AddFrame()
    {
        foreach (var entry in _toc.Entries.Where(entry => entry.IsFrame))
        {
            _ids.Add(entry.Id);
        }
    }

    private void Add(TocEntry entry)
    {
        if (!_ids.Add(entry.Id))
        {
            return;
        }

        foreach (var needed in _toc.NeededBy(entry))
        {
            Add(needed);
        }
    }

    private void AddWhatBelongs()
    {
        for (var before = -1; before != _ids.Count;)
        {
            before = _ids.Count;
            foreach (var entry in _toc.Entries.Where(entry => !_ids.Contains(entry.Id)))
            {
                if (entry.Kind == "TABLE ATTACH" && Hosts(entry) is [var partition]
                    && _toc.NeededBy(entry).Any(one => one != partition && _chosen.Contains(one.Id)))
                {
                    _chosen.Add(partition.Id);
                    Add(partition);
                }

                if (Belongs(entry))
                {
                    Add(entry);
                }
            }
        }
    }

    private bool Belongs(TocEntry entry)
    {
        // The sequence behind an identity column needs its table and is a part of it; one behind a default is needed by it.
        var isIdentity = entry.Kind == "SEQUENCE" && _toc.NeededBy(entry).Any(one => one.Kind == "TABLE");
        if (entry.Needs.Count == 0 || (entry.IsRelation
            && !isIdentity) || entry.Kind is "FUNCTION" or "PROCEDURE" or "AGGREGATE" or "TYPE" or "DOMAIN" or "OPERATOR"
            or "OPERATOR CLASS" or "OPERATOR FAMILY" or "CAST" or "EXTENSION" or "EVENT TRIGGER" or "TRANSFORM" or "PUBLICATION"
            or "PUBLICATION TABLE" or "PUBLICATION TABLES IN SCHEMA" or "SUBSCRIPTION" or "SUBSCRIPTION TABLE"
            or "SERVER" or "USER MAPPING")
        {
            return false;
        }

        // Keys and partitions join two tables, and both must be there.
        var hosts = Hosts(entry);
        return entry.Kind is "FK CONSTRAINT" or "TABLE ATTACH" or "INDEX ATTACH" || hosts.Count == 0
            ? _toc.NeededBy(entry) is var needed && needed.Any() && needed.All(one => _ids.Contains(one.Id))
            : hosts.TrueForAll(host => _ids.Contains(host.Id));
    }

    /// <summary>The table whose part an entry is: among those it needs the one its name begins with, else all of them.</summary>
    private List<TocEntry> Hosts(TocEntry entry)
    {
        var relations = _toc.NeededBy(entry).Where(one => one.IsRelation).ToList();
        var named = relations.FindAll(one => one.Schema == entry.Schema
            && (entry.Name == one.Name || entry.Name.StartsWith(one.Name + " ", StringComparison.Ordinal)));
        return named.Count > 0 ? [named.MaxBy(one => one.Name.Length)!] : relations;
    }

    private bool IsLeftOut(TocEntry entry)
        => entry.Kind == "FK CONSTRAINT" && !_ids.Contains(entry.Id) && Hosts(entry).TrueForAll(host => _ids.Contains(host.Id));
}
