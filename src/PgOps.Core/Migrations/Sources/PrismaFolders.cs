using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Sources;

/// <summary>Prisma's <c>20251015093045_x/migration.sql</c>.</summary>
internal sealed partial class PrismaFolders : MigrationSource
{
    private const string Script = "migration.sql";

    internal override MigrationShape Shape => MigrationShape.Prisma;

    internal override string Kind => "Prisma folders";

    protected override bool Take(SourceEntry entry)
    {
        if (entry.Within(Script) is not { } script)
        {
            return false;
        }

        var match = FolderName().Match(entry.Name);
        if (!match.Success)
        {
            Stray($"{entry.Name}/{Script}", "the folder's name does not begin with a version");
            return true;
        }

        var version = match.Groups["version"].Value;
        var name = match.Groups["name"].Value;
        Files.Add(new MigrationFile(version, name, script)
        {
            Down = entry.Within("down.sql") is { } down ? new MigrationFile(version, name, down) : null,
        });
        return true;
    }

    [GeneratedRegex(@"^(?<version>\d+)[_-]+(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();
}
