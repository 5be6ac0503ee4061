using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Diesel's <c>2023-10-15-093045_x/up.sql</c> with <c>down.sql</c>. The version is what stands before the first underscore, without its
/// dashes, as Diesel itself records it; <c>run_in_transaction = false</c> in <c>metadata.toml</c> is honoured. Hasura's folders are the
/// same but for their versions, which are milliseconds since 1970 and ordered as numbers: one of them tells whose the folder is.
/// </summary>
internal sealed partial class DieselFolders : MigrationSource
{
    private bool _countsMilliseconds;

    internal override MigrationShape Shape => _countsMilliseconds ? MigrationShape.Hasura : MigrationShape.Diesel;

    internal override string Kind => $"{Shape} folders";

    protected override bool Take(SourceEntry entry)
    {
        var up = entry.Within("up.sql");
        if (up is null && entry.Within("down.sql") is null)
        {
            if (entry.Within("up.yaml") is null)
            {
                return false;
            }

            // Hasura's first configuration kept its own metadata among the migrations.
            PassOver(entry.Name, "Hasura's metadata in up.yaml, which no SQL is made of");
            return true;
        }

        if (entry.Within("migration.sql") is not null)
        {
            // Prisma's, with a down script beside it.
            return false;
        }

        var match = FolderName().Match(entry.Name);
        if (up is null || !match.Success)
        {
            Stray(
                up is null ? $"{entry.Name}/down.sql" : $"{entry.Name}/up.sql",
                up is null ? "no up.sql that it could undo" : "the folder's name does not begin with a version");
            return true;
        }

        var version = match.Groups["version"].Value.Replace("-", "", StringComparison.Ordinal);
        var name = match.Groups["name"].Value;
        _countsMilliseconds |= Milliseconds().IsMatch(match.Groups["version"].Value);
        Func<MigrationFile, string, ScriptPart>? section = entry.Within("metadata.toml") is { } metadata
            && NoTransaction().IsMatch(ScriptContent.Read(metadata).Text) ? (_, text) => new ScriptPart(text, false) : null;
        Files.Add(new MigrationFile(version, name, up)
        {
            Section = section,
            Down = entry.Within("down.sql") is { } down ? new MigrationFile(version, name, down) { Section = section } : null,
        });
        return true;
    }

    /// <summary>Behind the time Diesel writes a number in hexadecimal where one second has several migrations.</summary>
    [GeneratedRegex(@"^(?<version>[0-9](?:[0-9a-fA-F-]*[0-9a-fA-F])?)_(?<name>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();

    /// <summary>From 2001 to 2286; no time that is written by its parts has thirteen digits.</summary>
    [GeneratedRegex("^[1-9][0-9]{12}$", RegexOptions.CultureInvariant)]
    private static partial Regex Milliseconds();

    [GeneratedRegex(@"^[ \t]*run_in_transaction[ \t]*=[ \t]*false\b", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex NoTransaction();
}
