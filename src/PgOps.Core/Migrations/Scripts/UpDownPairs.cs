using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// golang-migrate's and sqlx's <c>1_x.up.sql</c> with <c>1_x.down.sql</c>. It is the version that makes a pair: the two names may differ,
/// as in <c>30_add_column.up.sql</c> with <c>30_drop_column.down.sql</c>.
/// </summary>
internal sealed class UpDownPairs : MigrationSource
{
    private const string Up = ".up.sql";

    private readonly List<(SourceEntry Entry, Match Name)> _ups = [];
    private readonly Dictionary<string, SourceEntry> _downs = new(MigrationVersion.Order);

    internal override MigrationShape Shape => MigrationShape.Pairs;

    internal override string Kind => "pairs of .up.sql and .down.sql";

    internal override void Complete()
    {
        foreach (var (entry, match) in _ups)
        {
            var version = match.Groups["version"].Value;
            var name = match.Groups["name"].Value;
            Files.Add(new MigrationFile(version, name, entry.FullPath)
            {
                Down = _downs.GetValueOrDefault(version) is { } down ? new MigrationFile(version, name, down.FullPath) : null,
            });
        }
    }

    protected override bool Take(SourceEntry entry)
    {
        var match = NumberedFiles.NameOf(entry);
        switch (NumberedFiles.SuffixOf(match))
        {
            case ".down" when UpOf(entry, match.Groups["version"].Value):
                if (!_downs.TryAdd(match.Groups["version"].Value, entry))
                {
                    Stray(entry.Name, $"version {match.Groups["version"].Value} has another .down.sql");
                }

                return true;
            case ".up":
                _ups.Add((entry, match));
                return true;
            default:
                return false;
        }
    }

    private static bool UpOf(SourceEntry down, string version)
        => down.SiblingNamed(down.Name[..^".down.sql".Length] + Up) is not null
            || down.HasSibling(name => name.EndsWith(Up, StringComparison.OrdinalIgnoreCase)
                && MigrationVersion.Order.Equals(string.Concat(name.TakeWhile(char.IsAsciiDigit)), version));
}
