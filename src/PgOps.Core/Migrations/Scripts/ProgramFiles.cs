using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Migrations that are programs, in a folder of any shape: <c>00002_x.go</c>, <c>V2__x.java</c>, <c>20240102000000_x/migration.ts</c>. They
/// have their place in the order, and PgOps cannot run them.
/// </summary>
internal sealed partial class ProgramFiles : MigrationSource
{
    private static readonly Dictionary<string, string> Languages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["go"] = "Go",
        ["java"] = "Java",
        ["kt"] = "Kotlin",
        ["groovy"] = "Groovy",
        ["js"] = "JavaScript",
        ["cjs"] = "JavaScript",
        ["mjs"] = "JavaScript",
        ["ts"] = "TypeScript",
        ["cts"] = "TypeScript",
        ["mts"] = "TypeScript",
        ["py"] = "Python",
        ["rb"] = "Ruby",
        ["php"] = "PHP",
        ["cs"] = "C#",
        ["exs"] = "Elixir",
        ["sh"] = "shell",
        ["ps1"] = "PowerShell",
    };

    internal override MigrationShape Shape => MigrationShape.Files;

    internal override string Kind => "programs";

    /// <summary>Leaves out what has been rewritten in SQL: the SQL is the migration.</summary>
    internal void Complete(IReadOnlyCollection<MigrationFile> scripts)
    {
        var versions = scripts.Select(file => file.Version).ToHashSet(MigrationVersion.Order);
        foreach (var program in Files.Where(file => versions.Contains(file.Version)))
        {
            PassOver(Path.GetFileName(program.Path), $"version {program.Version} is there in SQL");
        }

        Files.RemoveAll(file => versions.Contains(file.Version));
    }

    protected override bool Take(SourceEntry entry)
    {
        if (entry.IsFolder)
        {
            var folder = FolderName().Match(entry.Name);
            return folder.Success && entry.Within("migration.sql") is null && entry.Within("migration.ts") is { } script
                && Add(folder, script, Languages["ts"]);
        }

        var match = FileName().Match(entry.Name);
        return match.Success && Languages.TryGetValue(match.Groups["ending"].Value, out var language)
            && (match.Groups["suffix"].Value is ".down" || Add(match, entry.FullPath, language));
    }

    private bool Add(Match match, string path, string language)
    {
        var version = match.Groups["version"].Value.Replace('_', '.');
        Files.Add(new MigrationFile(version, match.Groups["name"].Value, path) { Language = language });
        return true;
    }

    [GeneratedRegex(@"^(?<version>[0-9]+)[_-]+(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();

    /// <summary>A test beside a migration, or its types, is none.</summary>
    [GeneratedRegex(
        @"^(?:V(?<version>[0-9]+(?:[._][0-9]+)*)__|(?<version>[0-9]+)[_-]+)"
            + @"(?<name>.+?)(?<!_test|[.](?:test|spec|d|Designer))(?<suffix>\.up|\.down)?\.(?<ending>[A-Za-z0-9]+)$",
        RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
