using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Checks;

/// <summary>Makes expectations of a list of schema objects: each table and view with its columns, their types, and its policies.</summary>
internal sealed partial class ExpectedCatalog
{
    private static readonly string[] TableKinds = ["table", "foreign table", "view", "materialized view"];

    private readonly Dictionary<string, Dictionary<string, string?>> _columns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _policies = new(StringComparer.Ordinal);
    private readonly HashSet<string> _secured = new(StringComparer.Ordinal);

    private ExpectedCatalog(ObjectInventory inventory)
    {
        foreach (var name in inventory.Objects.Keys.Where(one => TableKinds.Contains(one.Kind)))
        {
            _columns[name.Name] = new(StringComparer.Ordinal);
            _policies[name.Name] = [];
        }

        foreach (var (name, one) in inventory.Objects)
        {
            switch (name.Kind)
            {
                case "column" when TableOf(name.Name) is { } table:
                    _columns[table][SqlIdentifier.ToName(name.Name.AsSpan(table.Length + 1))] = TypeIn(one.Definition);
                    break;
                case "policy" when PolicyOf(name.Name) is var (policy, table):
                    _policies[table].Add(SqlIdentifier.ToName(policy));
                    break;
                case "row security" when one.Definition?.StartsWith("ENABLED", StringComparison.Ordinal) == true:
                    _ = _secured.Add(name.Name);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>The tables and views in their order by name.</summary>
    internal static List<ExpectedTable> Of(ObjectInventory inventory)
    {
        var catalog = new ExpectedCatalog(inventory);
        return catalog._columns.Keys.Select(catalog.Table)
            .OrderBy(table => table.Schema, StringComparer.Ordinal).ThenBy(table => table.Name, StringComparer.Ordinal).ToList();
    }

    private ExpectedTable Table(string name)
    {
        var parts = SqlIdentifier.Parts(name);
        return new ExpectedTable(
            parts[0], parts[1],
            _columns[name].OrderBy(column => column.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal),
            [.. _policies[name].Order(StringComparer.Ordinal)],
            _secured.Contains(name) ? true : null);
    }

    /// <summary>The table that a column is of; null for a composite type's.</summary>
    private string? TableOf(string column)
    {
        for (var dot = column.LastIndexOf('.'); dot > 0; dot = column.LastIndexOf('.', dot - 1))
        {
            if (_columns.ContainsKey(column[..dot]))
            {
                return column[..dot];
            }
        }

        return null;
    }

    private (string Policy, string Table)? PolicyOf(string name)
    {
        for (var on = name.IndexOf(" on ", StringComparison.Ordinal); on > 0; on = name.IndexOf(" on ", on + 1, StringComparison.Ordinal))
        {
            if (_columns.ContainsKey(name[(on + 4)..]))
            {
                return (name[..on], name[(on + 4)..]);
            }
        }

        return null;
    }

    /// <summary>
    /// The type that a column's definition begins with. Null where it cannot be told from what follows: options of a foreign table's
    /// column have no word before them.
    /// </summary>
    private static string? TypeIn(string? definition)
        => definition is not null && Type().Match(definition) is { Success: true } match ? match.Groups["type"].Value : null;

    // Words of a type are in small letters or quoted (timestamp(3) with time zone, public."My Type"[]); what follows begins in capitals.
    [GeneratedRegex(
        """
        \A(?<type>
          (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:\.(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*(?:\([^()]*\))?
          (?:\ (?:varying|precision|with|without|time|zone|year|month|day|hour|minute|second|to)\b(?:\([^()]*\))?)*
          (?:\[\])*
        )
        (?:\ (?:COLLATE|NOT\ NULL|IDENTITY|STORED|VIRTUAL|DEFAULT|STORAGE|COMPRESSION|STATISTICS|WITH)\b.*|\ at\ [0-9]+)?\z
        """,
        RegexOptions.CultureInvariant | RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Type();
}
