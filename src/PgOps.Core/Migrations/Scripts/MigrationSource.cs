namespace PgOps.Core.Migrations.Scripts;

/// <summary>The reader of one shape: it takes the entries of a folder that are its own.</summary>
internal abstract class MigrationSource
{
    private readonly List<MigrationFile> _files = [];
    private readonly List<string> _strays = [];
    private readonly List<string> _passedOver = [];

    /// <summary>The shape that it reads.</summary>
    internal abstract MigrationShape Shape { get; }

    /// <summary>What its entries are, in words, as in "Prisma folders such as …".</summary>
    internal abstract string Kind { get; }

    /// <summary>The migrations found.</summary>
    internal List<MigrationFile> Files => _files;

    /// <summary>Scripts to run again whenever they change.</summary>
    internal virtual IReadOnlyList<MigrationFile> Repeatables => [];

    /// <summary>Entries that look like this shape's and cannot be read, each with the reason.</summary>
    internal IReadOnlyList<string> Strays => _strays;

    /// <summary>Entries that do nothing here, as with the tool, each with the reason.</summary>
    internal IReadOnlyList<string> PassedOver => _passedOver;

    /// <summary>Whether plain numbered files are migrations of this shape too.</summary>
    internal virtual bool TakesPlainFiles => false;

    /// <summary>The name of the first entry taken; null when there was none.</summary>
    internal string? FirstEntry { get; private set; }

    /// <summary>Takes an entry if it is of this shape.</summary>
    internal bool Offer(SourceEntry entry)
    {
        var taken = Take(entry);
        if (taken && (FirstEntry is null || string.CompareOrdinal(entry.Name, FirstEntry) < 0))
        {
            FirstEntry = entry.Name;
        }

        return taken;
    }

    /// <summary>Does what can be done only once every entry was offered.</summary>
    internal virtual void Complete()
    {
    }

    /// <summary>Takes an entry if it is of this shape.</summary>
    /// <returns>Whether it is.</returns>
    protected abstract bool Take(SourceEntry entry);

    /// <summary>Names an entry that must not be passed over.</summary>
    protected void Stray(string entry, string reason) => _strays.Add($"{entry} ({reason})");

    /// <summary>Names an entry that does nothing.</summary>
    protected void PassOver(string entry, string reason) => _passedOver.Add($"{entry} ({reason})");
}
