using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>One migration, or the script that undoes it, as its folder holds it.</summary>
internal sealed class MigrationFile
{
    private ScriptContent? _content;
    private string? _checksum;
    private string? _shown;

    internal MigrationFile(string version, string name, string path, ScriptContent? content = null)
    {
        Version = version;
        Name = name;
        Path = path;
        _content = content;
    }

    /// <summary>A migration that the folder does not have.</summary>
    internal static MigrationFile Absent(string version, string name, MigrationKind kind)
        => new(version, name, "", new ScriptContent("", "")) { Kind = kind };

    /// <summary>The same operations of Prisma 8 under another version.</summary>
    internal static MigrationFile OfOperations(string version, MigrationFile file)
        => new(version, file.Name, file.Path, file._content) { Operations = file.Operations };

    /// <summary>The digits that open the name, as written.</summary>
    internal string Version { get; }

    /// <summary>The rest of the name.</summary>
    internal string Name { get; }

    /// <summary>The script; empty when the folder does not have it.</summary>
    internal string Path { get; }

    /// <summary>The script that undoes it; null when the folder has none.</summary>
    internal MigrationFile? Down { get; init; }

    /// <summary>What it is: versioned, repeatable or a seed.</summary>
    internal MigrationKind Kind { get; init; } = MigrationKind.Versioned;

    /// <summary>The language of a migration that is a program, which PgOps cannot run; null for SQL.</summary>
    internal string? Language { get; init; }

    /// <summary>What Prisma 8 would do, as in <c>2 additive, 1 destructive</c>: PgOps shows its statements and does not run them.</summary>
    internal string? Operations { get; init; }

    /// <summary>Whether its tool replaces placeholders in dollar quotes too, so that one there needs a value as well.</summary>
    internal bool PlaceholdersEverywhere { get; init; }

    /// <summary>Values for its placeholders; null where none were given.</summary>
    internal ScriptVariables? Variables { get; set; }

    /// <summary>Whether a backslash in plain quotes is an ordinary character in the session that runs it.</summary>
    internal bool ConformingStrings { get; set; } = true;

    /// <summary>Takes out of the file's text what is to run; null runs the whole text.</summary>
    internal Func<MigrationFile, string, ScriptPart>? Section { get; init; }

    /// <summary>What the file holds, read when it is first asked for.</summary>
    internal ScriptContent Content => _content ??= ScriptContent.Read(Path);

    /// <summary>
    /// The normalised text: no BOM, line ends LF. It is what is run and recorded; of a large file, COPY data are left out.
    /// </summary>
    internal string Text => Content.Text;

    /// <summary>
    /// SHA-256 of the whole normalised text in lower-case hex; of a repeatable or seed after its placeholders were replaced, because a
    /// new value is a reason to run it again.
    /// </summary>
    internal string Checksum => _checksum ??= Variables is null || Variables == ScriptVariables.AsWritten || Kind == MigrationKind.Versioned
        ? Content.Sha256
        : Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(MigrationScript.Read(this).Text)));

    /// <summary>A statement without passwords and without the values of secret placeholders: what is shown of it.</summary>
    /// <param name="sql">The statement's text.</param>
    internal string Hide(string sql) => SecretLiterals.Hide(Variables?.Hide(sql) ?? sql);

    /// <summary>The same of what the server said while the file ran.</summary>
    /// <param name="words">Its words.</param>
    internal string HideIn(string words) => Redaction.ByPattern.Apply(Variables?.Hide(words) ?? words);

    /// <summary>A place in the file, of an offset in <see cref="Text"/>.</summary>
    internal ScriptExcerpt ExcerptAt(int offset) => ScriptExcerpt.At(_shown ??= SecretLiterals.Blank(Text), offset,
        Content.LinesLeftOut(offset));

    /// <summary>What is to run of a text of this file, today's or a recorded one: as long as the text, blank elsewhere.</summary>
    internal ScriptPart PartOf(string text) => Section is null ? ScriptPart.Whole(text) : Section(this, text);

    /// <inheritdoc/>
    public override string ToString() => Kind == MigrationKind.Versioned ? $"{Version}_{Name}" : Version;
}
