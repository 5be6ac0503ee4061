using System.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>A plain dump, packed or not, as the text that psql shall read: UTF-16 comes as UTF-8, and no mark of byte order.</summary>
internal static class ScriptFile
{
    private const int LongestMark = 3;

    /// <summary>Opens it.</summary>
    internal static Stream Open(string path)
    {
        var mark = MarkOf(path);
        var content = PackedFile.Open(path);
        for (var left = LengthOf(mark); left > 0; left--)
        {
            ReadSome(content, new byte[1]);
        }

        return EncodingOf(mark) is { } encoding ? Encoding.CreateTranscodingStream(content, encoding, new UTF8Encoding(false)) : content;
    }

    /// <summary>Reads it to its end.</summary>
    /// <param name="path">The dump.</param>
    /// <param name="onBlock">Receives the text piece by piece, and how many bytes were read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The text's length in bytes.</returns>
    /// <exception cref="InvalidDataException">It does not unpack, or its end is missing.</exception>
    internal static Task<long> ReadAsync(string path, Action<ReadOnlyMemory<byte>, long> onBlock, CancellationToken cancellationToken)
        => PackedFile.ReadAsync(Open(path), onBlock, cancellationToken);

    /// <summary>The encoding that a mark of byte order tells; null for UTF-8 and for a file without one.</summary>
    internal static Encoding? EncodingOf(ReadOnlySpan<byte> beginning) => beginning switch
    {
        [0xff, 0xfe, ..] => Encoding.Unicode,
        [0xfe, 0xff, ..] => Encoding.BigEndianUnicode,
        _ => null,
    };

    /// <summary>Whether it is in UTF-16, as the <c>&gt;</c> of Windows PowerShell writes what a program says.</summary>
    internal static bool IsWide(string path) => EncodingOf(MarkOf(path)) is not null;

    /// <summary>The first text of a file or of what is packed in it.</summary>
    internal static string TextOf(ReadOnlySpan<byte> beginning)
        => (EncodingOf(beginning) ?? Encoding.UTF8).GetString(beginning[LengthOf(beginning)..]);

    /// <summary>Reads the beginning of a stream that only reads asynchronously, for who cannot wait so.</summary>
    internal static int ReadSome(Stream stream, Memory<byte> buffer)
        => stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false).AsTask().GetAwaiter().GetResult();

    private static byte[] MarkOf(string path)
    {
        using var content = PackedFile.Open(path);
        var mark = new byte[LongestMark];
        return mark[..ReadSome(content, mark)];
    }

    private static int LengthOf(ReadOnlySpan<byte> beginning) => beginning switch
    {
        [0xef, 0xbb, 0xbf, ..] => LongestMark,
        [0xff, 0xfe, ..] or [0xfe, 0xff, ..] => LongestMark - 1,
        _ => 0,
    };
}
