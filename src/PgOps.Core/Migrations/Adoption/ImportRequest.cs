namespace PgOps.Core.Migrations.Adoption;

/// <summary>What to import and how.</summary>
public sealed record ImportRequest
{
    /// <summary>The database, the folder, the history's schema and the longest wait for another migrator.</summary>
    public required MigrationRequest Migrations { get; init; }

    /// <summary>The tool; null takes the one whose table is found.</summary>
    public PgMigrationTool? From { get; init; }

    /// <summary>The tool's table, as name or schema.name, where it is not the tool's usual one; null looks for that.</summary>
    public string? Table { get; init; }

    /// <summary>Import migrations whose files differ from what the tool applied; their rows say so.</summary>
    public bool AcceptChange { get; init; }

    /// <summary>
    /// Versions or names of applied migrations that are recorded on the tool's word alone: their files are gone, or no SQL.
    /// </summary>
    public IReadOnlyList<string> Skip { get; init; } = [];

    /// <summary>Why they are skipped; their rows say so.</summary>
    public string? SkipReason { get; init; }

    /// <summary>Take in what the tool did since an earlier import.</summary>
    public bool Update { get; init; }

    /// <summary>
    /// Whether both go on: PgOps takes in what the tool does, and keeps the tool's table. Null leaves it as an earlier import said, and
    /// is PgOps alone for the first.
    /// </summary>
    public bool? Beside { get; init; }
}
