namespace PgOps.Core.Migrations.Sources;

/// <summary>golang-migrate's and sqlx's <c>1_x.up.sql</c> with <c>1_x.down.sql</c>.</summary>
internal sealed class UpDownPairs : MigrationSource
{
    internal override MigrationShape Shape => MigrationShape.Pairs;

    internal override string Kind => "pairs of .up.sql and .down.sql";

    protected override bool Take(SourceEntry entry)
    {
        var match = NumberedFiles.NameOf(entry);
        switch (match.Groups["suffix"].Value)
        {
            case ".down":
                return entry.HasSibling(entry.Name[..^".down.sql".Length] + ".up.sql");
            case ".up":
                var version = match.Groups["version"].Value;
                var name = match.Groups["name"].Value;
                var down = entry.Name[..^".up.sql".Length] + ".down.sql";
                Files.Add(new MigrationFile(version, name, entry.FullPath)
                {
                    Down = entry.HasSibling(down)
                        ? new MigrationFile(version, name, Path.Combine(Path.GetDirectoryName(entry.FullPath)!, down))
                        : null,
                });
                return true;
            default:
                return false;
        }
    }
}
