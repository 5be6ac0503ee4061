using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// A file that drops a table which it has created: a table for the work in between, or the undo section of a tool whose marks nobody here
/// knows. It is for a person to say which.
/// </summary>
internal static class SelfUndoing
{
    /// <summary>The first such table, and the line where it is dropped; null when there is none.</summary>
    internal static (string Table, int Line)? In(MigrationScript script)
    {
        var made = new HashSet<string>(StringComparer.Ordinal);
        foreach (var statement in script.Statements)
        {
            var at = new SqlCursor(statement);
            if (at.Accept("CREATE"))
            {
                _ = at.Accept("UNLOGGED");
                if (at.Accept("TABLE"))
                {
                    _ = at.Accept("IF", "NOT", "EXISTS");
                    made.UnionWith(at.AcceptName().TakeLast(1));
                }
            }
            else if (made.Count > 0 && at.Accept("DROP", "TABLE"))
            {
                _ = at.Accept("IF", "EXISTS");
                do
                {
                    if (at.AcceptName() is [.., var table] && made.Contains(table))
                    {
                        return (table, script.ExcerptAt(statement.Offset).Line);
                    }
                }
                while (at.AcceptSymbol(","));
            }
        }

        return null;
    }
}
