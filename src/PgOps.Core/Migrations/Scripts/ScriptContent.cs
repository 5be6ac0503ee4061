using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// A script file's normalised text (no byte order mark, line ends LF) and its checksum. Of a large file the inline COPY data stay
/// where they are (<see cref="LargeScript"/>).
/// </summary>
internal sealed class ScriptContent
{
    /// <summary>A file longer than this many bytes is read by blocks.</summary>
    internal const int LargestInMemory = 4 * 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly IReadOnlyList<StoredData> _stored;
    private string? _sha256;

    internal ScriptContent(string text, string? sha256 = null, IReadOnlyList<StoredData>? stored = null)
    {
        Text = text;
        _sha256 = sha256;
        _stored = stored ?? [];
    }

    /// <summary>The text, with one line in the place of data that stay in the file.</summary>
    internal string Text { get; }

    /// <summary>SHA-256 of the whole normalised text, data included, in lower-case hex.</summary>
    internal string Sha256 => _sha256 ??= Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    /// <summary>The data that begin at an offset of the text; null when what stands there are the data themselves.</summary>
    internal StoredData? StoredAt(int offset) => _stored.FirstOrDefault(data => data.TextOffset == offset);

    /// <summary>How many lines of the file the text lacks before an offset.</summary>
    internal int LinesLeftOut(int offset) => (int)_stored.Where(data => data.TextOffset < offset).Sum(data => data.Lines - 1);

    /// <summary>Reads a file.</summary>
    /// <exception cref="PgOpsException">PathInaccessible; MigrationScriptInvalid for UTF-16, a NUL byte and what is not UTF-8.</exception>
    internal static ScriptContent Read(string path)
    {
        try
        {
            // A pipe or a device has no length and is read whole.
            return new FileInfo(path) is { Length: > LargestInMemory }
                ? LargeScript.Read(path)
                : new ScriptContent(Decode(path, File.ReadAllBytes(path)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{path} cannot be read: {error.Message}", "Nothing was touched.", null, error);
        }
    }

    /// <summary>The length of the byte order mark that a file begins with.</summary>
    /// <exception cref="PgOpsException">MigrationScriptInvalid: it is that of UTF-16.</exception>
    internal static int MarkLength(string path, ReadOnlySpan<byte> content) => content switch
    {
        [0xEF, 0xBB, 0xBF, ..] => 3,
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] => throw Invalid(
            path, "is encoded in UTF-16, not UTF-8", "Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8NoBOM)."),
        _ => 0,
    };

    internal static PgOpsException HoldsNul(string path, long offset) => Invalid(
        path, $"holds a NUL byte at offset {offset}, which no SQL text can carry", "Remove it; the file may not be text at all.");

    internal static PgOpsException NoUtf8(string path, long offset) => Invalid(
        path, $"is not valid UTF-8 (byte {offset})",
        "Save it as UTF-8 (iconv -f LATIN1 -t UTF-8 converts an old file; a SET client_encoding in it then goes).");

    /// <summary>The index of the first byte that is not UTF-8, of bytes that hold one.</summary>
    internal static int FirstInvalid(ReadOnlySpan<byte> content)
    {
        try
        {
            return StrictUtf8.GetCharCount(content);
        }
        catch (DecoderFallbackException error)
        {
            return error.Index;
        }
    }

    private static string Decode(string path, ReadOnlySpan<byte> content)
    {
        content = content[MarkLength(path, content)..];
        if (content.IndexOf((byte)0) is >= 0 and var nul)
        {
            throw HoldsNul(path, nul);
        }

        if (content.StartsWith("version https://git-lfs.github.com/spec/"u8))
        {
            throw Invalid(path, "is a pointer of Git LFS, not the file that it stands for", "Fetch the file: git lfs pull.");
        }

        try
        {
            return StrictUtf8.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (DecoderFallbackException error)
        {
            throw NoUtf8(path, error.Index);
        }
    }

    private static PgOpsException Invalid(string path, string what, string next)
        => new(PgErrorCode.MigrationScriptInvalid, $"{path} {what}.", "Nothing was touched.", next);
}
