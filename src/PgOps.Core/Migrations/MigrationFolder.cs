using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations;

/// <summary>The shapes of a migration folder.</summary>
internal enum MigrationShape
{
    /// <summary>Nothing in it yet.</summary>
    Empty,

    /// <summary><c>001_x.sql</c> or <c>20251015093045_x.sql</c>, each with an optional <c>.down.sql</c>.</summary>
    Files,

    /// <summary>Prisma's <c>20251015093045_x/migration.sql</c>.</summary>
    Prisma,
}

/// <summary>A folder of migrations: its shape and its scripts in the order of their versions.</summary>
internal sealed partial class MigrationFolder
{
    private const string PrismaScript = "migration.sql";

    private MigrationFolder(string path, MigrationShape shape, IReadOnlyList<MigrationFile> files)
    {
        Path = path;
        Shape = shape;
        Files = files;
    }

    internal string Path { get; }

    internal MigrationShape Shape { get; }

    internal IReadOnlyList<MigrationFile> Files { get; }

    /// <summary>Reads a folder's names; the scripts are read when they are asked for.</summary>
    /// <exception cref="PgOpsException">
    /// PathNotFound; MigrationSourceInvalid for a mixture of shapes, a file that fits none, or two files of one version.
    /// </exception>
    internal static MigrationFolder Read(string path)
    {
        var folder = new DirectoryInfo(path);
        if (!folder.Exists)
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound,
                File.Exists(path) ? $"'{path}' is a file; migrations live in a folder." : $"The migration folder '{path}' does not exist.",
                "Nothing was touched.",
                "New-PgMigration creates the folder with its first migration.");
        }

        var strays = new List<string>();
        var files = new List<MigrationFile>();
        var prisma = new List<MigrationFile>();
        var downs = new List<(string Key, string Name)>();
        foreach (var entry in folder.EnumerateFileSystemInfos().Where(entry => entry.Name[0] is not ('.' or '_')))
        {
            if (entry is DirectoryInfo sub)
            {
                ReadFolder(sub, prisma, strays);
            }
            else
            {
                ReadFile(entry, files, downs, strays);
            }
        }

        strays.AddRange(downs
            .Where(down => !files.Exists(file => System.IO.Path.GetFileName(file.Path) == down.Key))
            .Select(down => $"{down.Name} (no {down.Key} that it could undo)"));
        Refuse(path, files, prisma, strays);
        var found = files.Count > 0 ? files : prisma;
        found.Sort((left, right) => MigrationVersion.Order.Compare(left.Version, right.Version));
        RefuseDuplicates(path, found);
        var shape = files.Count > 0 ? MigrationShape.Files : prisma.Count > 0 ? MigrationShape.Prisma : MigrationShape.Empty;
        return new MigrationFolder(path, shape, found);
    }

    private static void ReadFolder(DirectoryInfo folder, List<MigrationFile> prisma, List<string> strays)
    {
        var script = System.IO.Path.Combine(folder.FullName, PrismaScript);
        var match = PrismaName().Match(folder.Name);
        if (File.Exists(script))
        {
            if (match.Success)
            {
                prisma.Add(new MigrationFile(match.Groups["version"].Value, match.Groups["name"].Value, script));
            }
            else
            {
                strays.Add($"{folder.Name}/{PrismaScript} (the folder's name does not begin with a version)");
            }
        }
        else if (match.Success)
        {
            strays.Add($"{folder.Name} (a folder without {PrismaScript})");
        }
        else if (folder.Name != "seeds" && folder.EnumerateFiles("*.sql").FirstOrDefault() is { } lost)
        {
            strays.Add($"{folder.Name}/{lost.Name} (in a subfolder)");
        }
    }

    private static void ReadFile(
        FileSystemInfo file, List<MigrationFile> files, List<(string Key, string Name)> downs, List<string> strays)
    {
        if (!file.Name.EndsWith(".sql", StringComparison.OrdinalIgnoreCase)
            || file.Name.EndsWith(".seed.sql", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        var match = FileName().Match(file.Name);
        if (!match.Success)
        {
            strays.Add($"{file.Name} (its name does not begin with a version, as in 001_create_orders.sql)");
        }
        else if (match.Groups["suffix"].Value == ".up")
        {
            strays.Add($"{file.Name} (pairs of .up.sql and .down.sql are not read yet: drop the .up)");
        }
        else if (match.Groups["suffix"].Value == ".down")
        {
            downs.Add((file.Name[..^".down.sql".Length] + ".sql", file.Name));
        }
        else
        {
            files.Add(new MigrationFile(match.Groups["version"].Value, match.Groups["name"].Value, file.FullName));
        }
    }

    private static void Refuse(string path, List<MigrationFile> files, List<MigrationFile> prisma, List<string> strays)
    {
        if (files.Count > 0 && prisma.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{path}' mixes two shapes: files such as {System.IO.Path.GetFileName(files[0].Path)} and Prisma folders such as "
                    + $"{prisma[0]}.",
                "Nothing was touched.",
                "Keep one shape in a folder; which of the two comes first is nothing that PgOps may guess.");
        }

        if (strays.Count > 0)
        {
            strays.Sort(StringComparer.Ordinal);
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{path}' holds what is no migration by its name:\n  {string.Join("\n  ", strays)}",
                "Nothing was touched.",
                "Rename or move these files. Read are <version>_<name>.sql, optionally with <version>_<name>.down.sql, "
                    + "and Prisma's <version>_<name>/migration.sql; names that begin with . or _ are passed over.");
        }
    }

    private static void RefuseDuplicates(string path, List<MigrationFile> files)
    {
        for (var index = 1; index < files.Count; index++)
        {
            if (MigrationVersion.Order.Equals(files[index].Version, files[index - 1].Version))
            {
                throw new PgOpsException(
                    PgErrorCode.MigrationSourceInvalid,
                    $"'{path}' holds two migrations of version {files[index].Version}: {files[index - 1]} and {files[index]}.",
                    "Nothing was touched.",
                    "Give the one that is applied nowhere yet a newer version; New-PgMigration never collides.");
            }
        }
    }

    [GeneratedRegex(@"^(?<version>\d+)[_-]+(?<name>.+?)(?<suffix>\.up|\.down)?\.sql$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^(?<version>\d+)[_-]+(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex PrismaName();
}
