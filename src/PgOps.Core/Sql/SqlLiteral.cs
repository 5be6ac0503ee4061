using System.Text;

namespace PgOps.Core.Sql;

/// <summary>
/// String literals as the server reads them (https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS).
/// </summary>
internal static class SqlLiteral
{
    /// <summary>
    /// The text of <c>'...'</c>, of <c>E'...'</c> with those escapes that stand for the character behind the backslash, as pg_dump writes
    /// them, and of a dollar-quoted literal.
    /// </summary>
    /// <param name="token">The literal in SQL.</param>
    internal static string ToText(ReadOnlySpan<char> token)
    {
        if (token[0] == '$')
        {
            var delimiter = token[1..].IndexOf('$') + 2;
            return token[delimiter..^delimiter].ToString();
        }

        var escapes = token[0] is 'e' or 'E';
        var body = token[(token.IndexOf('\'') + 1)..^1];
        var text = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length; i++)
        {
            i += (body[i] == '\'' || (escapes && body[i] == '\\')) && i + 1 < body.Length ? 1 : 0;
            text.Append(body[i]);
        }

        return text.ToString();
    }
}
