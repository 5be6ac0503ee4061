using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Sources;

/// <summary>
/// Prisma's <c>20251015093045_x/migration.sql</c>. Two folders may bear one timestamp, for Prisma goes by the whole name: the second
/// of them, in the order of names, becomes version <c>20251015093045.1</c>.
/// </summary>
internal sealed partial class PrismaFolders : MigrationSource
{
    private const string Script = "migration.sql";

    internal override MigrationShape Shape => MigrationShape.Prisma;

    internal override string Kind => "Prisma folders";

    internal override void Complete()
    {
        foreach (var same in Files.GroupBy(file => file.Version, MigrationVersion.Order).Where(same => same.Count() > 1).ToList())
        {
            var number = 0;
            foreach (var file in same.OrderBy(file => file.Name, StringComparer.Ordinal).Skip(1).ToList())
            {
                var version = string.Create(CultureInfo.InvariantCulture, $"{file.Version}.{++number}");
                Files[Files.IndexOf(file)] = new MigrationFile(version, file.Name, file.Path)
                {
                    Down = file.Down is { } down ? new MigrationFile(version, down.Name, down.Path) : null,
                };
            }
        }
    }

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
