using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Values for the placeholders <c>${name}</c> of scripts.</summary>
public sealed partial class ScriptVariables
{
    private const int ShortSecret = 3;

    private readonly Dictionary<string, string> _values;
    private readonly HashSet<string> _secrets;
    private readonly bool _inDollarQuotes;

    /// <param name="values">The values by name; names are told apart by case.</param>
    /// <param name="inDollarQuotes">Whether placeholders inside dollar quotes are replaced too.</param>
    /// <param name="secrets">The names whose values must not show; null for none.</param>
    public ScriptVariables(
        IReadOnlyDictionary<string, string> values, bool inDollarQuotes = false, IEnumerable<string>? secrets = null)
    {
        _values = new Dictionary<string, string>(values, StringComparer.Ordinal);
        _inDollarQuotes = inDollarQuotes;
        _secrets = new HashSet<string>(secrets ?? [], StringComparer.Ordinal);
    }

    /// <summary>What looks like a placeholder is text, and stays.</summary>
    public static ScriptVariables AsWritten { get; } = new(new Dictionary<string, string>());

    /// <summary>No value for any placeholder.</summary>
    internal static ScriptVariables None { get; } = new(new Dictionary<string, string>());

    /// <summary>No value for any placeholder, those in dollar quotes among them.</summary>
    internal static ScriptVariables NoneAnywhere { get; } = new(new Dictionary<string, string>(), inDollarQuotes: true);

    /// <summary>The text with the name of a secret in the place of its value, wherever that stands.</summary>
    /// <param name="text">What will be shown or kept.</param>
    internal string Hide(string text)
    {
        var secrets = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in _secrets.Where(name => _values.GetValueOrDefault(name) is { Length: > 0 }))
        {
            foreach (var form in Forms(_values[name]))
            {
                _ = secrets.TryAdd(form, name);
            }
        }

        // In one pass, the longest first: neither a name nor what is hidden already is looked through for another value.
        return secrets.Count == 0
            ? text
            : Regex.Replace(
                text, string.Join('|', secrets.Keys.OrderByDescending(form => form.Length).Select(Pattern)),
                match => $"${{{secrets[match.Value]}}}", RegexOptions.CultureInvariant);
    }

    /// <summary>
    /// A value that is almost no secret, as short as it is, is hidden where it stands alone: every message has an a in it.
    /// </summary>
    private static string Pattern(string form)
        => form.Length > ShortSecret ? Regex.Escape(form) : $@"(?<!\w){Regex.Escape(form)}(?!\w)";

    /// <summary>A value as it is given, as a string holds it, and as the server says it when it was given for one.</summary>
    private static HashSet<string> Forms(string value)
        => [value, value.Replace("'", "''", StringComparison.Ordinal), value.Replace("''", "'", StringComparison.Ordinal)];

    /// <summary>
    /// Replaces placeholders in statements, string literals included; comments and inline COPY data are left as they are.
    /// </summary>
    /// <param name="text">The script's text.</param>
    /// <param name="unknown">Makes the error for a placeholder without value: its name and offset.</param>
    /// <returns>The text to run, and where its parts come from.</returns>
    internal (string Text, PlaceMap Places) Replace(string text, Func<string, int, PgOpsException> unknown)
    {
        var marks = this != AsWritten && text.Contains("${", StringComparison.Ordinal) ? Placeholder().Matches(text) : null;
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
