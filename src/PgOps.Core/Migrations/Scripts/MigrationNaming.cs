using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Holds a migration's name against the naming conventions: what is to be said about it, and the script it begins with.</summary>
public sealed partial class MigrationNaming
{
    private static readonly HashSet<string> VagueWords = new(StringComparer.Ordinal)
    {
        "update", "updates", "change", "changes", "changed", "fix", "fixes", "hotfix", "bugfix", "patch", "alter", "modify", "misc",
        "stuff",
        "schema", "db", "database", "table", "tables", "column", "columns", "sql", "migration", "migrations", "migrate", "data", "new",
        "temp", "tmp", "test", "wip", "more", "some", "final", "again", "the", "add", "remove", "create", "drop", "rename", "v", "version",
    };

    private MigrationNaming(string? script, IReadOnlyList<string> warnings)
    {
        Script = script;
        Warnings = warnings;
    }

    /// <summary>The script that a name of a known pattern begins with; null when it fits none.</summary>
    public string? Script { get; }

    /// <summary>What a person should know about the name; empty when there is nothing.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Reads a name.</summary>
    /// <param name="name">The name, in words or in snake_case.</param>
    /// <param name="path">The folder it goes to: the tables that its scripts create tell where a column's name ends. It need not
    /// exist.</param>
    /// <returns>Script and warnings.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: the name cannot be a migration's.</exception>
    public static MigrationNaming Read(string name, string path)
    {
        ArgumentNullException.ThrowIfNull(name);
        var snake = NewMigration.Snake(name);
        var warnings = new List<string>();
        if (Date().Match(snake) is { Success: true } date)
        {
            warnings.Add($"The date '{date.Groups["date"].Value}' in '{snake}' says nothing that the version before it does not say.");
        }

        if (Directory.Exists(path) && MigrationFolder.Read(path).Files.FirstOrDefault(
            file => file.Name.Equals(snake, StringComparison.OrdinalIgnoreCase)) is { } earlier)
        {
            warnings.Add($"{earlier.Version}_{earlier.Name} has that name already; the version alone tells the two apart.");
        }

        if (snake.Split('_').All(word => VagueWords.Contains(word) || word.All(char.IsAsciiDigit)))
        {
            warnings.Add($"The name '{snake}' says nothing about what changes. {Patterns("A name")}");
            return new MigrationNaming(null, warnings);
        }

        foreach (var template in MigrationTemplate.All)
        {
            if (template.Shape.Match(snake) is { Success: true } match)
            {
                return new MigrationNaming(template.Fill(Parts(match, path)), warnings);
            }
        }

        warnings.Add($"The name '{snake}' fits none of the patterns, so its script is empty. {Patterns("A name that fits")}");
        return new MigrationNaming(null, warnings);
    }

    private static string Patterns(string what)
    {
        var width = MigrationTemplate.All.Max(template => template.Pattern.Length);
        var lines = MigrationTemplate.All.Select(template => $"  {template.Pattern.PadRight(width)}  {template.Example}");
        return $"{what} gets its first statements written:\n{string.Join('\n', lines)}";
    }

    private static IEnumerable<KeyValuePair<string, string>> Parts(Match match, string path)
    {
        var known = KnownTables(path);
        yield return new("sync", Contract(match, path));
        foreach (var group in match.Groups.Values.Where(group => group.Success && group.Name != "0"))
        {
            if (group.Name == "indexed")
            {
                var (column, table) = Split(group.Value, known);
                yield return new("column", column);
                yield return new("table", known.GetValueOrDefault(table, table));
            }
            else if (group.Name == "table")
            {
                yield return new("table", known.GetValueOrDefault(group.Value, group.Value));
            }
            else
            {
                yield return new(group.Name, group.Name == "description" ? group.Value.Replace('_', ' ') : group.Value);
            }
        }
    }

    /// <summary>
    /// Column and table of <c>tenant_id_client_kpis</c>: the longest table that the folder creates; else the column ends behind
    /// <c>_id</c>, <c>_at</c> or <c>_on</c>; else it is one word.
    /// </summary>
    private static (string Column, string Table) Split(string indexed, Dictionary<string, string> known)
    {
        var table = known.Keys.Where(name => indexed.EndsWith($"_{name}", StringComparison.Ordinal)).MaxBy(name => name.Length);
        if (table is not null)
        {
            return (indexed[..^(table.Length + 1)], table);
        }

        var parts = ColumnEnd().Match(indexed);
        return (parts.Groups["column"].Value, parts.Groups["table"].Value);
    }

    /// <summary>
    /// What goes before a column of a rename by expand and contract: the trigger that keeps it and the new one alike, for without the
    /// column it fails every INSERT.
    /// </summary>
    private static string Contract(Match match, string path)
    {
        if (!match.Groups["column"].Success || !match.Groups["table"].Success || !Directory.Exists(path))
        {
            return "";
        }

        var mark = $"NEW.\"{match.Groups["column"].Value}\"";
        foreach (var file in MigrationFolder.Read(path).Files.Where(file => file.Text.Contains(mark, StringComparison.Ordinal)))
        {
            if (SyncTrigger().Matches(file.Text).FirstOrDefault(
                sync => sync.Groups["table"].Value == match.Groups["table"].Value) is { } trigger)
            {
                var name = trigger.Groups["name"].Value;
                return $"DROP TRIGGER \"{name}\" ON \"{match.Groups["table"].Value}\";\nDROP FUNCTION \"{name}\"();\n";
            }
        }

        return "";
    }

    [GeneratedRegex("CREATE TRIGGER \"(?<name>\\w+_sync)\" BEFORE INSERT OR UPDATE ON \"(?<table>\\w+)\"", RegexOptions.CultureInvariant)]
    private static partial Regex SyncTrigger();

    /// <summary>The tables that the folder's scripts create: as a migration's name has them, and as they are.</summary>
    private static Dictionary<string, string> KnownTables(string path)
    {
        var tables = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Directory.Exists(path))
        {
            foreach (var file in MigrationFolder.Read(path).Files)
            {
                foreach (Match match in CreateTable().Matches(file.Text))
                {
                    var quoted = match.Groups["quoted"];
                    var name = quoted.Success ? quoted.Value : SqlIdentifier.ToName(match.Groups["plain"].Value);
                    if (name.Any(char.IsLetterOrDigit))
                    {
                        tables[NewMigration.Snake(name)] = name;
                    }
                }
            }
        }

        return tables;
    }

    [GeneratedRegex(@"(?:^|_)(?<date>(?:19|20)[0-9]{2}_?(?:0[1-9]|1[0-2])_?(?:0[1-9]|[12][0-9]|3[01])(?:_?[0-9]{4}(?:[0-9]{2})?)?)(?:_|$)")]
    private static partial Regex Date();

    [GeneratedRegex("^(?<column>.+?_(?:id|at|on)|[^_]+)_(?<table>.+)$")]
    private static partial Regex ColumnEnd();

    [GeneratedRegex(
        """\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:"?\w+"?\s*\.\s*)?"""
        + """(?:"(?<quoted>[^"\p{Cc}]{1,60})"|(?<plain>\w{1,60}))""",
        RegexOptions.IgnoreCase)]
    private static partial Regex CreateTable();
}
