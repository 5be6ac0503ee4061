using System.Globalization;

namespace PgOps.Core.Common.Hashes;

/// <summary>
/// Sums the hashes of rows as COPY writes them: order does not matter, a duplicate does. COPY's text format escapes line ends inside
/// values, so a raw line feed always ends a row (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2).
/// Chunks may break anywhere, and no row is ever held as a whole.
/// </summary>
internal sealed class RowHashSum
{
    private MurmurHash3 _broken;
    private UInt128 _sum;

    /// <summary>Rows seen.</summary>
    internal long Rows { get; private set; }

    /// <summary>The sum so far modulo 2^128 as 32 lower-case hex digits.</summary>
    internal string Digest => _sum.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>The digest of two tables' rows together.</summary>
    internal static string Join(string one, string other)
        => unchecked(Parse(one) + Parse(other)).ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Takes the next chunk of COPY text.</summary>
    /// <param name="chunk">Any piece of the stream.</param>
    internal void Append(ReadOnlySpan<byte> chunk)
    {
        while (true)
        {
            var end = chunk.IndexOf((byte)'\n');
            if (end < 0)
            {
                _broken.Append(chunk);
                return;
            }

            if (_broken.Length == 0)
            {
                _sum = unchecked(_sum + MurmurHash3.Hash(chunk[..end]));
            }
            else
            {
                _broken.Append(chunk[..end]);
                _sum = unchecked(_sum + _broken.Finish());
            }

            Rows++;
            chunk = chunk[(end + 1)..];
        }
    }

    /// <summary>Ends the stream.</summary>
    /// <exception cref="InvalidDataException">The stream broke off inside a row.</exception>
    internal void Complete()
    {
        if (_broken.Length > 0)
        {
            throw new InvalidDataException("The COPY stream broke off inside a row.");
        }
    }

    private static UInt128 Parse(string digest) => UInt128.Parse(digest, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
