using System.Text.Json;
using PgOps.Core.Common.Files;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// Reads a rules file (docs/masking.md): JSON, comments and trailing commas allowed. It is read strictly, and everything that is wrong
/// with it is named at once: a rule with a slip of the pen is a column that is not masked.
/// </summary>
internal static class MaskRules
{
    /// <summary>The format this PgOps knows.</summary>
    internal const string Format = "pgops-mask/1";

    private static readonly string[] Known = ["format", "columns"];

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The rules, one for a column.</returns>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or InvalidArgument with every problem.</exception>
    internal static async Task<IReadOnlyList<MaskRule>> LoadAsync(string path, CancellationToken cancellationToken)
    {
        var text = await UserJsonFile.ReadAsync(path, "The masking rules", "-Mask", "Nothing was restored.", cancellationToken)
            .ConfigureAwait(false);
        var problems = new List<string>();
        var rules = Parse(text, problems);
        return problems.Count == 0 ? rules : throw Refusal(path, problems, "Nothing was restored.");
    }

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="problems">Receives a sentence for each problem.</param>
    internal static IReadOnlyList<MaskRule> Parse(string text, List<string> problems)
        => UserJsonFile.Parse(text, Read, problems);

    /// <summary>The error that names every problem.</summary>
    internal static PgOpsException Refusal(string path, IReadOnlyList<string> problems, string state) => new(
        PgErrorCode.InvalidArgument,
        $"The masking rules {path} do not fit:\n  " + string.Join("\n  ", problems),
        state,
        "Correct the file; docs/masking.md describes it. Nothing is restored half-masked.");

    private static List<MaskRule> Read(JsonElement root, List<string> problems)
    {
        var rules = new List<MaskRule>();
        if (root.ValueKind != JsonValueKind.Object)
        {
            problems.Add("it is not an object");
            return rules;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            if (!seen.Add(property.Name))
            {
                problems.Add($"\"{property.Name}\" is there twice");
            }

            switch (property.Name)
            {
                case "format" when property.Value.ValueKind == JsonValueKind.String && property.Value.GetString() == Format:
                    break;
                case "columns" when property.Value.ValueKind == JsonValueKind.Object:
                    rules.AddRange(property.Value.EnumerateObject().Select(column => Rule(column, problems)).OfType<MaskRule>());
                    break;
                case "format" or "columns":
                    problems.Add(property.Name == "format" ? $"its format is not \"{Format}\"" : "\"columns\" is not an object");
                    break;
                default:
                    problems.Add($"\"{property.Name}\" is unknown; there are format and columns");
                    break;
            }
        }

        problems.AddRange(Known.Where(name => !seen.Contains(name)).Select(name => $"\"{name}\" is missing"));
        problems.AddRange(rules.GroupBy(rule => (rule.Schema, rule.Table, rule.Column)).Where(group => group.Count() > 1)
            .Select(group => $"{group.First()} has {group.Count()} rules"));
        if (rules.Count == 0 && problems.Count == 0)
        {
            problems.Add("it holds no rule");
        }

        return rules;
    }

    private static MaskRule? Rule(JsonProperty column, List<string> problems)
    {
        var found = problems.Count;
        var names = SqlIdentifier.Parts(column.Name);
        if (names.Count is not (2 or 3))
        {
            problems.Add($"\"{column.Name}\" is not schema.table.column or table.column, quoted as in SQL");
        }

        var (word, value, sql) = column.Value.ValueKind switch
        {
            JsonValueKind.String => (column.Value.GetString()!, default(JsonElement?), default(JsonElement?)),
            JsonValueKind.Object => Parts(column, problems),
            _ => ("", null, null),
        };
        if (!Enum.TryParse<MaskKind>(word, ignoreCase: true, out var kind)
            || !string.Equals(kind.ToString(), word, StringComparison.OrdinalIgnoreCase))
        {
            problems.Add($"{column.Name}: \"{word}\" is not a rule; there are "
                + string.Join(", ", Enum.GetNames<MaskKind>().Select(name => name.ToLowerInvariant())));
            return null;
        }

        if (value is null != (kind != MaskKind.Fixed))
        {
            problems.Add(kind == MaskKind.Fixed ? $"{column.Name}: fixed needs a \"value\"" : $"{column.Name}: only fixed has a \"value\"");
        }

        if (sql is null != (kind != MaskKind.Expression))
        {
            problems.Add(
                kind == MaskKind.Expression ? $"{column.Name}: expression needs \"sql\"" : $"{column.Name}: only expression has \"sql\"");
        }

        if (kind == MaskKind.Expression && sql is { } expression && !IsOneExpression(expression.GetString()!))
        {
            problems.Add($"{column.Name}: \"sql\" is not one expression: a parenthesis, a quote or a comment is not closed or closes too "
                + "much, or there is a semicolon");
        }

        return problems.Count > found
            ? null
            : new MaskRule(names.Count == 3 ? names[0] : "public", names[^2], names[^1], kind, Text(value ?? sql));
    }

    private static (string Word, JsonElement? Value, JsonElement? Sql) Parts(JsonProperty column, List<string> problems)
    {
        var parts = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var part in column.Value.EnumerateObject())
        {
            var fits = part.Name switch
            {
                "rule" or "sql" => part.Value.ValueKind == JsonValueKind.String,
                "value" =>
                    part.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False,
                _ => false,
            };
            if (!fits || !parts.TryAdd(part.Name, part.Value))
            {
                problems.Add(
                    $"{column.Name}: \"{part.Name}\" is unknown, there twice, or of the wrong kind; there are rule, value and sql");
            }
        }

        return (
            parts.TryGetValue("rule", out var rule) ? rule.GetString()! : "",
            parts.TryGetValue("value", out var value) ? value : null,
            parts.TryGetValue("sql", out var sql) ? sql : null);
    }

    // It stands in parentheses in the statement, and must not end them: what follows would be about columns that nobody sees in the rules.
    private static bool IsOneExpression(string sql)
    {
        var depth = 0;
        var count = 0;
        foreach (var token in new SqlTokenizer(sql))
        {
            var sign = token.Kind == SqlTokenKind.Punctuation ? token.In(sql)[0] : ' ';
            depth += sign switch { '(' => 1, ')' => -1, _ => 0 };
            count += token.Kind is SqlTokenKind.Comment or SqlTokenKind.End ? 0 : 1;
            if (depth < 0 || sign == ';' || !token.IsTerminated)
            {
                return false;
            }
        }

        return depth == 0 && count > 0;
    }

    private static string? Text(JsonElement? element) => element is { } value
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
        : null;
}
