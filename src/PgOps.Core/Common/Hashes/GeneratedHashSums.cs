using System.Buffers;

namespace PgOps.Core.Common.Hashes;

/// <summary>
/// Cuts COPY text whose last columns are generated ones: a sum over what stands before them, and one for each of them. A tab inside a
/// value is written as <c>\t</c>, so that every tab separates.
/// </summary>
internal sealed class GeneratedHashSums
{
    private readonly RowHashSum[] _generated;
    private readonly bool _alone;
    private readonly ArrayBufferWriter<byte> _broken = new();

    /// <param name="generated">How many generated columns there are.</param>
    /// <param name="alone">Whether nothing stands before them: the row without them is an empty line.</param>
    internal GeneratedHashSums(int generated, bool alone)
    {
        _generated = [.. Enumerable.Range(0, generated).Select(_ => new RowHashSum())];
        _alone = alone;
    }

    /// <summary>The sum over the rows without the generated columns.</summary>
    internal RowHashSum Rows { get; } = new();

    /// <summary>The digest of each generated column, in order.</summary>
    internal IReadOnlyList<string> Digests => [.. _generated.Select(column => column.Digest)];

    /// <summary>Takes the next chunk of COPY text.</summary>
    /// <param name="chunk">Any piece of the stream.</param>
    internal void Append(ReadOnlySpan<byte> chunk)
    {
        while (chunk.IndexOf((byte)'\n') is var end && end >= 0)
        {
            if (_broken.WrittenCount == 0)
            {
                Take(chunk[..end]);
            }
            else
            {
                _broken.Write(chunk[..end]);
                Take(_broken.WrittenSpan);
                _broken.ResetWrittenCount();
            }

            chunk = chunk[(end + 1)..];
        }

        _broken.Write(chunk);
    }

    /// <summary>Ends the stream.</summary>
    /// <exception cref="InvalidDataException">The stream broke off inside a row.</exception>
    internal void Complete()
    {
        if (_broken.WrittenCount > 0)
        {
            throw new InvalidDataException("The COPY stream broke off inside a row.");
        }
    }

    private void Take(ReadOnlySpan<byte> row)
    {
        for (var place = _generated.Length - 1; place >= 0; place--)
        {
            var tab = row.LastIndexOf((byte)'\t');
            _generated[place].Add(row[(tab + 1)..]);
            row = tab < 0 ? [] : row[..tab];
        }

        Rows.Add(_alone ? [] : row);
    }
}
