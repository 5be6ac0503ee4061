using System.Text;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// Names that a query's printed form gives to columns that nobody can name: those of the second and later parts of a UNION, INTERSECT or
/// EXCEPT, and those of a query within an expression. A column without a name is shown without one at first, and once restored with the
/// one that the parser makes up (<c>SELECT NULL::integer</c>, then <c>SELECT NULL::integer AS int4</c>). What is compared has none.
/// </summary>
internal static class SelectAliases
{
    /// <summary>Leaves such names out.</summary>
    /// <param name="text">A definition as the server writes it.</param>
    internal static string LeaveOut(string text)
    {
        StringBuilder? rest = null;
        var copied = 0;
        var queries = new Stack<Query>();
        var query = new Query { HasName = true };
        var (before, last) = ("", default(SqlToken));
        var tokens = new SqlTokenizer(text);
        while (tokens.MoveNext())
        {
            var token = tokens.Current;
            if (token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier && query.IsNameless && before == "AS")
            {
                rest ??= new StringBuilder(text.Length);
                rest.Append(text.AsSpan(copied, last.Offset - copied).TrimEnd(' '));
                copied = token.End;
                before = "";
                continue;
            }

            before = WordOf(token, text);
            last = token;
            switch (before)
            {
                case "(":
                    queries.Push(query);
                    query = query.Open();
                    break;
                case ")":
                    query = queries.TryPop(out var outer) ? outer : new Query { HasName = true };
                    query.Follow(before);
                    break;
                default:
                    query.Follow(before);
                    break;
            }
        }

        return rest is null ? text : rest.Append(text, copied, text.Length - copied).ToString();
    }

    private static string WordOf(SqlToken token, string text) => token.Kind switch
    {
        SqlTokenKind.Word => token.In(text).ToString().ToUpperInvariant(),
        SqlTokenKind.Punctuation => token.In(text).ToString(),
        _ => "",
    };

    /// <summary>What is known at one depth of parentheses.</summary>
    private sealed class Query
    {
        private string _before = "";
        private bool _isInList;
        private bool _isFrom;
        private bool _branchNext;

        /// <summary>Whether somebody sees the columns' names: those of a view, of a query in FROM, of a WITH's.</summary>
        internal bool HasName { get; set; }

        /// <summary>Whether this is a later part of a UNION.</summary>
        internal bool IsLater { get; set; }

        /// <summary>Whether the columns at hand have no name for anybody.</summary>
        internal bool IsNameless => _isInList && (IsLater || !HasName);

        /// <summary>The parenthesis that opens here. One that begins a text or follows another is what that one is.</summary>
        internal Query Open() => _before.Length == 0
            ? new Query { HasName = HasName, IsLater = IsLater }
            : new Query
            {
                HasName = _before is "LATERAL" or "JOIN" or "AS" or "MATERIALIZED" || (_isFrom && _before is "FROM" or ","),
                IsLater = _branchNext,
            };

        internal void Follow(string word)
        {
            switch (word)
            {
                case "SELECT":
                    (_isInList, _isFrom) = (true, false);
                    break;
                case "FROM" when _isInList:
                    (_isInList, _isFrom) = (false, true);
                    break;
                case "WHERE" or "GROUP" or "HAVING" or "ORDER" or "LIMIT" or "OFFSET" or "FETCH" or "WINDOW" or "FOR":
                    (_isInList, _isFrom) = (false, false);
                    break;
                case "UNION" or "INTERSECT" or "EXCEPT":
                    (_isInList, _isFrom, IsLater) = (false, false, true);
                    break;
                case ";":
                    (_isInList, _isFrom, IsLater) = (false, false, false);
                    break;
                case "DO" or "ATOMIC" when word == "DO" || _before == "BEGIN":
                    // A rule's and a function's own statements.
                    HasName = false;
                    break;
                default:
                    break;
            }

            _branchNext = word is "UNION" or "INTERSECT" or "EXCEPT" || (_branchNext && word is "ALL");
            _before = word.Length == 0 ? "…" : word;
        }
    }
}
