using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PgOps.Core.Checks.User;

/// <summary>The JSON of an answer, held against what a probe expects of it. It says which member is wrong, and shows no secret.</summary>
internal sealed class ProbeAnswer
{
    private const int ShownLetters = 80;

    private readonly HttpProbe _probe;
    private readonly ProbeValues _values;

    internal ProbeAnswer(HttpProbe probe, ProbeValues values)
    {
        _probe = probe;
        _values = values;
    }

    /// <summary>Looks at an answer's body, and keeps from it what later requests need.</summary>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    internal string? Read(ReadOnlyMemory<byte> body, string? mediaType)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            return $"the answer is not JSON{(mediaType is null ? "" : $" but {_values.Hide(mediaType)}")}";
        }

        using (document)
        {
            var problems = _probe.ExpectJson.Select(one => Problem(one.Key, one.Value, Find(document.RootElement, one.Key)))
                .Concat(_probe.Save.Select(one => Save(one.Key, (string)one.Value!, document.RootElement)))
                .OfType<string>().ToList();
            return problems.Count == 0 ? null : string.Join("; ", problems);
        }
    }

    private string? Save(string name, string path, JsonElement root)
    {
        var found = Find(root, path);
        var text = found is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Object or JsonValueKind.Array) } one ? Text(one) : "";
        if (text.Length == 0)
        {
            return $"{path} was to be saved as {name}, and {(found is { } other ? What(other) : "is missing")}";
        }

        _values.Save(name, text);
        return null;
    }

    private string? Problem(string path, object? expected, JsonElement? found)
    {
        if (expected is null)
        {
            return found is null or { ValueKind: JsonValueKind.Null } ? null : $"{path} {Shown(path, found.Value)}, and null was expected";
        }

        return found is not { } value ? $"{path} is missing"
            : IsAsExpected(expected, value) ? null
            : expected is PgSecret ? $"{path} is not as expected"
            : $"{path} {Shown(path, value)}, and {Words(expected)} was expected";
    }

    private bool IsAsExpected(object expected, JsonElement found) => expected switch
    {
        bool truth => found.ValueKind == (truth ? JsonValueKind.True : JsonValueKind.False),
        PgSecret secret => found.ValueKind == JsonValueKind.String && found.GetString() == secret.Reveal(),
        // Nothing is not just anything: a token without a letter is none.
        "*" => !(found.ValueKind == JsonValueKind.Null || (found.ValueKind == JsonValueKind.String && found.GetString()!.Length == 0)),
        string pattern => found.ValueKind is not (JsonValueKind.Null or JsonValueKind.Object or JsonValueKind.Array)
            && Regex.IsMatch(Text(found), $@"\A(?:{_values.Fill(pattern, Regex.Escape, Wildcards)})\z", Options),
        _ => found.ValueKind == JsonValueKind.Number && IsNumber(expected, found),
    };

    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant;

    private static string Wildcards(string text)
        => Regex.Escape(text).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal);

    private static bool IsNumber(object expected, JsonElement found)
        => expected is float or double || !found.TryGetDecimal(out var exact)
            ? found.GetDouble().Equals(Convert.ToDouble(expected, CultureInfo.InvariantCulture))
            : exact == Convert.ToDecimal(expected, CultureInfo.InvariantCulture);

    private string Shown(string path, JsonElement found)
    {
        if (found.ValueKind is JsonValueKind.Null or JsonValueKind.Object or JsonValueKind.Array)
        {
            return What(found);
        }

        var text = Text(found);
        return ProbeValues.IsSecret(path) || _probe.Save.Any(one => path.Equals(one.Value))
            ? "is another value"
            : text.Length == 0 ? What(found)
            : $"is {_values.Hide(text.Length > ShownLetters ? text[..ShownLetters] + "…" : text)}";
    }

    private static string What(JsonElement found) => found.ValueKind switch
    {
        JsonValueKind.Null => "is null",
        JsonValueKind.Object => "is an object",
        JsonValueKind.Array => "is a list",
        _ => "is empty",
    };

    private string Words(object expected) => expected switch
    {
        bool truth => truth ? "true" : "false",
        "*" => "a value",
        _ => _values.Hide(Convert.ToString(expected, CultureInfo.InvariantCulture)!),
    };

    private static string Text(JsonElement found) => found.ValueKind == JsonValueKind.String ? found.GetString()! : found.GetRawText();

    /// <summary>A member by its path: names with dots between them, numbers in lists. A name may hold a dot itself.</summary>
    private static JsonElement? Find(JsonElement at, string path)
    {
        if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(path, out var whole))
        {
            return whole;
        }

        if (at.ValueKind == JsonValueKind.Array && Item(at, path) is { } item)
        {
            return item;
        }

        for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = path.IndexOf('.', dot + 1))
        {
            var below = at.ValueKind == JsonValueKind.Array ? Item(at, path[..dot])
                : at.ValueKind == JsonValueKind.Object && at.TryGetProperty(path[..dot], out var member) ? member
                : null;
            if (below is { } next && Find(next, path[(dot + 1)..]) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static JsonElement? Item(JsonElement list, string number)
        => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.GetArrayLength()
            ? list[index]
            : null;
}
