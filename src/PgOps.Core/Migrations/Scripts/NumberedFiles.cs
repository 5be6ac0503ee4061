using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary><c>001_x.sql</c> or <c>20251015093045_x.sql</c>, each with an optional <c>.down.sql</c>.</summary>
internal sealed partial class NumberedFiles : MigrationSource
{
    internal override MigrationShape Shape => MigrationShape.Files;

    internal override string Kind => "numbered files";

    /// <summary>A name's version and name, when it is that of a numbered file without suffix.</summary>
    internal static Match NameOf(SourceEntry entry) => entry.IsFolder ? Match.Empty : FileName().Match(entry.Name);

    /// <summary>The suffix of a name that <see cref="NameOf"/> read, in lower case; empty when it has none.</summary>
    internal static string SuffixOf(Match name) => name.Groups["suffix"].Value.ToUpperInvariant() switch
    {
        ".UP" => ".up",
        ".DOWN" => ".down",
        _ => "",
    };

    protected override bool Take(SourceEntry entry)
    {
        var match = NameOf(entry);
        if (!match.Success || SuffixOf(match) == ".up")
        {
            return false;
        }

        if (SuffixOf(match) == ".down")
        {
            return entry.SiblingNamed(entry.Name[..^".down.sql".Length] + ".sql") is not null;
        }

        if (UndoSuffix().Match(entry.Name) is { Success: true } undo)
        {
            Stray(entry.Name, $"an undo script by its {undo.Value[..^4]}: PgOps knows it as .down.sql beside the migration");
            return true;
        }

        if (HalfVersion().IsMatch(entry.Name))
        {
            Stray(entry.Name, "where its version ends is not clear: write the digits together, as in 20240102030405_x.sql");
            return true;
        }

        var version = match.Groups["version"].Value;
        var name = match.Groups["name"].Value;
        Files.Add(new MigrationFile(version, name, entry.FullPath)
        {
            Down = entry.SiblingNamed(entry.Name[..^".sql".Length] + ".down.sql") is { } down
                ? new MigrationFile(version, name, Path.Combine(Path.GetDirectoryName(entry.FullPath)!, down))
                : null,
        });
        return true;
    }

    [GeneratedRegex(@"\.(undo|revert|rollback)\.sql$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UndoSuffix();

    /// <summary>2024-01-02-030405_x.sql: Diesel's version in a file's name.</summary>
    [GeneratedRegex(@"^[0-9]{4}-[0-9]{1,2}-[0-9]", RegexOptions.CultureInvariant)]
    private static partial Regex HalfVersion();

    [GeneratedRegex(
        @"^(?<version>[0-9]+)[_-]+(?<name>.+?)(?<suffix>\.up|\.down)?\.sql$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
