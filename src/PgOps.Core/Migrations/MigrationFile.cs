using System.Security.Cryptography;
using System.Text;

namespace PgOps.Core.Migrations;

/// <summary>One versioned migration as its folder holds it.</summary>
internal sealed class MigrationFile
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private string? _text;
    private string? _checksum;

    internal MigrationFile(string version, string name, string path)
    {
        Version = version;
        Name = name;
        Path = path;
    }

    /// <summary>The digits that open the name, as written.</summary>
    internal string Version { get; }

    /// <summary>The rest of the name.</summary>
    internal string Name { get; }

    /// <summary>The script.</summary>
    internal string Path { get; }

    /// <summary>The normalised text: no BOM, line ends LF. It is what is hashed, run and recorded.</summary>
    internal string Text => _text ??= Read();

    /// <summary>SHA-256 of the normalised text in lower-case hex.</summary>
#pragma warning disable CA1308 // hex digests are written in lower case everywhere else
    internal string Checksum => _checksum ??= Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Text))).ToLowerInvariant();
#pragma warning restore CA1308

    /// <inheritdoc/>
    public override string ToString() => $"{Version}_{Name}";

    private string Read()
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{Path} cannot be read: {error.Message}", "Nothing was touched.", null, error);
        }

        var content = bytes.AsSpan();
        if (content is [0xEF, 0xBB, 0xBF, ..])
        {
            content = content[3..];
        }
        else if (content is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw Invalid("is encoded in UTF-16, not UTF-8", "Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8NoBOM).");
        }

        if (content.IndexOf((byte)0) is >= 0 and var nul)
        {
            throw Invalid($"holds a NUL byte at offset {nul}, which no SQL text can carry", "Remove it; the file may not be text at all.");
        }

        try
        {
            return StrictUtf8.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (DecoderFallbackException error)
        {
            throw Invalid(
                $"is no valid UTF-8 (byte {error.Index})", "Save it as UTF-8 (iconv -f LATIN1 -t UTF-8 converts an old file).");
        }
    }

    private PgOpsException Invalid(string what, string next)
        => new(PgErrorCode.MigrationScriptInvalid, $"{Path} {what}.", "Nothing was touched.", next);
}
