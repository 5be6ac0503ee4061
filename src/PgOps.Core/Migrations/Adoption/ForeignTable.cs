namespace PgOps.Core.Migrations.Adoption;

/// <summary>The table in which another tool keeps its history.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Table">Its name.</param>
/// <param name="Database">The database.</param>
/// <param name="Name">The qualified name, quoted where it must be.</param>
internal sealed record ForeignTable(string Schema, string Table, string Database, string Name)
{
    /// <summary>The columns' names.</summary>
    internal IReadOnlySet<string> Columns { get; init; } = new HashSet<string>();

    /// <summary>Whether Rails' ar_internal_metadata lies in the same schema.</summary>
    internal bool BesideRailsMetadata { get; init; }

    /// <summary>Whether the role may read it.</summary>
    internal bool IsReadable { get; init; } = true;

    /// <summary>Whether policies choose the rows that the role sees: an empty answer would be no answer.</summary>
    internal bool HidesRows { get; init; }

    /// <summary>The role that works.</summary>
    internal string Role { get; init; } = "";

    /// <inheritdoc/>
    public override string ToString() => Name;
}
