using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Numbered files that hold in one text what is done and what undoes it, told apart by a tool's marks.</summary>
internal abstract class SectionedFiles : MigrationSource
{
    /// <summary>Whether a text has one of the tool's marks.</summary>
    protected abstract bool IsMarked(string text);

    /// <summary>Whether a text has a section that undoes it, be it empty.</summary>
    protected abstract bool HasDown(string text);

    /// <summary>The two sections of a text.</summary>
    /// <exception cref="PgOpsException">MigrationScriptInvalid: the marks make no sections.</exception>
    protected abstract (ScriptPart Up, ScriptPart Down) Sections(MigrationFile file, string text);

    /// <summary>Whether one of these marks is a comment, not part of a string or of data.</summary>
    protected static bool AnyIsComment(string text, IEnumerable<Match> marks)
    {
        var comments = new Lazy<HashSet<int>>(() => SqlScript.Parse(text).Comments.Select(comment => comment.Offset).ToHashSet());
        return marks.Any(mark => comments.Value.Contains(mark.Index + mark.Value.IndexOf('-', StringComparison.Ordinal)));
    }

    protected override bool Take(SourceEntry entry)
    {
        var match = NumberedFiles.NameOf(entry);
        if (!match.Success || match.Groups["suffix"].Success || !IsMarked(entry.Text))
        {
            return false;
        }

        var version = match.Groups["version"].Value;
        var name = match.Groups["name"].Value;
        Files.Add(new MigrationFile(version, name, entry.FullPath, entry.Content)
        {
            Section = (file, text) => Sections(file, text).Up,
            Down = HasDown(entry.Text)
                ? new MigrationFile(version, name, entry.FullPath, entry.Content) { Section = (file, text) => Sections(file, text).Down }
                : null,
        });
        return true;
    }
}
