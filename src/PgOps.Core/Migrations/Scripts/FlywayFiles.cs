using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Flyway's <c>V1__x.sql</c> and <c>V1.2__x.sql</c> (<c>V1_2__x.sql</c> is the same version), <c>U1__x.sql</c> that undoes, and
/// <c>R__x.sql</c>, which runs again whenever it changes.
/// </summary>
internal sealed partial class FlywayFiles : MigrationSource
{
    private readonly List<MigrationFile> _repeatables = [];
    private readonly List<(string Version, string Path)> _undos = [];
    private readonly List<(string Version, string Name, string Path)> _versioned = [];

    internal override MigrationShape Shape => MigrationShape.Flyway;

    internal override string Kind => "Flyway files";

    internal override IReadOnlyList<MigrationFile> Repeatables => _repeatables;

    /// <summary>Joins the scripts and what undoes them, once all are known.</summary>
    internal override void Complete()
    {
        foreach (var (version, name, path) in _versioned)
        {
            var undo = _undos.Find(undo => MigrationVersion.Order.Equals(undo.Version, version)).Path;
            Files.Add(new MigrationFile(version, name, path) { Down = undo is null ? null : new MigrationFile(version, name, undo) });
        }

        foreach (var undo in _undos.Where(undo => !_versioned.Exists(file => MigrationVersion.Order.Equals(undo.Version, file.Version))))
        {
            Stray(Path.GetFileName(undo.Path), $"no V{undo.Version}__….sql that it could undo");
        }

        foreach (var twice in _undos.GroupBy(undo => undo.Version, MigrationVersion.Order).Where(group => group.Skip(1).Any()))
        {
            Stray(Path.GetFileName(twice.Last().Path), $"a second script that undoes version {twice.Key}");
        }
    }

    protected override bool Take(SourceEntry entry)
    {
        var match = entry.IsFolder ? Match.Empty : FileName().Match(entry.Name);
        if (!match.Success)
        {
            return false;
        }

        var version = match.Groups["version"].Value.Replace('_', '.');
        var name = match.Groups["name"].Value;
        switch (match.Groups["kind"].Value)
        {
            case "V":
                _versioned.Add((version, name, entry.FullPath));
                break;
            case "U":
                _undos.Add((version, entry.FullPath));
                break;
            default:
                _repeatables.Add(new MigrationFile($"R__{name}", name, entry.FullPath) { Kind = MigrationKind.Repeatable });
                break;
        }

        return true;
    }

    [GeneratedRegex(
        @"^(?:(?<kind>[VU])(?<version>[0-9]+(?:[._][0-9]+)*)|(?<kind>R))__(?<name>.+)\.sql$", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
