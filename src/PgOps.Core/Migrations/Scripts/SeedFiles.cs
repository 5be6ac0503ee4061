namespace PgOps.Core.Migrations.Scripts;

/// <summary>Seeds, in a folder of any shape: <c>seeds/x.sql</c> or <c>x.seed.sql</c>.</summary>
internal sealed class SeedFiles : MigrationSource
{
    private const string Suffix = ".seed.sql";

    internal override MigrationShape Shape => MigrationShape.Empty;

    internal override string Kind => "seeds";

    /// <summary>Names a seed that two files claim.</summary>
    internal override void Complete()
    {
        foreach (var twice in Files.GroupBy(file => file.Version, StringComparer.Ordinal).Where(group => group.Skip(1).Any()))
        {
            Stray(Path.GetFileName(twice.Last().Path), $"another file is the seed {twice.Last().Name} too");
        }
    }

    protected override bool Take(SourceEntry entry)
    {
        if (entry.IsFolder && entry.Name == "seeds")
        {
            foreach (var path in Directory.EnumerateFiles(entry.FullPath).Where(IsScript))
            {
                Add(path, ".sql");
            }

            return true;
        }

        if (entry.IsSql && entry.Name.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase) && entry.Name.Length > Suffix.Length)
        {
            Add(entry.FullPath, Suffix);
            return true;
        }

        return false;
    }

    private static bool IsScript(string path)
        => Path.GetFileName(path)[0] is not ('.' or '_') && path.EndsWith(".sql", StringComparison.OrdinalIgnoreCase);

    private void Add(string path, string suffix)
    {
        var name = Path.GetFileName(path)[..^suffix.Length];
        Files.Add(new MigrationFile($"S__{name}", name, path) { Kind = MigrationKind.Seed });
    }
}
