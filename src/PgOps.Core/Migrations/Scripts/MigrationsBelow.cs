using System.Text.RegularExpressions;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// A folder that holds no migration, and folders that do: Hasura has one for each database (<c>migrations/default</c>), Prisma's lies
/// below <c>prisma</c>. To say that nothing is pending there would be wrong.
/// </summary>
internal static partial class MigrationsBelow
{
    private const int Deepest = 3;
    private const int MostLookedAt = 1000;
    private static readonly EnumerationOptions Visible = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.System };

    /// <summary>Refuses to take it for an empty one.</summary>
    /// <param name="folder">The folder, in which nothing was found.</param>
    /// <exception cref="PgOpsException">MigrationSourceInvalid, naming the folders below.</exception>
    internal static void Refuse(DirectoryInfo folder)
    {
        var found = Find(folder, Deepest).Select(one => one.FullName).Order(StringComparer.Ordinal).ToList();
        if (found.Count == 0)
        {
            return;
        }

        var names = NameList.InSentence(found.Select(one => Path.GetRelativePath(folder.FullName, one).Replace('\\', '/')));
        throw new PgOpsException(
            PgErrorCode.MigrationSourceInvalid,
            $"'{folder.FullName}' holds no migration itself; "
                + $"below it {(found.Count == 1 ? "is a folder" : "are folders")} of them: {names}.",
            "Nothing was touched.",
            (found.Count == 1 ? "Give that one" : "Each has a history of its own: give the one that is meant")
                + $", as in -Path {CommandText.Argument(found[0])}.");
    }

    private static IEnumerable<DirectoryInfo> Find(DirectoryInfo folder, int depth)
    {
        var folders = folder.EnumerateDirectories("*", Visible).Take(depth == 0 ? 0 : MostLookedAt)
            .Where(one => one.Name[0] is not ('.' or '_') && one.Name != "node_modules" && one.LinkTarget is null);
        foreach (var below in folders)
        {
            foreach (var found in HoldsMigrations(below) ? [below] : Find(below, depth - 1))
            {
                yield return found;
            }
        }
    }

    private static bool HoldsMigrations(DirectoryInfo folder)
        => folder.EnumerateFiles("*.sql", Visible).Any(file => Versioned().IsMatch(file.Name))
            || folder.EnumerateDirectories("*", Visible).Any(one => Versioned().IsMatch(one.Name)
                && one.EnumerateFiles("*", Visible).Any(file => file.Name is "up.sql" or "migration.sql" or "ops.json"));

    [GeneratedRegex("^[VUvu]?[0-9][0-9-]*T?[0-9._]*_", RegexOptions.CultureInvariant)]
    private static partial Regex Versioned();
}
