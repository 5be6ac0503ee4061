using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>The applied migrations that an import records on the tool's word alone, because a person says so.</summary>
internal sealed class ImportSkips
{
    private readonly HashSet<string> _keys;

    /// <exception cref="PgOpsException">InvalidArgument: no reason, or nothing that is applied has that version or name.</exception>
    internal ImportSkips(
        ImportRequest request,
        ForeignTool tool,
        IReadOnlyList<ForeignMigration> entries,
        IReadOnlyDictionary<string, MigrationFile> files)
    {
        if (request.Skip.Count > 0 == string.IsNullOrWhiteSpace(request.SkipReason))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Skip and -Reason belong together: the history says which migrations were taken on trust, and why.",
                "Nothing was touched.",
                $"{Command(request.Skip.Count > 0 ? request.Skip : ["<version>"])}.");
        }

        _keys = new HashSet<string>(tool.KeyOrder);
        foreach (var name in request.Skip)
        {
            var key = entries.Select(entry => entry.Key).Concat(files.Keys)
                .FirstOrDefault(key => tool.KeyOrder.Equals(key, name) || MigrationVersion.Order.Equals(VersionOf(key), name));
            _keys.Add(key ?? throw new PgOpsException(
                PgErrorCode.VersionNotFound,
                $"{tool.Title} has applied no migration '{name}', and so it cannot be skipped.",
                "Nothing was touched.",
                $"Its entries are: {string.Join(", ", entries.Select(entry => entry.Key).Take(20))}."));
        }
    }

    /// <summary>Whether the migration of this key is one of them.</summary>
    internal bool Holds(string key) => _keys.Contains(key);

    /// <summary>What to add to the command.</summary>
    internal static string Command(IEnumerable<string> names)
        => $"-Skip {string.Join(", ", names.Select(VersionOf))} -Reason '…' records them as they are";

    /// <summary>The file that an entry would have.</summary>
    internal static MigrationFile Absent(ForeignMigration entry)
    {
        var version = VersionOf(entry.Key);
        return MigrationFile.Absent(
            version,
            entry.Title.StartsWith(version, StringComparison.Ordinal) ? entry.Title[version.Length..].TrimStart('_', '-', ' ')
                : entry.Title,
            char.IsAsciiDigit(version[0]) ? MigrationKind.Versioned : MigrationKind.Repeatable);
    }

    /// <summary>The digits that a key begins with; all of it when there are none.</summary>
    private static string VersionOf(string key)
        => string.Concat(key.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.')).TrimEnd('.') is { Length: > 0 } digits
            ? digits
            : key;
}
