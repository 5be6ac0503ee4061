using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Prisma's <c>20251015093045_x/migration.sql</c>. Prisma goes by the whole name of a folder, as text, and so its folders may hold what
/// versions cannot: a date without a time, which as text comes after all times of that day (<c>20251015_x</c> becomes version
/// <c>20251015999999</c> where there are such times), and one timestamp twice (the second, by name, becomes <c>20251015093045.1</c>).
/// </summary>
internal sealed partial class PrismaFolders : MigrationSource
{
    private const string Script = "migration.sql";
    private const int DateLength = 8;
    private const int TimestampLength = 14;

    internal override MigrationShape Shape => MigrationShape.Prisma;

    internal override string Kind => "Prisma folders";

    internal override void Complete()
    {
        for (var index = 0; index < Files.Count; index++)
        {
            var version = Files[index].Version;
            if (version.Length is >= DateLength and < TimestampLength
                && Files.Exists(
                    other => other.Version.Length == TimestampLength && string.CompareOrdinal(other.Version, version + "_") < 0))
            {
                Files[index] = With(Files[index], version.PadRight(TimestampLength, '9'));
            }
        }

        foreach (var same in Files.GroupBy(file => file.Version, MigrationVersion.Order).Where(same => same.Count() > 1).ToList())
        {
            var number = 0;
            foreach (var file in same.OrderBy(file => file.Name, StringComparer.Ordinal).Skip(1).ToList())
            {
                Files[Files.IndexOf(file)] = With(file, string.Create(CultureInfo.InvariantCulture, $"{file.Version}.{++number}"));
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

    private static MigrationFile With(MigrationFile file, string version) => new(version, file.Name, file.Path)
    {
        Down = file.Down is { } down ? new MigrationFile(version, down.Name, down.Path) : null,
    };

    [GeneratedRegex(@"^(?<version>[0-9]+)[_-]+(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();
}
