using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>What the body of a procedure or of a DO block does with transactions, as far as its text tells.</summary>
internal static partial class RoutineBody
{
    /// <summary>The body that a DO or a CREATE PROCEDURE holds; null for every other statement, and for a body in plain SQL.</summary>
    internal static string? Of(SqlStatement statement)
        => statement.Keywords is ["DO", ..] || ProcedureOf(statement) is not null ? LastString(statement) : null;

    /// <summary>The procedure that a CREATE PROCEDURE makes, without its schema; null for every other statement.</summary>
    internal static string? ProcedureOf(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("CREATE"))
        {
            return null;
        }

        at.Accept("OR", "REPLACE");
        return at.Accept("PROCEDURE") ? at.AcceptName().LastOrDefault() : null;
    }

    /// <summary>The procedure that a CALL calls, without its schema; null for every other statement.</summary>
    internal static string? CalledBy(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        return at.Accept("CALL") ? at.AcceptName().LastOrDefault() : null;
    }

    /// <summary>Whether a PL/pgSQL body ends transactions: COMMIT or ROLLBACK as a statement of its own.</summary>
    internal static bool Commits(string body)
    {
        var ends = false;
        foreach (var token in new SqlTokenizer(body))
        {
            var text = token.In(body);
            if (ends && (text is ";" || text.Equals("AND", StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }

            ends = token.Kind == SqlTokenKind.Comment
                ? ends
                : token.Kind == SqlTokenKind.Word
                    && (text.Equals("COMMIT", StringComparison.OrdinalIgnoreCase)
                        || text.Equals("ROLLBACK", StringComparison.OrdinalIgnoreCase));
        }

        return false;
    }

    /// <summary>Whether a body in whatever language so much as speaks of it; ON COMMIT of a temporary table is something else.</summary>
    internal static bool MentionsCommit(string body) => CommitWord().IsMatch(body);

    /// <summary>The procedures that a PL/pgSQL body calls, without their schemas.</summary>
    internal static IReadOnlyList<string> Calls(string body)
    {
        var calls = new List<string>();
        var at = new SqlCursor(body);
        while (!at.AtEnd)
        {
            if (!at.Accept("CALL"))
            {
                at.Advance();
            }
            else if (at.AcceptName() is [.., var name])
            {
                calls.Add(name);
            }
        }

        return calls;
    }

    [GeneratedRegex(@"(?<!\bon\s+)\b(commit|rollback)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex CommitWord();

    private static string? LastString(SqlStatement statement)
    {
        string? body = null;
        foreach (var token in statement.Tokenize())
        {
            var text = token.In(statement.Span);
            if (token.Kind == SqlTokenKind.DollarString)
            {
                var tag = text[1..].IndexOf('$') + 2;
                return text[tag..^tag].ToString();
            }

            if (token.Kind == SqlTokenKind.String)
            {
                body = text[(text.IndexOf('\'') + 1)..^1].ToString().Replace("''", "'", StringComparison.Ordinal);
            }
        }

        return body;
    }
}
