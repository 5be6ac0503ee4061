using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Transactions that a script makes within itself. A single one, as Prisma writes it around a changed enum, comes to the same end in the
/// one transaction of the migration and is left out. Several are what their author meant, and run as real transactions, each with its
/// progress recorded in it; so does one that would come to another end, or stands in a file that cannot run in a transaction.
/// </summary>
internal static class NestedTransactions
{
    /// <summary>The script's own transactions: the numbers of BEGIN and of COMMIT. None where a command of one stands alone.</summary>
    internal static IReadOnlyDictionary<int, int> In(IReadOnlyList<SqlStatement> statements)
    {
        var transactions = new Dictionary<int, int>();
        var begin = -1;
        for (var index = 0; index < statements.Count; index++)
        {
            switch (SqlStatementTraits.TransactionCommandOf(statements[index]))
            {
                case TransactionCommand.Begin when begin < 0:
                    begin = index;
                    break;
                case TransactionCommand.Commit when begin >= 0 && IsPlain(statements[index]):
                    transactions.Add(begin, index);
                    begin = -1;
                    break;
                case TransactionCommand.Begin or TransactionCommand.Commit or TransactionCommand.Rollback
                    or TransactionCommand.PrepareTransaction:
                    return new Dictionary<int, int>();
            }
        }

        return begin < 0 ? transactions : new Dictionary<int, int>();
    }

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

    /// <summary>The modes that a BEGIN asks for, as <c>ISOLATION LEVEL SERIALIZABLE</c>; empty when it asks for none.</summary>
    /// <param name="begin">BEGIN or START TRANSACTION.</param>
    internal static string ModesOf(SqlStatement begin)
    {
        var words = new List<string>();
        foreach (var token in begin.Tokenize())
        {
            if (token.Kind != SqlTokenKind.Comment)
            {
                words.Add(token.In(begin.Span).ToString().ToUpperInvariant());
            }
        }

        return string.Join(' ', words.Skip(1).SkipWhile(word => word is "WORK" or "TRANSACTION"));
    }

    /// <summary>What is wrong with the modes of a transaction that PgOps makes in a file's stead.</summary>
    /// <param name="begin">The file's BEGIN.</param>
    /// <param name="modes">Its modes.</param>
    /// <param name="transactional">Whether one transaction will hold the file.</param>
    internal static IEnumerable<(int Offset, string Message, string NextStep)> ProblemsOf(
        SqlStatement begin, string modes, bool transactional)
    {
        if (modes.Length > 0 && !transactional)
        {
            yield return (
                begin.Offset,
                $"{modes}: the file runs statement by statement, so no transaction of its own has these modes",
                "leave the modes out, or give what cannot run in a transaction a migration of its own");
        }
        else if (modes.Contains("READ ONLY", StringComparison.Ordinal))
        {
            yield return (
                begin.Offset, "READ ONLY: a migration is recorded in its own transaction, which therefore has to write", "leave it out");
        }
    }

    private static bool IsPlain(SqlStatement statement)
        => statement.Keywords is ["BEGIN" or "COMMIT" or "END"] or ["BEGIN" or "COMMIT" or "END" or "START", "WORK" or "TRANSACTION"];

    /// <summary>Whether the statement's effect would last longer than the script means it to.</summary>
    private static bool EndsWithTransaction(SqlStatement statement)
        => statement.Keywords is ["SET", "LOCAL" or "TRANSACTION" or "CONSTRAINTS", ..];
}
