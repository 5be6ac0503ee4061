using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Migrations.Sources;

namespace PgOps.Core.Migrations;

/// <summary>One migration, or the script that undoes it, as its folder holds it.</summary>
internal sealed class MigrationFile
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private string? _text;
    private string? _checksum;

    internal MigrationFile(string version, string name, string path, string? text = null)
    {
        Version = version;
        Name = name;
        Path = path;
        _text = text;
    }

    /// <summary>The digits that open the name, as written.</summary>
    internal string Version { get; }

    /// <summary>The rest of the name.</summary>
    internal string Name { get; }

    /// <summary>The script.</summary>
    internal string Path { get; }

    /// <summary>The script that undoes it; null when the folder has none.</summary>
    internal MigrationFile? Down { get; init; }

    /// <summary>The history's word for it: versioned, repeatable or seed.</summary>
    internal string Kind { get; init; } = HistoryRow.Versioned;

    /// <summary>Values for its placeholders; null leaves them as they are.</summary>
    internal ScriptVariables? Variables { get; set; }

    /// <summary>Takes out of the file's text what is to run; null runs the whole text.</summary>
    internal Func<MigrationFile, string, ScriptPart>? Section { get; init; }

    /// <summary>The normalised text: no BOM, line ends LF. It is what is hashed, run and recorded.</summary>
    internal string Text => _text ??= ReadText(Path);

    /// <summary>
    /// SHA-256 of the normalised text in lower-case hex; of a repeatable or seed after its placeholders were replaced, because a new
    /// value is a reason to run it again.
    /// </summary>
#pragma warning disable CA1308 // hex digests are written in lower case everywhere else
    internal string Checksum => _checksum ??= Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(
        Variables is null || Kind == HistoryRow.Versioned ? Text : MigrationScript.Read(this).Text))).ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>What is to run of a text of this file, today's or a recorded one: as long as the text, blank elsewhere.</summary>
    internal ScriptPart PartOf(string text) => Section is null ? ScriptPart.Whole(text) : Section(this, text);

    /// <inheritdoc/>
    public override string ToString() => Kind == HistoryRow.Versioned ? $"{Version}_{Name}" : Version;

    /// <summary>A script's normalised text.</summary>
    internal static string ReadText(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{path} cannot be read: {error.Message}", "Nothing was touched.", null, error);
        }

        var content = bytes.AsSpan();
        if (content is [0xEF, 0xBB, 0xBF, ..])
        {
            content = content[3..];
        }
        else if (content is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw Invalid(path, "is encoded in UTF-16, not UTF-8", "Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8NoBOM).");
        }

        if (content.IndexOf((byte)0) is >= 0 and var nul)
        {
            throw Invalid(path, $"holds a NUL byte at offset {nul}, which no SQL text can carry", "Remove it; the file may not be text at all.");
        }

        try
        {
            return StrictUtf8.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (DecoderFallbackException error)
        {
            throw Invalid(
                path, $"is no valid UTF-8 (byte {error.Index})", "Save it as UTF-8 (iconv -f LATIN1 -t UTF-8 converts an old file).");
        }
    }

    private static PgOpsException Invalid(string path, string what, string next)
        => new(PgErrorCode.MigrationScriptInvalid, $"{path} {what}.", "Nothing was touched.", next);
}
