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
