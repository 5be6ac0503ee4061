namespace PgOps.Core.Sql;

/// <summary>What a statement leaves in its session, and what of it has a meaning only within one transaction.</summary>
internal static class SqlSessionTraits
{
    private static readonly string[] SessionCalls =
    [
        "SET_CONFIG", "PG_ADVISORY_LOCK", "PG_ADVISORY_LOCK_SHARED", "PG_TRY_ADVISORY_LOCK", "PG_TRY_ADVISORY_LOCK_SHARED",
        "PG_ADVISORY_UNLOCK", "PG_ADVISORY_UNLOCK_SHARED", "PG_ADVISORY_UNLOCK_ALL",
    ];

    /// <summary>
    /// Why the statement means something only inside the transaction that it stands in: outside of one it does nothing, or something else,
    /// or fails.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <returns>The words that make it so; null when it needs no transaction around it.</returns>
    internal static string? TransactionScopeOf(SqlStatement statement)
    {
        switch (SqlStatementTraits.TransactionCommandOf(statement))
        {
            case TransactionCommand.Savepoint:
                return "SAVEPOINT";
            case TransactionCommand.Release:
                return "RELEASE SAVEPOINT";
            case TransactionCommand.RollbackTo:
                return "ROLLBACK TO SAVEPOINT";
        }

        var at = new SqlCursor(statement);
        if (at.Accept("SET"))
        {
            _ = at.Accept("SESSION");
            return at.At("LOCAL") ? "SET LOCAL"
                : at.At("CONSTRAINTS") ? "SET CONSTRAINTS"
                : at.At("TRANSACTION") || at.At("TRANSACTION_ISOLATION") || at.At("TRANSACTION_READ_ONLY")
                    || at.At("TRANSACTION_DEFERRABLE") ? "SET TRANSACTION"
                : null;
        }

        if (at.At("LOCK"))
        {
            return "LOCK TABLE";
        }

        return at.At("DECLARE") ? Holds(statement, "WITH", "HOLD") ? null : "a cursor without HOLD"
            : at.At("CREATE") && Holds(statement, "ON", "COMMIT") && !Holds(statement, "PRESERVE", "ROWS") ? "ON COMMIT"
            : at.At("DO") || at.At("CREATE") ? null
            : ScopeOfCalls(statement);
    }

    /// <summary>
    /// Whether the statement does nothing here: SET transaction_timeout = 0, which pg_dump 17 and newer write and older servers do not
    /// know. No session of PgOps has such a limit.
    /// </summary>
    /// <param name="statement">The statement.</param>
    internal static bool IsIdle(SqlStatement statement)
        => statement.Keywords is ["SET", ..] && SettingAssignment.In(statement) is [{ Name: "transaction_timeout", Value: "0" }];

    /// <summary>Whether the statement makes its own transaction one that cannot write.</summary>
    /// <param name="statement">The statement.</param>
    internal static bool MakesReadOnly(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        return at.Accept("SET") && ((at.Accept("LOCAL") && at.At("TRANSACTION_READ_ONLY")) || at.At("TRANSACTION_READ_ONLY")
                ? SettingAssignment.In(statement) is [{ Value: { } value }] && value.ToUpperInvariant() is "ON" or "TRUE" or "YES" or "1"
                : at.Accept("TRANSACTION") && Holds(statement, "READ", "ONLY"));
    }

    /// <summary>Whether the statement gives the session settings in a way that cannot be repeated by itself.</summary>
    /// <param name="statement">The statement.</param>
    internal static bool LeavesSettings(SqlStatement statement)
        => statement.Keywords is not ["SET" or "CREATE", ..] && !IsSessionState(statement)
            && SettingAssignment.In(statement).Any(setting => !setting.Local);

    /// <summary>Whether running the statement again does nothing but give a session the state that this one has.</summary>
    /// <param name="statement">The statement.</param>
    internal static bool IsSessionState(SqlStatement statement) => statement.Keywords switch
    {
        ["SET", "LOCAL" or "TRANSACTION" or "CONSTRAINTS", ..] => false,
        ["SET" or "RESET" or "LISTEN" or "UNLISTEN" or "LOAD", ..] => true,
        ["PREPARE", "TRANSACTION", ..] => false,
        ["PREPARE", ..] => true,
        ["SELECT", ..] => CallsOnlyForState(statement),
        _ => false,
    };

    /// <summary>What the statement makes that ends with its session and cannot be made again without doing its work twice.</summary>
    /// <param name="statement">The statement.</param>
    /// <returns>Its kind in words and its name; null when it makes nothing of the kind.</returns>
    internal static (string What, string Name)? LostObjectOf(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (statement.Span.Contains("seed", StringComparison.OrdinalIgnoreCase) && Mentions(statement, "setseed"))
        {
            // How many numbers were drawn since, nobody knows.
            return ("seed of", "random");
        }

        if (at.Accept("DECLARE"))
        {
            return at.AcceptName() is [.., var cursor] ? ("cursor", cursor) : null;
        }

        if (at.Accept("SELECT") || at.At("WITH"))
        {
            while (!at.AtEnd && !at.Accept("INTO"))
            {
                at.Advance();
            }
        }
        else if (!at.Accept("CREATE"))
        {
            return null;
        }

        _ = at.Accept("OR", "REPLACE");
        _ = at.Accept("GLOBAL") || at.Accept("LOCAL");
        var temporary = at.Accept("TEMP") || at.Accept("TEMPORARY");
        _ = at.Accept("RECURSIVE");
        var what = at.Accept("VIEW") ? "temporary view" : at.Accept("SEQUENCE") ? "temporary sequence" : "temporary table";
        _ = at.Accept("TABLE");
        _ = at.Accept("IF", "NOT", "EXISTS");
        var name = at.AcceptName();
        return name.Count > 0 && (temporary || name is ["pg_temp", _]) ? (what, name[^1]) : null;
    }

    /// <summary>Whether one of the statement's names is this one, or the code that it holds has the word.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="name">The name as the catalog has it.</param>
    internal static bool Mentions(SqlStatement statement, string name)
    {
        foreach (var token in statement.Tokenize())
        {
            if (token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier && SqlIdentifier.ToName(token.In(statement.Span)) == name)
            {
                return true;
            }
        }

        return RoutineBody.Of(statement)?.Contains(name, StringComparison.OrdinalIgnoreCase) == true;
    }

    /// <summary>The statement that PREPARE makes, or DEALLOCATE takes away.</summary>
    /// <param name="statement">The statement.</param>
    /// <returns>Its name, <c>ALL</c> for all; null when it is neither.</returns>
    internal static string? PreparedBy(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (at.Accept("DEALLOCATE"))
        {
            _ = at.Accept("PREPARE");
            return at.Accept("ALL") ? "ALL" : at.AcceptName().FirstOrDefault();
        }

        return at.Accept("PREPARE") && !at.At("TRANSACTION") ? at.AcceptName().FirstOrDefault() : null;
    }

    private static bool Holds(SqlStatement statement, string first, string second)
    {
        for (var at = new SqlCursor(statement); !at.AtEnd; at.Advance())
        {
            if (at.Accept(first, second))
            {
                return true;
            }
        }

        return false;
    }

    private static string? ScopeOfCalls(SqlStatement statement)
    {
        if (SettingAssignment.In(statement).Any(setting => setting.Local))
        {
            return "set_config(…, true)";
        }

        var select = statement.Keywords is ["SELECT", ..];
        var depth = 0;
        for (var at = new SqlCursor(statement); !at.AtEnd;)
        {
            if (at.AcceptSymbol("("))
            {
                depth++;
            }
            else if (at.AcceptSymbol(")"))
            {
                depth--;
            }
            else if (at.AcceptCall("pg_advisory_xact_lock") || at.AcceptCall("pg_advisory_xact_lock_shared")
                || at.AcceptCall("pg_try_advisory_xact_lock") || at.AcceptCall("pg_try_advisory_xact_lock_shared"))
            {
                return "pg_advisory_xact_lock";
            }
            else if (at.AcceptCall("lo_open"))
            {
                return "lo_open";
            }
            else if (at.AcceptCall("pg_export_snapshot"))
            {
                return "pg_export_snapshot";
            }
            else if (select && depth == 0 && at.Accept("FOR"))
            {
                if (at.At("UPDATE") || at.At("SHARE") || at.At("NO") || at.At("KEY"))
                {
                    return "SELECT … FOR UPDATE";
                }
            }
            else
            {
                at.Advance();
            }
        }

        return null;
    }

    /// <summary>SELECT set_config('a', 'b', false), pg_advisory_lock(1): calls with literals, and nothing that reads or writes.</summary>
    private static bool CallsOnlyForState(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        at.Accept("SELECT");
        do
        {
            var name = at.AcceptName();
            if (name.Count == 0 || !SessionCalls.Contains(name[^1], StringComparer.OrdinalIgnoreCase) || !at.AcceptSymbol("("))
            {
                return false;
            }

            while (!at.AcceptSymbol(")"))
            {
                if (at.AcceptText() is null && at.AcceptNumber() is null && at.AcceptBoolean() is null && !at.AcceptSymbol(",")
                    && !at.AcceptSymbol("::"))
                {
                    return false;
                }
            }
        }
        while (at.AcceptSymbol(",") || (at.Accept("AS") && at.AcceptName().Count > 0 && at.AcceptSymbol(",")));
        return at.AtEnd;
    }
}
