namespace PgOps.Core.Sql;

/// <summary>A command that works in several transactions of its own, so that its interruption leaves something half done.</summary>
/// <param name="Kind">INDEX, TABLE, SCHEMA, DATABASE or SYSTEM; of a detachment PARTITION.</param>
/// <param name="Name">What it works on, as the script writes it but quoted; null when none is given.</param>
/// <param name="Parent">Of a detachment: the partitioned table.</param>
internal sealed record ConcurrentCommand(string Kind, string? Name, string? Parent = null)
{
    /// <summary>The index that a DROP INDEX CONCURRENTLY drops; null for every other statement.</summary>
    internal static ConcurrentCommand? DropIndex(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("DROP", "INDEX", "CONCURRENTLY"))
        {
            return null;
        }

        at.Accept("IF", "EXISTS");
        return new ConcurrentCommand("INDEX", NameAt(ref at));
    }

    /// <summary>What a REINDEX … CONCURRENTLY rebuilds; null for every other statement.</summary>
    internal static ConcurrentCommand? Reindex(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("REINDEX"))
        {
            return null;
        }

        at.AcceptParentheses();
        at.Accept("VERBOSE");
        foreach (var kind in (string[])["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"])
        {
            if (at.Accept(kind))
            {
                var concurrently = at.Accept("CONCURRENTLY") || SqlStatementTraits.RefusesTransactionBlock(statement);
                return concurrently ? new ConcurrentCommand(kind, NameAt(ref at)) : null;
            }
        }

        return null;
    }

    /// <summary>The partition that an ALTER TABLE … DETACH PARTITION … CONCURRENTLY detaches; null for every other statement.</summary>
    internal static ConcurrentCommand? Detach(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("ALTER", "TABLE"))
        {
            return null;
        }

        at.Accept("IF", "EXISTS");
        at.Accept("ONLY");
        return NameAt(ref at) is { } parent && at.Accept("DETACH", "PARTITION") && NameAt(ref at) is { } partition && at.At("CONCURRENTLY")
            ? new ConcurrentCommand("PARTITION", partition, parent)
            : null;
    }

    private static string? NameAt(ref SqlCursor at)
    {
        var parts = at.AcceptName();
        return parts.Count == 0 ? null : string.Join('.', parts.Select(Quote.Identifier));
    }
}
