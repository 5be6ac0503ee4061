using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Makes the next migration's file, in the folder's own shape, with a version newer than all others.</summary>
public sealed partial class NewMigration
{
    private const string Template = """
        -- {0}
        --
        -- One transaction holds the whole file. A statement that cannot run in one (CREATE INDEX CONCURRENTLY …) is found out and
        -- makes the file run statement by statement; '-- pgops: no-transaction' on a line of its own asks for that.


        """;

    /// <summary>Where a new migration would go.</summary>
    /// <param name="path">The folder; it need not exist.</param>
    /// <param name="name">The name, in words or in snake_case.</param>
    /// <param name="version">The version; null takes the next number, or the time in UTC, as the folder does.</param>
    /// <param name="prisma">Makes a Prisma folder where the folder is still empty.</param>
    /// <returns>The script's path.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: the name or the version cannot be.</exception>
    public string Place(string path, string name, string? version, bool prisma)
    {
        ArgumentNullException.ThrowIfNull(name);
        var folder = Directory.Exists(path) ? MigrationFolder.Read(path) : null;
        if (folder is { Shape: not (MigrationShape.Empty or MigrationShape.Files or MigrationShape.Prisma) })
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"'{path}' holds {folder.Shape} migrations, which New-PgMigration does not write.",
                "Nothing was written.",
                "Write the file by hand, in the manner of "
                    + $"{(folder.Files is [.., var last] ? System.IO.Path.GetFileName(last.Path) : "its siblings")}.");
        }

        var snake = Snake(name);
        var versions = folder?.Files.Select(file => file.Version).ToList() ?? [];
        var chosen = version ?? Next(versions);
        if (!chosen.All(char.IsAsciiDigit) || versions.Contains(chosen, MigrationVersion.Order))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                chosen.All(char.IsAsciiDigit) ? $"Version {chosen} is taken." : $"A version is made of digits, not '{chosen}'.",
                "Nothing was written.",
                "Leave -Version out to get the next free one.");
        }

        var isPrisma = folder?.Shape == MigrationShape.Prisma || (prisma && folder?.Shape is null or MigrationShape.Empty);
        return isPrisma
            ? Path.Combine(path, $"{chosen}_{snake}", "migration.sql")
            : Path.Combine(path, $"{chosen}_{snake}.sql");
    }

    /// <summary>Writes the file.</summary>
    /// <param name="script">The path that <see cref="Place"/> gave.</param>
    /// <param name="body">What it shall hold, from <see cref="MigrationNaming"/>; null for the plain template.</param>
    /// <returns>The new migration.</returns>
    /// <exception cref="PgOpsException">PathInaccessible: it cannot be written, or is there already.</exception>
    public PgMigration Write(string script, string? body = null)
    {
        ArgumentNullException.ThrowIfNull(script);
        var label = Path.GetFileName(script) == "migration.sql"
            ? Path.GetFileName(Path.GetDirectoryName(script))!
            : Path.GetFileNameWithoutExtension(script);
        var name = label[(label.IndexOf('_', StringComparison.Ordinal) + 1)..];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(script)!);
            using var file = new StreamWriter(new FileStream(script, FileMode.CreateNew));
            file.Write(body ?? string.Format(CultureInfo.InvariantCulture, Template.ReplaceLineEndings("\n"), name.Replace('_', ' ')));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{script} cannot be written: {error.Message}", "Nothing was written.", null, error);
        }

        return new PgMigration
        {
            Version = label[..label.IndexOf('_', StringComparison.Ordinal)],
            Name = name,
            State = PgMigrationState.Pending,
            Path = script,
        };
    }

    /// <summary>Numbers go on as they are written (007 after 006); times, and the first of a folder, are the time in UTC.</summary>
    private static string Next(List<string> versions)
    {
        var newest = versions.Max(MigrationVersion.Order);
        if (newest is not null && newest.Length < 14)
        {
            return (System.Numerics.BigInteger.Parse(newest, CultureInfo.InvariantCulture) + 1)
                .ToString(CultureInfo.InvariantCulture).PadLeft(newest.Length, '0');
        }

        var time = DateTime.UtcNow;
        var version = time.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        while (newest is not null && MigrationVersion.Order.Compare(version, newest) <= 0)
        {
            // Two in one second, or a colleague's clock runs ahead: the next second after the newest.
            version = (System.Numerics.BigInteger.Parse(newest, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);
        }

        return version;
    }

    internal static string Snake(string name)
    {
        var words = NotWord().Replace(Hump().Replace(name.Trim(), "$1_$2"), "_").Trim('_');
#pragma warning disable CA1308 // names of migrations are lower case by convention
        var snake = words.ToLowerInvariant();
#pragma warning restore CA1308
        return snake.Length is > 0 and <= 100
            ? snake
            : throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                snake.Length == 0 ? "The name has no letter or digit." : "The name is longer than 100 characters.",
                "Nothing was written.",
                "Say what the migration does, for example add_company_size_to_clients.");
    }

    [GeneratedRegex(@"[^\p{L}\p{Nd}]+")]
    private static partial Regex NotWord();

    [GeneratedRegex(@"(\p{Ll}|\p{Nd})(\p{Lu})")]
    private static partial Regex Hump();
}
