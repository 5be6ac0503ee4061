using System.Text;

namespace PgOps.Core.Reports;

/// <summary>Text and tables in GitHub's Markdown; whatever a name holds stays text.</summary>
internal static class MarkdownText
{
    private const string Special = "\\`*_{}[]()#+-!|~$:@";

    /// <summary>Text anywhere, in a table's cell too.</summary>
    internal static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            _ = text[i] switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                '\n' => escaped.Append("<br>"),
                var letter when Special.Contains(letter, StringComparison.Ordinal) && NeedsEscape(text, i) =>
                    escaped.Append('\\').Append(letter),
                var letter => escaped.Append(letter),
            };
        }

        return escaped.ToString();
    }

    /// <summary>A table.</summary>
    internal static string Table(IEnumerable<string> headers, IEnumerable<IEnumerable<string>> rows)
    {
        var titles = headers.ToList();
        var lines = new[] { Row(titles), Row(titles.Select(_ => "---")) }.Concat(rows.Select(Row));
        return string.Join('\n', lines) + "\n";
    }

    private static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    // What is harmless inside a word stays readable: 20:15, 2026-11-20, a (b).
    private static bool NeedsEscape(string text, int at) => text[at] switch
    {
        ':' or '-' or '+' or '(' or ')' or '@' or '!' => at == 0,
        _ => true,
    };
}
