namespace PgOps.Core.Repository.Archives;

/// <summary>Looks for the end of a tar archive. pg_restore must not be given one that lacks it: it then reads for ever.</summary>
internal static class TarEnd
{
    private const int Block = 512;
    private const int SizeOffset = 124;
    private const int SizeLength = 12;

    /// <summary>Goes from header to header and reads nothing else.</summary>
    /// <param name="path">The archive.</param>
    /// <exception cref="InvalidDataException">It breaks off, or is not a tar archive.</exception>
    internal static void Require(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var header = new byte[Block];
        var zeros = 0;
        while (file.ReadAtLeast(header, Block, throwOnEndOfStream: false) == Block)
        {
            // The end is marked by two blocks of zeros (POSIX.1-1988, ustar).
            zeros = header.AsSpan().ContainsAnyExcept((byte)0) ? 0 : zeros + 1;
            if (zeros == 2)
            {
                return;
            }

            var next = file.Position + LengthOf(header);
            if (next < file.Position || next > file.Length)
            {
                break;
            }

            file.Position = next;
        }

        throw new InvalidDataException("the tar archive breaks off before its end");
    }

    /// <summary>The bytes of whole blocks that follow a member's header.</summary>
    /// <exception cref="InvalidDataException">The header cannot be read.</exception>
    internal static long LengthOf(ReadOnlySpan<byte> header) => (SizeOf(header.Slice(SizeOffset, SizeLength)) + Block - 1) / Block * Block;

    /// <summary>A member's size: octal digits or, from 8 GiB on, a binary number with its first bit set.</summary>
    private static long SizeOf(ReadOnlySpan<byte> field)
    {
        var binary = field[0] >= 0x80;
        long size = 0;
        foreach (var digit in binary ? field[4..] : field)
        {
            if (!binary && digit is < (byte)'0' or > (byte)'7')
            {
                if (digit is 0 or (byte)' ')
                {
                    continue;
                }

                throw new InvalidDataException("a header of the tar archive cannot be read");
            }

            size = binary ? (size << 8) | digit : (size << 3) | (uint)(digit - '0');
        }

        return size;
    }
}
