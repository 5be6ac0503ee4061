using System.Numerics;

namespace PgOps.Core.Sql;

/// <summary>
/// The end of inline COPY data: a line of nothing but <c>\.</c>. psql ends a line of data at LF alone, and takes a CR before it. COPY
/// writes a backslash of a value twice, so no row looks like it. Of data that come piece by piece this remembers what the last piece
/// ended with, and what may be the end is held back until the next one.
/// </summary>
internal struct CopyDataEnd
{
    // How many characters of the line at hand are the mark's: -1 when it cannot be the mark.
    private int _seen;

    private static ReadOnlySpan<byte> Mark => "\\.\r"u8;

    /// <summary>Whether what was read ends with the mark, if nothing follows.</summary>
    public readonly bool IsAtMark => _seen >= 2;

    /// <summary>Finds the mark in data that begin with a line and are whole, or end with one.</summary>
    /// <param name="lines">The data, as characters or bytes.</param>
    /// <returns>Where the mark's line begins; -1 when it is not there.</returns>
    public static int IndexIn<T>(ReadOnlySpan<T> lines)
        where T : unmanaged, IBinaryInteger<T>
    {
        ReadOnlySpan<T> mark = [T.CreateTruncating('\\'), T.CreateTruncating('.')];
        var (lf, cr) = (T.CreateTruncating('\n'), T.CreateTruncating('\r'));
        for (var start = 0; ;)
        {
            var found = lines[start..].IndexOf(mark);
            if (found < 0)
            {
                return -1;
            }

            var at = start + found;
            var rest = lines[(at + mark.Length)..];
            rest = !rest.IsEmpty && rest[0] == cr ? rest[1..] : rest;
            if ((at == 0 || lines[at - 1] == lf) && (rest.IsEmpty || rest[0] == lf))
            {
                return at;
            }

            start = at + mark.Length;
        }
    }

    /// <summary>Reads the next piece up to the mark, or as far as it is known to hold data. Ask again until all of it is taken.</summary>
    /// <param name="piece">The piece; what was read is taken from it.</param>
    /// <param name="heldBack">Data of an earlier piece, which come before <paramref name="data"/>.</param>
    /// <param name="data">Data of this piece.</param>
    /// <returns>Whether the data end here; what is left of the piece follows them.</returns>
    public bool Read(ref ReadOnlySpan<byte> piece, out ReadOnlySpan<byte> heldBack, out ReadOnlySpan<byte> data)
    {
        heldBack = data = default;
        for (; _seen >= 0; piece = piece[1..])
        {
            if (piece.IsEmpty)
            {
                return false;
            }

            if (_seen >= 2 && piece[0] == '\n')
            {
                piece = piece[1..];
                _seen = 0;
                return true;
            }

            if (_seen == Mark.Length || piece[0] != Mark[_seen])
            {
                heldBack = Mark[.._seen];
                _seen = -1;
                break;
            }

            _seen++;
        }

        var found = piece.IndexOf("\n\\."u8);
        var length = found >= 0 ? found + 1 : piece.EndsWith("\n\\"u8) ? piece.Length - 1 : piece.Length;
        data = piece[..length];
        piece = piece[length..];
        _seen = length > 0 && data[^1] == '\n' ? 0 : -1;
        return false;
    }
}
