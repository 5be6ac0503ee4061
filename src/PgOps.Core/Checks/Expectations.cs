using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PgOps.Core.Common.Files;
using PgOps.Core.Sql;

namespace PgOps.Core.Checks;

/// <summary>
/// Reads a file of expectations (docs/expectations.md): JSON, comments and trailing commas allowed. It is read strictly, and everything
/// that is wrong with it is named at once: an expectation with a slip of the pen is a fault that is not seen.
/// </summary>
internal static class Expectations
{
    /// <summary>The format this PgOps knows.</summary>
    internal const string Format = "pgops-expectations/1";

    private static readonly JsonWriterOptions Readable =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a file.</summary>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or InvalidArgument with every problem.</exception>
    internal static async Task<IReadOnlyList<ExpectedTable>> LoadAsync(string path, CancellationToken cancellationToken)
    {
        var text = await UserJsonFile.ReadAsync(path, "The expectations", "-Expectations", "Nothing was tested.", cancellationToken)
            .ConfigureAwait(false);
        var problems = new List<string>();
        var tables = Parse(text, problems);
        return problems.Count == 0 ? tables : throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"The expectations {path} cannot be understood:\n  " + string.Join("\n  ", problems),
            "Nothing was tested.",
            "Correct the file; docs/expectations.md describes it.");
    }

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="problems">Receives a sentence for each problem.</param>
    internal static IReadOnlyList<ExpectedTable> Parse(string text, List<string> problems)
        => UserJsonFile.Parse(text, Read, problems);

    /// <summary>A file's text, which <see cref="Parse"/> reads as the same tables.</summary>
    internal static string Write(IEnumerable<ExpectedTable> tables)
    {
        using var memory = new MemoryStream();
        using (var file = new Utf8JsonWriter(memory, Readable))
        {
            file.WriteStartObject();
            file.WriteString("format", Format);
            file.WriteStartObject("tables");
            foreach (var table in tables)
            {
                Write(file, table);
            }

            file.WriteEndObject();
            file.WriteEndObject();
        }

        return Encoding.UTF8.GetString(memory.ToArray()).ReplaceLineEndings("\n") + "\n";
    }

    private static void Write(Utf8JsonWriter file, ExpectedTable table)
    {
        file.WriteStartObject(table.FullName);
        if (table.Columns.Count > 0)
        {
            file.WriteStartObject("columns");
            foreach (var (name, type) in table.Columns)
            {
                file.WriteString(ExpectedTable.Shown(name), type);
            }

            file.WriteEndObject();
        }

        if (table.Policies.Count > 0)
        {
            file.WriteStartArray("policies");
            foreach (var policy in table.Policies)
            {
                file.WriteStringValue(ExpectedTable.Shown(policy));
            }

            file.WriteEndArray();
        }

        if (table.RowSecurity is { } rowSecurity)
        {
            file.WriteBoolean("rowSecurity", rowSecurity);
        }

        file.WriteEndObject();
    }

    private static List<ExpectedTable> Read(JsonElement root, List<string> problems)
    {
        var members = Members(root, "the file", ["format", "tables"], problems);
        if (!members.TryGetValue("format", out var format) || format.ValueKind != JsonValueKind.String || format.GetString() != Format)
        {
            problems.Add($"its format is not \"{Format}\"");
        }

        if (!members.TryGetValue("tables", out var tables) || tables.ValueKind != JsonValueKind.Object)
        {
            problems.Add("\"tables\" is missing, or no object");
            return [];
        }

        var read = tables.EnumerateObject().Select(table => Table(table, problems)).OfType<ExpectedTable>().ToList();
        problems.AddRange(read.GroupBy(table => (table.Schema, table.Name)).Where(same => same.Count() > 1)
            .Select(same => $"{same.Key.Schema}.{same.Key.Name} is there twice"));
        if (read.Count == 0 && problems.Count == 0)
        {
            problems.Add("it expects nothing");
        }

        return read;
    }

    private static ExpectedTable? Table(JsonProperty table, List<string> problems)
    {
        var names = SqlIdentifier.Parts(table.Name);
        if (names.Count is not (1 or 2))
        {
            problems.Add($"\"{table.Name}\" is not schema.table or table, quoted as in SQL");
            return null;
        }

        var members = Members(table.Value, table.Name, ["columns", "policies", "rowSecurity"], problems);
        var rowSecurity = members.TryGetValue("rowSecurity", out var given) ? given.ValueKind : JsonValueKind.Null;
        if (rowSecurity is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
        {
            problems.Add($"{table.Name}: \"rowSecurity\" is not true or false");
        }

        return new ExpectedTable(
            names.Count == 2 ? names[0] : "public",
            names[^1],
            members.TryGetValue("columns", out var columns) ? Columns(table.Name, columns, problems) : new Dictionary<string, string?>(),
            members.TryGetValue("policies", out var policies) ? Names(table.Name, "policies", policies, problems) : [],
            rowSecurity == JsonValueKind.Null ? null : rowSecurity == JsonValueKind.True);
    }

    private static Dictionary<string, string?> Columns(string table, JsonElement columns, List<string> problems)
    {
        if (columns.ValueKind != JsonValueKind.Object)
        {
            return Names(table, "columns", columns, problems).Distinct()
                .ToDictionary(name => name, string? (_) => null, StringComparer.Ordinal);
        }

        var read = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var column in columns.EnumerateObject())
        {
            var name = SqlIdentifier.Parts(column.Name);
            var type = column.Value.ValueKind == JsonValueKind.String ? column.Value.GetString() : null;
            if (name.Count != 1 || !read.TryAdd(name[0], type) || (type is null && column.Value.ValueKind != JsonValueKind.Null)
                || type?.Length == 0)
            {
                problems.Add($"{table}: the column \"{column.Name}\" is not a name, there twice, or its type is neither a text nor null");
            }
        }

        return read;
    }

    private static List<string> Names(string table, string member, JsonElement list, List<string> problems)
    {
        var names = list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
                .Select(name => name.ValueKind == JsonValueKind.String ? SqlIdentifier.Parts(name.GetString()!) : []).ToList()
            : null;
        if (names is null || names.Exists(name => name.Count != 1))
        {
            problems.Add($"{table}: \"{member}\" is not a list of names, quoted as in SQL");
            return [];
        }

        return names.ConvertAll(name => name[0]);
    }

    private static Dictionary<string, JsonElement> Members(JsonElement element, string what, string[] known, List<string> problems)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{what} is not an object");
            return members;
        }

        foreach (var member in element.EnumerateObject())
        {
            if (!known.Contains(member.Name) || !members.TryAdd(member.Name, member.Value))
            {
                problems.Add($"{what}: \"{member.Name}\" is unknown, or there twice; there are {string.Join(", ", known)}");
            }
        }

        return members;
    }
}
