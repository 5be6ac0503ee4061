using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// golang-migrate's and sqlx's <c>1_x.up.sql</c> with <c>1_x.down.sql</c>. It is the version that makes a pair: the two names may differ,
/// as in <c>30_add_column.up.sql</c> with <c>30_drop_column.down.sql</c>. To sqlx a plain <c>1_x.sql</c> among them is a migration like
/// any other, and to both tools a down script without its up script is nothing.
/// </summary>
internal sealed class UpDownPairs : MigrationSource
{
    private const string Up = ".up.sql";

    private readonly List<(SourceEntry Entry, Match Name)> _ups = [];
    private readonly List<(SourceEntry Entry, string Version)> _downs = [];
    private bool? _hasUps;

    internal override MigrationShape Shape => MigrationShape.Pairs;

    internal override string Kind => "pairs of .up.sql and .down.sql";

    internal override bool TakesPlainFiles => true;

    internal override void Complete()
    {
        var downs = new Dictionary<string, SourceEntry>(MigrationVersion.Order);
        foreach (var (entry, version) in _downs)
        {
            if (!downs.TryAdd(version, entry))
            {
                Stray(entry.Name, $"version {version} has another .down.sql");
            }
        }

        foreach (var (entry, match) in _ups)
        {
            var version = match.Groups["version"].Value;
            var name = match.Groups["name"].Value;
            Files.Add(new MigrationFile(version, name, entry.FullPath)
            {
                Down = downs.Remove(version, out var down) ? new MigrationFile(version, name, down.FullPath) : null,
            });
        }

        foreach (var orphan in downs.Values)
        {
            PassOver(orphan.Name, "no .up.sql of its version that it could undo");
        }
    }

    protected override bool Take(SourceEntry entry)
    {
        var match = NumberedFiles.NameOf(entry);
        switch (NumberedFiles.SuffixOf(match))
        {
            case ".down" when HasUps(entry) && !NumberedFiles.IsDownOfPlain(entry):
                _downs.Add((entry, match.Groups["version"].Value));
                return true;
            case ".up":
                _ups.Add((entry, match));
                return true;
            default:
                return false;
        }
    }

    private bool HasUps(SourceEntry entry)
        => _hasUps ??= entry.HasSibling(name => name.EndsWith(Up, StringComparison.OrdinalIgnoreCase) && char.IsAsciiDigit(name[0]));
}
