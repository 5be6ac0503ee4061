using System.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Which role takes the place of which (-MapRole).</summary>
internal sealed class RoleMap
{
    private readonly IReadOnlyDictionary<string, string> _map;

    /// <param name="map">New names by old ones, as the catalog holds them.</param>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal RoleMap(IReadOnlyDictionary<string, string> map)
    {
        _map = map;
        foreach (var name in map.Keys.Concat(map.Values))
        {
            if (name.Length == 0 || name is "public" or "PUBLIC" or "none" || Encoding.UTF8.GetByteCount(name) > 63)
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    $"\"{name}\" is not a role that can be mapped.",
                    "Nothing was restored.",
                    "Give the names of roles as the catalog holds them, for example -MapRole @{ 'old owner' = 'new_owner' }.");
            }
        }
    }

    /// <summary>Whether every role stays as it is.</summary>
    internal bool IsEmpty => _map.Count == 0;

    /// <summary>The role that takes the place of one.</summary>
    internal string this[string role] => _map.GetValueOrDefault(role, role);

    /// <summary>The roles whose place one takes.</summary>
    internal IEnumerable<string> ReplacedBy(string role) => _map.Where(pair => pair.Value == role).Select(pair => pair.Key);

    /// <summary>Whether a definition as the server writes it names one of the new roles.</summary>
    internal bool IsNamedIn(string? definition)
        => definition is not null && _map.Values.Any(name => definition.Contains(name, StringComparison.Ordinal));

    /// <summary>A statement with the new names in the place of the old ones.</summary>
    internal string Rewrite(SqlStatement statement)
    {
        var text = new StringBuilder();
        var done = 0;
        foreach (var token in RoleNames.In(statement))
        {
            var name = SqlIdentifier.ToName(token.In(statement.Span));
            text.Append(statement.Span[done..token.Offset])
                .Append(_map.ContainsKey(name) ? Quote.Identifier(this[name]) : statement.Text[token.Offset..token.End]);
            done = token.End;
        }

        return text.Append(statement.Span[done..]).ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", _map.Select(pair => $"{pair.Key} as {pair.Value}"));
}
