using System.Globalization;
using System.Text;

namespace PgOps.Core.Sql;

/// <summary>A place in a script, as a person can find and see it.</summary>
internal sealed record ScriptExcerpt
{
    private const int MaximumLength = 160;

    /// <summary>The line, counted from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The column in characters, counted from 1.</summary>
    public required int Column { get; init; }

    /// <summary>The line's text; of a line longer than 160 the part around the column, with an ellipsis at each cut.</summary>
    public required string LineText { get; init; }

    /// <summary>The line with its number, and below it a caret under the column; no line end behind it.</summary>
    public required string Rendered { get; init; }

    /// <summary>Finds the place.</summary>
    /// <param name="text">The script. Lines end with LF, CRLF or CR.</param>
    /// <param name="offset">UTF-16 index into it; brought into its bounds.</param>
    /// <param name="linesLeftOut">How many lines of the file the text lacks before the place.</param>
    /// <returns>The excerpt.</returns>
    public static ScriptExcerpt At(string text, int offset, int linesLeftOut = 0)
    {
        ArgumentNullException.ThrowIfNull(text);
        offset = Math.Clamp(offset, 0, text.Length);
        var lines = new LineCounter(text);
        lines.AdvanceTo(offset);
        var start = lines.LineStart;
        var length = text.AsSpan(start).IndexOfAny('\r', '\n');
        length = length < 0 ? text.Length - start : length;
        var before = Math.Clamp(offset - start, 0, length);
        var line = SecretLiterals.Show(text.Substring(start, length), ref before);
        var shown = Cut(line, ref before);
        var number = (lines.Line + linesLeftOut).ToString(CultureInfo.InvariantCulture).PadLeft(3);
        return new ScriptExcerpt
        {
            Line = lines.Line + linesLeftOut,
            Column = lines.Column,
            LineText = shown,
            Rendered = $"{number} | {shown}\n{new string(' ', number.Length)} | {Indent(shown.AsSpan(0, before))}^",
        };
    }

    private static string Cut(ReadOnlySpan<char> line, ref int before)
    {
        if (line.Length <= MaximumLength)
        {
            return line.ToString();
        }

        var start = Math.Clamp(before - (MaximumLength / 2), 0, line.Length - MaximumLength);
        var end = start + MaximumLength;
        start -= start > 0 && char.IsLowSurrogate(line[start]) ? 1 : 0;
        end += end < line.Length && char.IsLowSurrogate(line[end]) ? 1 : 0;
        var left = start > 0 ? "…" : "";
        before += left.Length - start;
        return $"{left}{line[start..end]}{(end < line.Length ? "…" : "")}";
    }

    /// <summary>White space as wide as the text is on a terminal: tabs stay tabs, wide characters take two places, marks none.</summary>
    private static string Indent(ReadOnlySpan<char> text)
    {
        var indent = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value == '\t' ? indent.Append('\t') : indent.Append(' ', Width(rune));
        }

        return indent.ToString();
    }

    private static int Width(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format => 0,
        _ => rune.Value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3)
            or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6)
            or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD) ? 2 : 1,
    };
}
