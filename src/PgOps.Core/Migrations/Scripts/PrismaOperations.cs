using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Prisma 8's <c>20260713T0837_x/ops.json</c> with <c>migration.json</c>: operations, each with its class and its SQL, and checks before
/// and after it. What the contract is before and after a migration gives them their order. PgOps reads them, and leaves it to Prisma to
/// apply them: their checks, and Prisma's own state in the schema prisma_contract, are part of that.
/// </summary>
internal sealed partial class PrismaOperations : MigrationSource
{
    private const string Operations = "ops.json";
    private const int MinuteLength = 12;

    private readonly List<(string Folder, string? From, string To, MigrationFile File)> _found = [];

    internal override MigrationShape Shape => MigrationShape.PrismaOperations;

    internal override string Kind => "Prisma 8's operations";

    /// <summary>Puts them into the order of their contracts, which that of their names must not contradict.</summary>
    internal override void Complete()
    {
        var open = _found.ToList();
        string? contract = null;
        while (open.FindIndex(migration => migration.From == contract) is >= 0 and var next)
        {
            var (folder, _, to, file) = open[next];
            open.RemoveAt(next);
            contract = to;
            var last = Files.LastOrDefault()?.Version;
            var same = Files.Count(earlier => earlier.Version.Split('.')[0] == file.Version);
            var version = same == 0 ? file.Version : string.Create(CultureInfo.InvariantCulture, $"{file.Version}.{same}");
            if (last is not null && MigrationVersion.Order.Compare(version, last) <= 0)
            {
                Stray(folder, $"by its contract it follows version {last}, by its name it does not");
            }

            Files.Add(MigrationFile.OfOperations(version, file));
        }

        foreach (var (folder, from, _, _) in open)
        {
            Stray(folder, from is null ? "a second beginning: its \"from\" is null"
                : "no migration leads to the contract that it begins with");
        }
    }

    protected override bool Take(SourceEntry entry)
    {
        if (!entry.IsFolder)
        {
            return false;
        }

        if (entry.Within(Operations) is not { } path)
        {
            var inside = Directory.EnumerateDirectories(entry.FullPath).Any(folder => File.Exists(Path.Combine(folder, Operations)));
            if (inside)
            {
                Stray(entry.Name, $"the folder of Prisma 8's migrations: give it itself, -Path '{entry.FullPath}'");
            }

            return inside;
        }

        var match = FolderName().Match(entry.Name);
        try
        {
            using var manifest = JsonDocument.Parse(ScriptContent.Read(Path.Combine(entry.FullPath, "migration.json")).Text);
            using var operations = JsonDocument.Parse(ScriptContent.Read(path).Text);
            var (sql, classes) = Script(operations.RootElement);
            var version = (match.Groups["date"].Value + match.Groups["time"].Value).PadRight(MinuteLength, '0');
            _found.Add((entry.Name, manifest.RootElement.GetProperty("from").GetString(),
                manifest.RootElement.GetProperty("to").GetString()!,
                new MigrationFile(version, match.Success ? match.Groups["name"].Value : entry.Name, path, new ScriptContent(sql))
                {
                    Operations = classes,
                }));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            Stray($"{entry.Name}/{Operations}", $"not read as Prisma 8's operations on PostgreSQL: {error.Message}");
        }

        if (!match.Success)
        {
            Stray(entry.Name, "the folder's name does not begin with a time, as in 20260713T0837_x");
        }

        return true;
    }

    /// <summary>The operations as a script: their statements, and what they are and check in comments.</summary>
    private static (string Sql, string Classes) Script(JsonElement operations)
    {
        var sql = new StringBuilder();
        var classes = new List<string>();
        foreach (var operation in operations.EnumerateArray())
        {
            var kind = operation.GetProperty("operationClass").GetString()!;
            classes.Add(kind);
            Comment(sql, $"{kind}: {operation.GetProperty("label").GetString()}");
            Checks(sql, operation, "precheck");
            foreach (var step in operation.GetProperty("execute").EnumerateArray())
            {
                Parameters(sql, step);
                sql.Append(step.GetProperty("sql").GetString()!.Trim().TrimEnd(';')).Append(";\n");
            }

            Checks(sql, operation, "postcheck");
            sql.Append('\n');
        }

        return (sql.ToString(), string.Join(", ", classes.GroupBy(kind => kind).Select(kind => $"{kind.Count()} {kind.Key}")));
    }

    private static void Checks(StringBuilder sql, JsonElement operation, string kind)
    {
        foreach (var check in operation.GetProperty(kind).EnumerateArray())
        {
            Comment(sql, $"{kind}: {check.GetProperty("sql").GetString()}");
            Parameters(sql, check);
        }
    }

    private static void Parameters(StringBuilder sql, JsonElement step)
    {
        if (step.TryGetProperty("params", out var parameters) && parameters.GetArrayLength() > 0)
        {
            Comment(sql, $"parameters: {parameters.GetRawText()}");
        }
    }

    private static void Comment(StringBuilder sql, string text)
        => sql.Append("-- ").AppendJoin(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Append('\n');

    [GeneratedRegex(@"^(?<date>[0-9]{8})(?:T(?<time>[0-9]{4}))?_(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();
}
