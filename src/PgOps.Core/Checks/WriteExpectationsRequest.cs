namespace PgOps.Core.Checks;

/// <summary>What a file of expectations is written from; either of <see cref="Target"/> and <see cref="Manifest"/>.</summary>
public sealed record WriteExpectationsRequest
{
    /// <summary>The live database; null when a manifest is given.</summary>
    public PgTarget? Target { get; init; }

    /// <summary>The manifest of a backup; null when a database is given.</summary>
    public PgBackupManifest? Manifest { get; init; }

    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>Replaces a file that is there.</summary>
    public bool Force { get; init; }

    /// <summary>Names of schemas, with * and ?; empty takes all.</summary>
    public IReadOnlyList<string> Schemas { get; init => field = value.ToArray(); } = [];

    /// <summary>Names of tables and views, with or without their schema, with * and ?; empty takes all.</summary>
    public IReadOnlyList<string> Tables { get; init => field = value.ToArray(); } = [];

    /// <summary>Schemas that are left out.</summary>
    public IReadOnlyList<string> ExcludedSchemas { get; init => field = value.ToArray(); } = [];

    /// <summary>Tables and views that are left out.</summary>
    public IReadOnlyList<string> ExcludedTables { get; init => field = value.ToArray(); } = [];
}
