using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>What an archive's definitions expect of the server, read from the statements that pg_restore would run.</summary>
internal sealed class ArchiveNeeds
{
    private readonly SortedSet<string> _owners = new(StringComparer.Ordinal);

    // Roles that are granted something, or grant it.
    private readonly SortedSet<string> _grantees = new(StringComparer.Ordinal);

    // Roles in policies and user mappings, which are there with or without owners and grants.
    private readonly SortedSet<string> _others = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _tablespaces = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _collations = new(StringComparer.Ordinal);

    /// <summary>Roles that own something.</summary>
    internal IReadOnlyCollection<string> Owners => _owners;

    /// <summary>Tablespaces.</summary>
    internal IReadOnlyCollection<string> Tablespaces => _tablespaces;

    /// <summary>Collations that the server must bring along: those of pg_catalog.</summary>
    internal IReadOnlyCollection<string> Collations => _collations;

    /// <summary>Reads statements.</summary>
    internal static ArchiveNeeds Of(IEnumerable<SqlStatement> statements)
    {
        var needs = new ArchiveNeeds();
        foreach (var statement in statements)
        {
            needs.Read(statement);
        }

        return needs;
    }

    /// <summary>The roles needed.</summary>
    internal IEnumerable<string> Roles(bool noOwner, bool noPrivileges)
        => _others.Concat(noOwner ? [] : _owners).Concat(noPrivileges ? [] : _grantees);

    private void Read(SqlStatement statement)
    {
        var keywords = statement.Keywords;
        var roles = keywords switch
        {
            ["ALTER", "DEFAULT", "PRIVILEGES", ..] or ["GRANT" or "REVOKE" or "SET", ..] => _grantees,
            ["ALTER", ..] => _owners,
            _ => _others,
        };
        roles.UnionWith(RoleNames.Of(statement));
        if (keywords is ["SET", "DEFAULT_TABLESPACE", ..])
        {
            var cursor = new SqlCursor(statement);
            cursor.Advance();
            cursor.Advance();
            _ = cursor.AcceptSymbol("=");
            _tablespaces.UnionWith(cursor.AcceptName());
        }
        else if (keywords is ["CREATE" or "ALTER", ..] && statement.Span.Contains("pg_catalog", StringComparison.Ordinal))
        {
            ReadCollations(statement);
        }
    }

    private void ReadCollations(SqlStatement statement)
    {
        for (var cursor = new SqlCursor(statement); !cursor.AtEnd;)
        {
            if (!cursor.Accept("COLLATE"))
            {
                cursor.Advance();
            }
            else if (cursor.AcceptName() is ["pg_catalog", var collation])
            {
                _collations.Add(collation);
            }
        }
    }
}
