using System.Globalization;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Inline COPY data that stay in their file; one line stands for them in the script's text.</summary>
/// <param name="TextOffset">Where that line begins: UTF-16 index into the script's text.</param>
/// <param name="FileOffset">Where the data begin in the file, in bytes.</param>
/// <param name="FileLength">Their length in the file, in bytes.</param>
/// <param name="Lines">How many lines they have.</param>
/// <param name="Sha256">SHA-256 of the data with LF as line ends, in lower-case hex.</param>
internal sealed record StoredData(int TextOffset, long FileOffset, long FileLength, long Lines, string Sha256)
{
    private const string Opening = "(pgops: left out here: ";

    /// <summary>The line that stands for the data.</summary>
    internal string Placeholder => string.Create(
        CultureInfo.InvariantCulture, $"{Opening}{Lines} lines of data, SHA-256 {Sha256})\n");

    /// <summary>Whether a script's data are nothing but such a line.</summary>
    internal static bool IsPlaceholder(ReadOnlySpan<char> data) => data.StartsWith(Opening, StringComparison.Ordinal);
}
