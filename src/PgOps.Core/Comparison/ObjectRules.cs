using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Comparison;

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

    /// <summary>Whether no rows were restored, and so no materialized view was filled.</summary>
    internal bool Unfilled { get; init; }

    /// <summary>Whether owners were left out.</summary>
    internal bool NoOwner { get; init; }

    /// <summary>Whether grants were left out.</summary>
    internal bool NoPrivileges { get; init; }

    /// <summary>Which role took the place of which; null when all stayed.</summary>
    internal RoleMap? Roles { get; init; }

    /// <summary>Extensions that were left out.</summary>
    internal IReadOnlyCollection<string> SkippedExtensions { get; init; } = [];

    /// <summary>Whether only a part was restored: what is missing was left out on purpose.</summary>
    internal bool Partial { get; init; }

    /// <summary>What was there before the restore, and is none of its business.</summary>
    internal IReadOnlySet<ObjectName> Before { get; init; } = new HashSet<ObjectName>();

    /// <summary>Which schemas' objects are left out on request.</summary>
    internal Func<string, bool> LeavesOut { get; init; } = _ => false;

    /// <summary>Whether an object is in a schema that is left out.</summary>
    internal bool IsLeftOut(ObjectName name) => name.Schema is { } schema && LeavesOut(schema);

    /// <summary>Why an object may be missing; null when it may not.</summary>
    internal string? ExcuseMissing(ObjectName name)
        => name.Kind == "extension" && SkippedExtensions.Contains(SqlIdentifier.ToName(name.Name)) ? $"left out: extension {name.Name}"
            : Partial ? "only a part was restored: whether more than that is missing is not looked at"
            : null;

    /// <summary>Whether two definitions differ only in their roles, which were mapped.</summary>
    internal bool IsMapped(ObjectName name, SchemaObject reference, SchemaObject difference)
        => Roles is not null && name.Kind == "owner"
            && Roles.ReplacedBy(difference.Definition ?? "").Any(role => SchemaObject.Of(role, false).Is(reference));

    /// <summary>Whether two definitions of a materialized view differ only in what the restore of definitions alone leaves empty.</summary>
    internal bool IsUnfilled(ObjectName name, SchemaObject reference, SchemaObject difference)
        => Unfilled && name.Kind == "materialized view" && difference.Definition is { } definition
            && SchemaObject.Of(definition.Replace("WITH NO DATA ", "", StringComparison.Ordinal), true).Is(reference);

    /// <summary>Why definitions that differ cannot be compared; null when they can.</summary>
    internal string? ExcuseDifference(string kind, SchemaObject difference)
        => kind is "grants" or "policy" && Roles?.IsNamedIn(difference.Definition) == true ? "not compared where roles were mapped" : null;

    /// <summary>Why the object is not compared at all; null when it is.</summary>
    internal string? Excuse(string kind) => kind switch
    {
        "default privileges" or "user mapping" when Roles is not null => "told by role, and roles were mapped",
        "owner" when NoOwner => "owners were left out",
        "grants" or "default privileges" when NoPrivileges => "grants were left out",

        // A role that now owns what it was granted before has the same rights in other words.
        "grants" when NoOwner => "owners were left out, and grants are told beside them",
        _ => null,
    };
}
