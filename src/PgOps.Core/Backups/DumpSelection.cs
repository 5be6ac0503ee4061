namespace PgOps.Core.Backups;

/// <summary>
/// A part of a database, in pg_dump's own words. Names are its patterns (https://www.postgresql.org/docs/current/app-pgdump.html).
/// </summary>
public sealed record DumpSelection
{
    /// <summary>Schemas to dump; none means all.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>Schemas to leave out.</summary>
    public IReadOnlyList<string> ExcludedSchemas { get; init; } = [];

    /// <summary>Tables to dump, without what depends on them; none means all.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Tables to leave out.</summary>
    public IReadOnlyList<string> ExcludedTables { get; init; } = [];

    /// <summary>Tables whose rows are left out; their definitions are dumped.</summary>
    public IReadOnlyList<string> ExcludedTableData { get; init; } = [];

    /// <summary>Definitions only.</summary>
    public bool SchemaOnly { get; init; }

    /// <summary>Rows only.</summary>
    public bool DataOnly { get; init; }

    /// <summary>Leaves large objects out.</summary>
    public bool NoLargeObjects { get; init; }

    /// <summary>Whether everything is dumped: only that is a backup of the database.</summary>
    internal bool IsWhole => Words(0).Count == 0;

    /// <summary>Whether it names schemas or tables.</summary>
    internal bool HasNames
        => Schemas.Count + ExcludedSchemas.Count + Tables.Count + ExcludedTables.Count + ExcludedTableData.Count > 0;

    /// <summary>Whether the definition of every object is dumped.</summary>
    internal bool HoldsEveryObject => !DataOnly && Schemas.Count + ExcludedSchemas.Count + Tables.Count + ExcludedTables.Count == 0;

    /// <summary>The selection as pg_dump's arguments would say it; the manifest keeps them.</summary>
    /// <param name="toolMajor">pg_dump's major version.</param>
    internal IReadOnlyList<string> Words(int toolMajor) => Arguments(
        toolMajor,
        [
            .. Schemas.Select(pattern => "--schema=" + pattern),
            .. ExcludedSchemas.Select(pattern => "--exclude-schema=" + pattern),
            .. Tables.Select(pattern => "--table=" + pattern),
            .. ExcludedTables.Select(pattern => "--exclude-table=" + pattern),
            .. ExcludedTableData.Select(pattern => "--exclude-table-data=" + pattern),
        ]);

    /// <summary>pg_dump's arguments.</summary>
    /// <param name="toolMajor">pg_dump's major version.</param>
    /// <param name="names">Those that name schemas and tables.</param>
    internal IReadOnlyList<string> Arguments(int toolMajor, IEnumerable<string> names)
    {
        List<string> arguments = [.. names];
        if (Schemas.Count + Tables.Count > 0)
        {
            // A pattern that nothing fits is a mistake, not an empty backup.
            arguments.Add("--strict-names");
        }

        if (SchemaOnly)
        {
            arguments.Add("--schema-only");
        }

        if (DataOnly)
        {
            arguments.Add("--data-only");
        }

        if (NoLargeObjects)
        {
            arguments.Add(toolMajor >= 16 ? "--no-large-objects" : "--no-blobs");
        }

        return arguments;
    }

    /// <summary>Refuses what contradicts itself.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal void Check()
    {
        if (SchemaOnly && DataOnly)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "SchemaOnly and DataOnly leave nothing to dump.", "Nothing was written.", "Give one of them.");
        }

        if (Tables.Count > 0 && Schemas.Count + ExcludedSchemas.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "pg_dump takes the tables of -Table whatever their schema: -Schema and -ExcludeSchema would have no effect beside it.",
                "Nothing was written.",
                "Give the schema with the table, for example -Table 'sales.*', and leave tables out by -ExcludeTable.");
        }
    }
}
