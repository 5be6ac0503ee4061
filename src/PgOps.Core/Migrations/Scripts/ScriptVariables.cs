using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Values for the placeholders <c>${name}</c> of scripts.</summary>
public sealed partial class ScriptVariables
{
    private readonly Dictionary<string, string> _values;
    private readonly bool _inDollarQuotes;

    /// <summary>No value for any placeholder, wherever it stands but in comments and data.</summary>
    internal static ScriptVariables None { get; } = new(new Dictionary<string, string>(), inDollarQuotes: true);

    /// <param name="values">The values by name; names are told apart by case.</param>
    /// <param name="inDollarQuotes">Whether placeholders inside dollar quotes are replaced too.</param>
    public ScriptVariables(IReadOnlyDictionary<string, string> values, bool inDollarQuotes = false)
    {
        _values = new Dictionary<string, string>(values, StringComparer.Ordinal);
        _inDollarQuotes = inDollarQuotes;
    }

    /// <summary>
    /// Replaces placeholders in statements, string literals included; comments and inline COPY data are left as they are.
    /// </summary>
    /// <param name="text">The script's text.</param>
    /// <param name="unknown">Makes the error for a placeholder without value: its name and offset.</param>
    /// <returns>The text to run, and where its parts come from.</returns>
    internal (string Text, PlaceMap Places) Replace(string text, Func<string, int, PgOpsException> unknown)
    {
        var marks = text.Contains("${", StringComparison.Ordinal) ? Placeholder().Matches(text) : null;
        if (marks is null or { Count: 0 })
        {
            return (text, PlaceMap.Same);
        }

        var kept = Kept(text);
        var result = new StringBuilder(text.Length);
        var places = new PlaceMap();
        var next = 0;
        foreach (var mark in marks.Where(mark => !kept.Exists(span => mark.Index >= span.Start && mark.Index < span.End)))
        {
            var name = mark.Groups["name"].Value;
            var value = _values.GetValueOrDefault(name) ?? throw unknown(name, mark.Index);
            result.Append(text, next, mark.Index - next);
            places.Add(result.Length, value.Length, mark.Index, mark.Length);
            result.Append(value);
            next = mark.Index + mark.Length;
        }

        return (result.Append(text, next, text.Length - next).ToString(), places);
    }

    /// <summary>Where nothing is replaced: comments, COPY data, and dollar quotes unless asked for.</summary>
    private List<(int Start, int End)> Kept(string text)
    {
        // With a word of the same length in its place, a placeholder does not hide what a statement is: COPY ${table} FROM stdin.
        text = Placeholder().Replace(text, mark => new string('x', mark.Length));
        var kept = new List<(int Start, int End)>();
        var tokens = new SqlTokenizer(text);
        var data = SqlScript.Parse(text).Statements.Where(statement => statement.CopyData is not null)
            .Select(statement => statement.CopyData!.Value).ToList();
        var copy = 0;
        while (tokens.MoveNext())
        {
            var token = tokens.Current;
            if (copy < data.Count && token.Offset >= data[copy].Offset)
            {
                var end = data[copy].Offset + data[copy].Length;
                kept.Add((data[copy].Offset, end));
                tokens.Position = end;
                copy++;
            }
            else if (token.Kind == SqlTokenKind.Comment || (token.Kind == SqlTokenKind.DollarString && !_inDollarQuotes))
            {
                kept.Add((token.Offset, token.End));
            }
        }

        return kept;
    }

    [GeneratedRegex(@"\$\{(?<name>[^{}\s]+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
