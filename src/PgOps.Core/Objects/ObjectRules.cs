namespace PgOps.Core.Objects;

/// <summary>What of the schema objects is to be equal.</summary>
internal sealed record ObjectRules
{
    /// <summary>Everything: two databases, or two manifests.</summary>
    internal static ObjectRules Same { get; } = new();

    /// <summary>All that pg_dump carries over.</summary>
    internal static ObjectRules Restored { get; } = new() { AsDumped = true };

    /// <summary>
    /// Whether the difference side was restored: invalid indexes are not dumped, an extension comes in the version the server has, and
    /// a schema public is there from the beginning.
    /// </summary>
    internal bool AsDumped { get; init; }

    /// <summary>Whether owners were left out.</summary>
    internal bool NoOwner { get; init; }

    /// <summary>Whether grants were left out.</summary>
    internal bool NoPrivileges { get; init; }

    /// <summary>Why the object is not compared at all; null when it is.</summary>
    internal string? Excuse(string kind) => kind switch
    {
        "owner" when NoOwner => "owners were left out",
        "grants" or "default privileges" when NoPrivileges => "grants were left out",

        // A role that now owns what it was granted before has the same rights in other words.
        "grants" when NoOwner => "owners were left out, and grants are told beside them",
        _ => null,
    };
}
