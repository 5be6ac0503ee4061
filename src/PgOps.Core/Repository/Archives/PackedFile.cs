namespace PgOps.Core.Repository.Archives;

/// <summary>A file that is read from end to end, packed or not: a table's file of an archive, byte for byte.</summary>
internal static class PackedFile
{
    private const int Block = 256 * 1024;

    /// <summary>Opens it, unpacked where .NET or the system's library can.</summary>
    internal static Stream Open(string path)
    {
        var file =
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        return Packing.Open(Packing.Of(file), file);
    }

    /// <summary>Reads it to its end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onBlock">Receives the content piece by piece, and how many bytes were read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The content's length in bytes.</returns>
    /// <exception cref="InvalidDataException">It does not unpack, or its end is missing.</exception>
    internal static Task<long> ReadAsync(string path, Action<ReadOnlyMemory<byte>, long> onBlock, CancellationToken cancellationToken)
        => ReadAsync(Open(path), onBlock, cancellationToken);

    /// <summary>Reads what was opened to its end, and disposes of it.</summary>
    internal static async Task<long> ReadAsync(
        Stream stream, Action<ReadOnlyMemory<byte>, long> onBlock, CancellationToken cancellationToken)
    {
        await using var closed = stream.ConfigureAwait(false);
        var buffer = new byte[Block];
        long bytes = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            bytes += read;
            onBlock(buffer.AsMemory(0, read), bytes);
        }

        return bytes;
    }
}
