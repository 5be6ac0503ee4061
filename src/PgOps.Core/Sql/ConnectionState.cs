using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>
/// What a statement leaves behind that no command takes back from a session: settings of a database or a role, which only a new
/// connection has; a loaded library; a setting of one's own, which RESET leaves empty instead of unknown; prepared statements, among
/// which are PgOps' own; the seed of random().
/// </summary>
internal static partial class ConnectionState
{
    /// <summary>
    /// The words that tell it, as a regular expression that means the same to .NET and to the server; the case does not matter.
    /// </summary>
    internal const string Words =
        @"(^|\W)(load|prepare|deallocate|discard|set_config|setseed|set\s+((session|local)\s+)?seed|alter\s+(database|role|user)|"
            + @"re?set\s+((session|local)\s+)?[\w""$]+\s*[.])";

    /// <summary>
    /// Finds what <see cref="MayBeLeftBy"/> finds in the code of the database's own routines, which any statement may call: by name, by
    /// a trigger, by a default. The parameter is <see cref="Words"/>.
    /// </summary>
    /// <param name="major">The server's major version.</param>
    internal static string RoutinesQuery(int major)
    {
        var code = major >= 14 ? "coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)" : "p.prosrc";
        return $"""
            SELECT EXISTS (
                SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                WHERE p.oid >= 16384 AND p.prokind <> 'a' AND l.lanname NOT IN ('c', 'internal') AND {code} ~* $1)
            """;
    }

    /// <summary>Whether a statement may leave such a thing: by what it is, or by what the code that it holds or makes says.</summary>
    /// <param name="statement">The statement.</param>
    /// <remarks>To think so wrongly costs a connection, no more.</remarks>
    internal static bool MayBeLeftBy(SqlStatement statement)
        => statement.Keywords is ["ALTER", "DATABASE" or "ROLE" or "USER", ..] or ["LOAD" or "PREPARE" or "DEALLOCATE" or "DISCARD", ..]
                or ["CREATE", "EXTENSION", ..]
            || SettingAssignment.In(statement).Any(setting => setting.Name.Contains('.', StringComparison.Ordinal))
            || InText().IsMatch(statement.Span);

    [GeneratedRegex(Words, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex InText();
}
