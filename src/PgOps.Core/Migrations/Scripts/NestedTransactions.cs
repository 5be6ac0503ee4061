using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Transactions that a script makes within itself, as Prisma writes them around a changed enum. In the one transaction of the
/// migration they come to the same end and are left out; where they might not, they stay, and are refused.
/// </summary>
internal static class NestedTransactions
{
    /// <summary>The statements without plain pairs of BEGIN and COMMIT.</summary>
    internal static IReadOnlyList<SqlStatement> LeaveOut(IReadOnlyList<SqlStatement> statements)
    {
        var kept = new List<SqlStatement>(statements.Count);
        var within = false;
        foreach (var statement in statements)
        {
            switch (SqlStatementTraits.TransactionCommandOf(statement))
            {
                case TransactionCommand.Begin when !within && IsPlain(statement):
                case TransactionCommand.Commit when within && IsPlain(statement):
                    within = !within;
                    break;
                case TransactionCommand.None when !EndsWithTransaction(statement):
                    kept.Add(statement);
                    break;
                default:
                    return statements;
            }
        }

        return within ? statements : kept;
    }

    private static bool IsPlain(SqlStatement statement)
        => statement.Keywords is ["BEGIN" or "COMMIT" or "END"] or ["BEGIN" or "COMMIT" or "END" or "START", "WORK" or "TRANSACTION"];

    /// <summary>Whether the statement's effect would last longer than the script means it to.</summary>
    private static bool EndsWithTransaction(SqlStatement statement)
        => statement.Keywords is ["SET", "LOCAL" or "TRANSACTION" or "CONSTRAINTS", ..];
}
