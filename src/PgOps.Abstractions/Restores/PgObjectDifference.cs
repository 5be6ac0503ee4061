namespace PgOps;

/// <summary>How a schema object differs.</summary>
public enum PgObjectVerdict
{
    /// <summary>Only the reference has it.</summary>
    Missing,

    /// <summary>Only the difference side has it.</summary>
    Extra,

    /// <summary>Both have it, defined differently.</summary>
    Differs,
}

/// <summary>A schema object that is not the same on both sides.</summary>
public sealed record PgObjectDifference
{
    /// <summary>Kind, for example index, policy or grants.</summary>
    public required string Kind { get; init; }

    /// <summary>Full name.</summary>
    public required string Name { get; init; }

    /// <summary>How it differs.</summary>
    public required PgObjectVerdict Verdict { get; init; }

    /// <summary>
    /// Definition in the reference; null when it lacks the object, and for a backup whose manifest holds the hash alone (definitions of
    /// more than 1,000 characters, and all of an older PgOps).
    /// </summary>
    public string? ReferenceDefinition { get; init; }

    /// <summary>Definition on the other side; null as above.</summary>
    public string? DifferenceDefinition { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Name}: {Verdict switch
    {
        PgObjectVerdict.Missing => "missing",
        PgObjectVerdict.Extra => "not in the reference",
        _ => "defined differently",
    }}";
}
