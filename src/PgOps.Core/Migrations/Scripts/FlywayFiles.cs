using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Flyway's <c>V1__x.sql</c> and <c>V1.2__x.sql</c> (<c>V1_2__x.sql</c> is the same version), <c>U1__x.sql</c> that undoes, and
/// <c>R__x.sql</c>, which runs again whenever it changes. <c>B3__x.sql</c> stands for all up to version 3: where none of those is left, it
/// is version 3. <c>V1__x.sql.conf</c> says whether its script runs in a transaction.
/// </summary>
internal sealed partial class FlywayFiles : MigrationSource
{
    private readonly List<(string Name, string Path)> _always = [];
    private readonly List<(string Version, string Path)> _undos = [];
    private readonly List<(string Version, string Name, string Path)> _versioned = [];
    private readonly List<(string Version, string Name, string Path)> _baselines = [];
    private readonly HashSet<string> _outside = new(StringComparer.OrdinalIgnoreCase);

    internal override MigrationShape Shape => MigrationShape.Flyway;

    internal override string Kind => "Flyway files";

    internal override IReadOnlyList<MigrationFile> Repeatables
        => _always.ConvertAll(file => Script($"R__{file.Name}", file.Name, file.Path, MigrationKind.Repeatable, null));

    /// <summary>Joins the scripts and what undoes them, once all are known.</summary>
    internal override void Complete()
    {
        CompleteBaselines();
        foreach (var (version, name, path) in _versioned)
        {
            var undo = _undos.Find(undo => MigrationVersion.Order.Equals(undo.Version, version)).Path;
            Files.Add(Script(version, name, path, MigrationKind.Versioned, undo is null
                ? null
                : Script(version, name, undo, MigrationKind.Versioned, null)));
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

        if (match.Groups["conf"].Success)
        {
            ReadConfiguration(entry);
            return true;
        }

        var version = match.Groups["version"].Value.Replace('_', '.');
        var name = match.Groups["name"].Value;
        switch (match.Groups["kind"].Value)
        {
            case "V":
                _versioned.Add((version, name, entry.FullPath));
                break;
            case "B":
                _baselines.Add((version, name, entry.FullPath));
                break;
            case "U":
                _undos.Add((version, entry.FullPath));
                break;
            default:
                _always.Add((name, entry.FullPath));
                break;
        }

        return true;
    }

    /// <summary>
    /// The newest script that stands for all before it is one of them where they are gone; else they come to the same end.
    /// </summary>
    private void CompleteBaselines()
    {
        var newest = _baselines.OrderBy(file => file.Version, MigrationVersion.Order).LastOrDefault();
        foreach (var baseline in _baselines)
        {
            if (baseline == newest && !_versioned.Exists(file => MigrationVersion.Order.Compare(file.Version, newest.Version) <= 0))
            {
                _versioned.Add(newest);
            }
            else
            {
                PassOver(Path.GetFileName(baseline.Path), "the versions that it stands for are there, or a newer one of its kind is");
            }
        }
    }

    private MigrationFile Script(string version, string name, string path, MigrationKind kind, MigrationFile? down)
        => new(version, name, path)
        {
            Kind = kind,
            Down = down,
            PlaceholdersEverywhere = true,
            Section = _outside.Contains(path) ? (_, text) => new ScriptPart(text, false) : null,
        };

    private void ReadConfiguration(SourceEntry entry)
    {
        var script = entry.Name[..^".conf".Length];
        if (entry.SiblingNamed(script) is null)
        {
            Stray(entry.Name, $"no {script} that it could configure");
            return;
        }

        foreach (var line in entry.Text.Split('\n').Select(line => line.Trim()).Where(line
            => line.Length > 0 && line[0] is not ('#' or '!')))
        {
            switch (string.Concat(line.Where(letter => !char.IsWhiteSpace(letter))).ToUpperInvariant())
            {
                case "EXECUTEINTRANSACTION=FALSE":
                    _outside.Add(Path.Combine(Path.GetDirectoryName(entry.FullPath)!, script));
                    break;
                case "EXECUTEINTRANSACTION=TRUE" or "ENCODING=UTF-8":
                    break;
                default:
                    Stray(entry.Name, $"'{line}' is not read here; executeInTransaction is");
                    break;
            }
        }
    }

    [GeneratedRegex(
        @"^(?:(?<kind>[VUB])(?<version>[0-9]+(?:[._][0-9]+)*)|(?<kind>R))__(?<name>.+)\.sql(?<conf>\.conf)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
