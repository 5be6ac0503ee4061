using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Kind and name of an object, for example index and public.orders_pkey.</summary>
internal readonly record struct ObjectName(string Kind, string Name)
{
    // A dot in their names is not a schema's, or another object's.
    private static readonly string[] OfTheDatabase =
    [
        "extension", "publication", "subscription", "event trigger", "foreign data wrapper", "foreign-data wrapper", "foreign server",
        "server",
        "user mapping", "cast", "transform", "language", "access method", "large object", "role",
    ];

    /// <summary>The schema that the object is in, or is; null for what belongs to the database as a whole.</summary>
    internal string? Schema => Kind switch
    {
        "schema" => SqlIdentifier.ToName(Name),

        // Told by the role, whose name is written as it is, and by a schema at the end.
        "default privileges" =>
            Name.LastIndexOf(" in ", StringComparison.Ordinal) is > 0 and var at ? SqlIdentifier.ToName(Name.AsSpan(at + 4)) : null,

        // Of another object, which is named with its kind.
        "owner" or "grants" or "comment" => Name.StartsWith("schema ", StringComparison.Ordinal)
            ? SqlIdentifier.ToName(Name.AsSpan("schema ".Length))
            : OfTheDatabase.Any(IsBefore) ? null : FirstQualifier(),
        _ => OfTheDatabase.Contains(Kind) ? null : FirstQualifier(),
    };

    private bool IsBefore(string kind) => Name.StartsWith(kind + " ", StringComparison.Ordinal);

    /// <summary>
    /// What stands before the first dot outside quotes: <c>public.orders</c>, <c>"own" on public.orders</c>, <c>table column
    /// public.orders.id</c>.
    /// </summary>
    private string? FirstQualifier()
    {
        var (start, quoted) = (0, false);
        for (var i = 0; i < Name.Length; i++)
        {
            switch (Name[i])
            {
                case '"':
                    quoted = !quoted;
                    break;
                case ' ' when !quoted:
                    start = i + 1;
                    break;
                case '.' when !quoted:
                    return SqlIdentifier.ToName(Name.AsSpan(start, i - start));
            }
        }

        return null;
    }
}
