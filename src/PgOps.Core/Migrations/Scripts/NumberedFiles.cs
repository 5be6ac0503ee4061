using System.Text.RegularExpressions;
using PgOps.Core.Sql;

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

    /// <summary>Whether a .down.sql stands beside the plain file that it undoes.</summary>
    internal static bool IsDownOfPlain(SourceEntry entry) => entry.SiblingNamed(entry.Name[..^".down.sql".Length] + ".sql") is not null;

    protected override bool Take(SourceEntry entry)
    {
        var match = NameOf(entry);
        if (!match.Success || SuffixOf(match) == ".up")
        {
            return false;
        }

        if (SuffixOf(match) == ".down")
        {
            return IsDownOfPlain(entry);
        }

        if (WhyNot(entry.Name) is { } reason)
        {
            Stray(entry.Name, reason);
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

    /// <summary>Names what undoes another file by its name, and would be run as a migration: 1_a_down.sql beside 1_a_up.sql.</summary>
    internal override void Complete()
    {
        var done = Files.Select(file => UpWord().Replace(file.Name, "")).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var begun = Files.Where(file => UpFirst().IsMatch(file.Name)).Select(file => UpFirst().Replace(file.Name, ""))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var file in Files)
        {
            if ((UndoWord().IsMatch(file.Name) && (done.Contains(UndoWord().Replace(file.Name, "")) || OnlyTakesAway(file)))
                || (UndoFirst().IsMatch(file.Name) && begun.Contains(UndoFirst().Replace(file.Name, ""))))
            {
                Stray(Path.GetFileName(file.Path), "an undo script by its name: PgOps knows it as .down.sql beside the migration");
            }
        }
    }

    /// <summary>Whether all that a script does is to drop and to delete.</summary>
    private static bool OnlyTakesAway(MigrationFile file)
        => SqlScript.Parse(file.Text).Statements is { Count: > 0 } statements && statements.All(SectionMarks.TakesAway);

    /// <summary>Why a file with a number in front is no migration; null when it is one.</summary>
    private static string? WhyNot(string name)
        => UndoSuffix().Match(name) is { Success: true } undo
            ? $"an undo script by its {undo.Value[..^4]}: PgOps knows it as .down.sql beside the migration"
            : HalfVersion().IsMatch(name)
                ? "where its version ends is not clear: write the digits together, as in 20240102030405_x.sql"
                : null;

    [GeneratedRegex("(?:^|[_-])(?:down|undo|revert|rollback)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UndoWord();

    [GeneratedRegex("(?:^|[_-])(?:up|do|apply)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UpWord();

    [GeneratedRegex("^(?:down|undo|revert|rollback)[_-]", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UndoFirst();

    [GeneratedRegex("^(?:up|do|apply)[_-]", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UpFirst();

    [GeneratedRegex(@"\.(undo|revert|rollback)\.sql$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UndoSuffix();

    /// <summary>2024-01-02-030405_x.sql: Diesel's version in a file's name.</summary>
    [GeneratedRegex(@"^[0-9]{4}-[0-9]{1,2}-[0-9]", RegexOptions.CultureInvariant)]
    private static partial Regex HalfVersion();

    [GeneratedRegex(
        @"^(?<version>[0-9]+)[_-]+(?<name>.+?)(?<suffix>\.up|\.down)?\.sql$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
