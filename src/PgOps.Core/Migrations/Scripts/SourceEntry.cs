namespace PgOps.Core.Migrations.Scripts;

/// <summary>A file or subfolder of a migration folder, with its siblings' names.</summary>
internal sealed class SourceEntry
{
    private readonly FileSystemInfo _info;
    private readonly HashSet<string> _siblings;
    private ScriptContent? _content;

    internal SourceEntry(FileSystemInfo info, HashSet<string> siblings)
    {
        _info = info;
        _siblings = siblings;
    }

    internal string Name => _info.Name;

    internal string FullPath => _info.FullName;

    internal bool IsFolder => _info is DirectoryInfo;

    internal bool IsSql => !IsFolder && Name.EndsWith(".sql", StringComparison.OrdinalIgnoreCase);

    /// <summary>What the file holds.</summary>
    internal ScriptContent Content => _content ??= ScriptContent.Read(FullPath);

    /// <summary>The file's normalised text.</summary>
    internal string Text => Content.Text;

    /// <summary>The file of this name in the folder, in whatever case it is written; null when there is none.</summary>
    internal string? SiblingNamed(string name)
        => _siblings.TryGetValue(name, out var same) ? same : null;

    /// <summary>Whether the folder also holds a file of such a name.</summary>
    internal bool HasSibling(Func<string, bool> such) => _siblings.Any(such);

    /// <summary>The path of a file in this subfolder; null when there is none.</summary>
    internal string? Within(string name)
    {
        var path = Path.Combine(FullPath, name);
        return IsFolder && File.Exists(path) ? path : null;
    }
}
