using System.Globalization;
using System.IO.Hashing;

namespace PgOps.Core.Common.Hashes;

/// <summary>
/// Sums XxHash128 (seed 0) of the rows as COPY writes them: order does not matter, a duplicate does. COPY's text format escapes line ends
/// inside values, so a raw line feed always ends a row (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2). Chunks may
/// break anywhere, and no row is ever held as a whole.
/// </summary>
internal sealed class RowHashSum
{
    // The beginning of a row that the last chunk broke off in.
    private readonly XxHash128 _broken = new();
    private bool _isBroken;
    private UInt128 _sum;

    /// <summary>Rows seen.</summary>
    internal long Rows { get; private set; }

    /// <summary>The sum so far modulo 2^128 as 32 lower-case hex digits.</summary>
    internal string Digest => _sum.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>The digest of two tables' rows together.</summary>
    internal static string Join(string one, string other)
        => unchecked(Parse(one) + Parse(other)).ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Takes a whole row.</summary>
    /// <param name="row">Its text without the line end.</param>
    internal void Add(ReadOnlySpan<byte> row)
    {
        _sum = unchecked(_sum + XxHash128.HashToUInt128(row));
        Rows++;
    }

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
                _isBroken |= chunk.Length > 0;
                return;
            }

            if (!_isBroken)
            {
                Add(chunk[..end]);
            }
            else
            {
                _broken.Append(chunk[..end]);
                _sum = unchecked(_sum + _broken.GetCurrentHashAsUInt128());
                _broken.Reset();
                _isBroken = false;
                Rows++;
            }

            chunk = chunk[(end + 1)..];
        }
    }

    /// <summary>Ends the stream.</summary>
    /// <exception cref="InvalidDataException">The stream broke off inside a row.</exception>
    internal void Complete()
    {
        if (_isBroken)
        {
            throw new InvalidDataException("The COPY stream broke off inside a row.");
        }
    }

    private static UInt128 Parse(string digest) => UInt128.Parse(digest, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
