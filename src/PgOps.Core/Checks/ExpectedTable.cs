using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Checks;

/// <summary>A table or view that must be there.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Columns">Columns that must be there, with their types; null where any type will do.</param>
/// <param name="Policies">Policies that must be there.</param>
/// <param name="RowSecurity">Whether row-level security must be on or off; null where that does not matter.</param>
internal sealed partial record ExpectedTable(
    string Schema, string Name, IReadOnlyDictionary<string, string?> Columns, IReadOnlyList<string> Policies, bool? RowSecurity)
{
    /// <summary>Its full name, quoted where it must be.</summary>
    internal string FullName => $"{Shown(Schema)}.{Shown(Name)}";

    /// <summary>A name, quoted where it must be.</summary>
    internal static string Shown(string name) => Plain().IsMatch(name) ? name : Quote.Identifier(name);

    [GeneratedRegex("^[a-z_][a-z0-9_$]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Plain();
}
