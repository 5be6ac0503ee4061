using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// Finds the roles in the statements in which pg_dump names roles: OWNER TO, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, CREATE POLICY,
/// CREATE USER MAPPING and SET SESSION AUTHORIZATION. The words that lead to a role are reserved or stand where no name can, so a
/// name that looks like one is quoted; what stands in parentheses is passed over.
/// </summary>
internal static class RoleNames
{
    /// <summary>The tokens that name a role, in their order; PUBLIC and CURRENT_USER are not names.</summary>
    internal static IReadOnlyList<SqlToken> In(SqlStatement statement)
    {
        if (statement.Keywords is not ["GRANT" or "REVOKE" or "ALTER" or "CREATE" or "SET", ..])
        {
            return [];
        }

        var (tokens, words) = Outer(statement);
        var found = new List<SqlToken>();
        for (var i = 1; i < tokens.Count - 1; i++)
        {
            if (!Leads(words, i))
            {
                continue;
            }

            do
            {
                i++;
                if (tokens[i].Kind is SqlTokenKind.QuotedIdentifier or SqlTokenKind.Word && !IsWord(statement, tokens[i]))
                {
                    found.Add(tokens[i]);
                }

                i++;
            }
            while (i < tokens.Count - 1 && words[i] == ",");
            i--;
        }

        return found;
    }

    /// <summary>The names as the catalog holds them.</summary>
    internal static IEnumerable<string> Of(SqlStatement statement)
        => In(statement).Select(token => SqlIdentifier.ToName(token.In(statement.Span))).ToList();

    private static bool Leads(List<string> words, int at) => (words[0], words[at]) switch
    {
        ("GRANT", "TO") or ("REVOKE", "FROM") => true,
        ("ALTER", "TO") => words[at - 1] == "OWNER" || words[1] == "DEFAULT",
        ("ALTER", "FROM") => words[1] == "DEFAULT",
        ("ALTER", "ROLE" or "USER") => words[1] == "DEFAULT" && words[at - 1] == "FOR",
        ("CREATE", "TO") => words[1] == "POLICY",
        ("CREATE", "FOR") => words[1] == "USER" && words[at - 1] == "MAPPING",
        ("SET", "AUTHORIZATION") => at == 2 && words[1] == "SESSION",
        _ => false,
    };

    /// <summary>The tokens outside parentheses, and the keywords and commas among them.</summary>
    private static (List<SqlToken> Tokens, List<string> Words) Outer(SqlStatement statement)
    {
        var text = statement.Span;
        var tokens = new List<SqlToken>();
        var words = new List<string>();
        var depth = 0;
        foreach (var token in statement.Tokenize())
        {
            if (token.Kind == SqlTokenKind.Comment)
            {
                continue;
            }

            var word = token.Kind is SqlTokenKind.Word or SqlTokenKind.Punctuation ? token.In(text).ToString().ToUpperInvariant() : "";
            depth -= word == ")" ? 1 : 0;
            if (depth == 0)
            {
                tokens.Add(token);
                words.Add(word);
            }

            depth += word == "(" ? 1 : 0;
        }

        // So that a look ahead is safe.
        tokens.Add(new SqlToken(SqlTokenKind.End, text.Length, 0));
        words.Add("");
        return (tokens, words);
    }

    // "public" is everybody even in quotes; the others are words only without them.
    private static bool IsWord(SqlStatement statement, SqlToken token)
        => SqlIdentifier.ToName(token.In(statement.Span)) is var name
            && (name == "public"
                || (token.Kind == SqlTokenKind.Word && name is "current_user" or "session_user" or "current_role" or "default"));
}
