using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary><c>001_x.sql</c> or <c>20251015093045_x.sql</c>, each with an optional <c>.down.sql</c>.</summary>
internal sealed partial class NumberedFiles : MigrationSource
{
    internal override MigrationShape Shape => MigrationShape.Files;

    internal override string Kind => "numbered files";

    /// <summary>A name's version and name, when it is that of a numbered file without suffix.</summary>
    internal static Match NameOf(SourceEntry entry) => entry.IsFolder ? Match.Empty : FileName().Match(entry.Name);

    protected override bool Take(SourceEntry entry)
    {
        var match = NameOf(entry);
        if (!match.Success || match.Groups["suffix"].Value == ".up")
        {
            return false;
        }

        if (match.Groups["suffix"].Value == ".down")
        {
            return entry.HasSibling(entry.Name[..^".down.sql".Length] + ".sql");
        }

        var version = match.Groups["version"].Value;
        var name = match.Groups["name"].Value;
        var down = entry.Name[..^".sql".Length] + ".down.sql";
        Files.Add(new MigrationFile(version, name, entry.FullPath)
        {
            Down = entry.HasSibling(down)
                ? new MigrationFile(version, name, Path.Combine(Path.GetDirectoryName(entry.FullPath)!, down))
                : null,
        });
        return true;
    }

    [GeneratedRegex(
        @"^(?<version>[0-9]+)[_-]+(?<name>.+?)(?<suffix>\.up|\.down)?\.sql$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
