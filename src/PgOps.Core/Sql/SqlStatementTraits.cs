namespace PgOps.Core.Sql;

/// <summary>What a statement's first tokens tell about how it must be run.</summary>
internal static class SqlStatementTraits
{
    /// <summary>
    /// Whether the server refuses the statement within a transaction block (PreventInTransactionBlock in its sources). Some cases
    /// depend on the catalog and are not seen here: CLUSTER and REINDEX of a partitioned table, CALL of a procedure that commits. DROP
    /// SUBSCRIPTION counts, though it is allowed for a subscription without a slot.
    /// </summary>
    /// <param name="statement">The statement.</param>
    public static bool RefusesTransactionBlock(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var at = new SqlCursor(statement);
        if (at.Accept("CREATE"))
        {
            return at.At("DATABASE") || at.At("TABLESPACE") || AcceptIndexConcurrently(ref at)
                || (at.Accept("SUBSCRIPTION") && !HasOptionOff(ref at, "CONNECT", "CREATE_SLOT"));
        }

        if (at.Accept("DROP"))
        {
            return at.At("DATABASE") || at.At("TABLESPACE") || at.At("SUBSCRIPTION") || at.Accept("INDEX", "CONCURRENTLY");
        }

        if (at.Accept("ALTER"))
        {
            return AlterRefusesTransactionBlock(ref at);
        }

        if (at.Accept("REINDEX"))
        {
            return ReindexRefusesTransactionBlock(ref at);
        }

        if (at.Accept("CLUSTER"))
        {
            _ = at.AcceptParentheses() || at.Accept("VERBOSE");
            return at.AtEnd;
        }

        return (at.At("DO") && RoutineBody.Of(statement) is { } body && RoutineBody.Commits(body))
            || at.At("VACUUM") || at.Accept("DISCARD", "ALL") || at.Accept("COMMIT", "PREPARED") || at.Accept("ROLLBACK", "PREPARED");
    }

    /// <summary>Which transaction command the statement is. COMMIT PREPARED and ROLLBACK PREPARED are none: they end another's.</summary>
    /// <param name="statement">The statement.</param>
    public static TransactionCommand TransactionCommandOf(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var at = new SqlCursor(statement);
        if (at.Accept("BEGIN") || at.Accept("START", "TRANSACTION"))
        {
            return TransactionCommand.Begin;
        }

        if (at.Accept("COMMIT") || at.Accept("END"))
        {
            return at.At("PREPARED") ? TransactionCommand.None : TransactionCommand.Commit;
        }

        if (at.Accept("ROLLBACK") || at.Accept("ABORT"))
        {
            _ = at.Accept("WORK") || at.Accept("TRANSACTION");
            return at.At("PREPARED") ? TransactionCommand.None
                : at.At("TO") ? TransactionCommand.RollbackTo
                : TransactionCommand.Rollback;
        }

        return at.At("SAVEPOINT") ? TransactionCommand.Savepoint
            : at.At("RELEASE") ? TransactionCommand.Release
            : at.Accept("PREPARE", "TRANSACTION") ? TransactionCommand.PrepareTransaction
            : TransactionCommand.None;
    }

    /// <summary>Whether the statement runs code that may commit on its own. Inside a transaction block the server forbids that.</summary>
    /// <param name="statement">The statement.</param>
    /// <returns>Whether it is a CALL or a DO.</returns>
    public static bool RunsCode(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return statement.Keywords is ["CALL" or "DO", ..];
    }

    /// <summary>Whether the statement is of a kind that does the same when it is run again.</summary>
    /// <param name="statement">The statement.</param>
    public static bool IsRepeatable(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return statement.Keywords is ["VACUUM" or "REINDEX" or "CLUSTER" or "DISCARD", ..] or ["ALTER", "SYSTEM", ..];
    }

    /// <summary>
    /// Whether the statement waits for its locks without standing in the way of those who read and write: one that works CONCURRENTLY, and
    /// a plain VACUUM.
    /// </summary>
    /// <param name="statement">The statement.</param>
    public static bool WaitsHarmlessly(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return statement.Keywords switch
        {
            ["VACUUM", ..] => !statement.Keywords.Contains("FULL"),
            ["CREATE" or "DROP" or "REINDEX" or "ALTER", ..] => Holds(statement, "CONCURRENTLY"),
            _ => false,
        };
    }

    /// <summary>Whether the statement creates or drops a whole database.</summary>
    /// <param name="statement">The statement.</param>
    public static bool IsDatabaseLevel(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var at = new SqlCursor(statement);
        return at.Accept("CREATE", "DATABASE") || at.Accept("DROP", "DATABASE");
    }

    /// <summary>The index that the statement builds concurrently.</summary>
    /// <param name="statement">The statement.</param>
    /// <returns>Null when the statement is not a CREATE INDEX CONCURRENTLY.</returns>
    public static ConcurrentIndex? ConcurrentIndexOf(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var at = new SqlCursor(statement);
        if (!at.Accept("CREATE") || !AcceptIndexConcurrently(ref at))
        {
            return null;
        }

        var ifNotExists = at.Accept("IF", "NOT", "EXISTS");
        string? name = null;
        if (!at.At("ON"))
        {
            name = at.AcceptName().LastOrDefault();
        }

        if (!at.Accept("ON"))
        {
            return null;
        }

        at.Accept("ONLY");
        return at.AcceptName() switch
        {
            [.., var schema, var table] => new ConcurrentIndex(schema, name, table, ifNotExists),
            [var table] => new ConcurrentIndex(null, name, table, ifNotExists),
            _ => null,
        };
    }

    /// <summary>Whether the statement reads inline data: COPY table FROM STDIN. The grammar takes STDOUT for the same there.</summary>
    /// <param name="statement">The statement.</param>
    public static bool CopiesFromStdin(SqlStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var at = new SqlCursor(statement);
        if (!at.Accept("COPY"))
        {
            return false;
        }

        at.Accept("BINARY");
        if (at.AcceptName().Count == 0)
        {
            return false;
        }

        at.AcceptParentheses();
        return at.Accept("FROM") && (at.At("STDIN") || at.At("STDOUT"));
    }

    /// <summary>
    /// Why a COPY needs a client of its own: it gives rows to the client, or reads data from it that no text can hold.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <returns>The words that make it so; null where the server does it alone, or the data may stand in the file.</returns>
    internal static string? CopyForAClient(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("COPY"))
        {
            return null;
        }

        var binary = at.Accept("BINARY");
        if (!at.AcceptParentheses())
        {
            _ = at.AcceptName();
            at.AcceptParentheses();
        }

        if (at.Accept("TO"))
        {
            return at.At("STDOUT") || at.At("STDIN") ? "COPY … TO STDOUT" : null;
        }

        if (!at.Accept("FROM") || !(at.Accept("STDIN") || at.Accept("STDOUT")))
        {
            return null;
        }

        while (!binary && !at.AtEnd)
        {
            binary = at.Accept("BINARY") || at.AcceptText()?.Equals("binary", StringComparison.OrdinalIgnoreCase) == true;
            if (!binary && !at.AtEnd)
            {
                at.Advance();
            }
        }

        return binary ? "COPY … FROM STDIN in binary form" : null;
    }

    private static bool Holds(SqlStatement statement, string keyword)
    {
        var at = new SqlCursor(statement);
        while (!at.AtEnd && !at.At(keyword))
        {
            at.Advance();
        }

        return !at.AtEnd;
    }

    private static bool AcceptIndexConcurrently(ref SqlCursor at)
    {
        at.Accept("UNIQUE");
        return at.Accept("INDEX", "CONCURRENTLY");
    }

    private static bool AlterRefusesTransactionBlock(ref SqlCursor at)
    {
        if (at.Accept("SYSTEM"))
        {
            return true;
        }

        if (at.Accept("DATABASE"))
        {
            at.AcceptName();
            return at.Accept("SET", "TABLESPACE");
        }

        if (at.Accept("SUBSCRIPTION"))
        {
            at.AcceptName();
            return at.Accept("REFRESH")
                || ((at.Accept("SET", "PUBLICATION") || at.Accept("ADD", "PUBLICATION") || at.Accept("DROP", "PUBLICATION"))
                    && !HasOptionOff(ref at, "REFRESH"));
        }

        if (at.Accept("TABLE"))
        {
            at.Accept("IF", "EXISTS");
            at.Accept("ONLY");
            at.AcceptName();
            if (at.Accept("DETACH", "PARTITION"))
            {
                at.AcceptName();
                return at.At("CONCURRENTLY");
            }
        }

        return false;
    }

    private static bool ReindexRefusesTransactionBlock(ref SqlCursor at)
    {
        if (at.AcceptSymbol("("))
        {
            while (!at.AtEnd && !at.AcceptSymbol(")"))
            {
                if (at.Accept("CONCURRENTLY"))
                {
                    if (at.AcceptBoolean() ?? true)
                    {
                        return true;
                    }
                }
                else
                {
                    at.Advance();
                }
            }
        }

        at.Accept("VERBOSE");
        if (at.At("DATABASE") || at.At("SYSTEM") || at.At("SCHEMA"))
        {
            return true;
        }

        at.Advance();
        return at.At("CONCURRENTLY");
    }

    /// <summary>Whether one of these options is switched off, as in <c>WITH (connect = false)</c>.</summary>
    private static bool HasOptionOff(ref SqlCursor at, params string[] options)
    {
        for (; !at.AtEnd; at.Advance())
        {
            foreach (var option in options)
            {
                if (at.Accept(option) && at.AcceptSymbol("=") && at.AcceptBoolean() == false)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
