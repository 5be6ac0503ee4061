namespace PgOps.Core.Migrations.Adoption;

/// <summary>One entry of another tool's history: what stands in the database by that tool's word.</summary>
internal sealed record ForeignMigration
{
    /// <summary>What finds its file, by <see cref="ForeignTool.KeyOf"/>: a version or a name.</summary>
    internal required string Key { get; init; }

    /// <summary>As the tool shows it.</summary>
    internal required string Title { get; init; }

    /// <summary>The recorded checksum in the tool's own spelling; null when it keeps none.</summary>
    internal string? Checksum { get; init; }

    internal DateTime? AppliedAt { get; init; }

    /// <summary>Whether it did not come to its end.</summary>
    internal bool Failed { get; init; }

    /// <summary>Whether it stands for every lower version too, of which the tool keeps no entries.</summary>
    internal bool CoversLower { get; init; }

    /// <summary>Whether it runs again when its file changes, so that a difference only makes it due.</summary>
    internal bool Repeatable { get; init; }

    /// <summary>Whether it is a mark that needs no file of its own.</summary>
    internal bool IsMark { get; init; }
}
