namespace PgOps.Core.Sql;

/// <summary>
/// Turns rising offsets of one text into lines and columns, reading the text once. Lines end with LF, CRLF or CR; a column counts
/// characters (Unicode scalar values); a byte order mark at the start is not a character.
/// </summary>
internal struct LineCounter(string text)
{
    private int _offset = text.StartsWith('\uFEFF') ? 1 : 0;

    /// <summary>The line of the offset last advanced to, counted from 1.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>Its column, counted from 1.</summary>
    public int Column { get; private set; } = 1;

    /// <summary>Where its line begins.</summary>
    public int LineStart { get; private set; } = text.StartsWith('\uFEFF') ? 1 : 0;

    /// <summary>Goes on to an offset; one that lies behind is ignored.</summary>
    /// <param name="offset">UTF-16 index into the text.</param>
    public void AdvanceTo(int offset)
    {
        while (_offset < offset)
        {
            var found = text.AsSpan(_offset, offset - _offset).IndexOfAny('\n', '\r');
            if (found < 0)
            {
                CountCharacters(offset);
                return;
            }

            var end = _offset + found;
            if (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n')
            {
                if (end + 1 == offset)
                {
                    CountCharacters(offset);
                    return;
                }

                end++;
            }

            Line++;
            Column = 1;
            _offset = LineStart = end + 1;
        }
    }

    private void CountCharacters(int offset)
    {
        for (; _offset < offset; _offset++)
        {
            Column += char.IsLowSurrogate(text[_offset]) ? 0 : 1;
        }
    }
}
