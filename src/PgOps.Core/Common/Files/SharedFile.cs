using PgOps.Core.Common.Operations;

namespace PgOps.Core.Common.Files;

/// <summary>Small files that others may be writing.</summary>
internal static class SharedFile
{
    /// <summary>Appends to a file while nobody else does, and waits until the disk has it.</summary>
    /// <param name="path">The file; it is made where it is not there.</param>
    /// <param name="extend">Says, of its bytes, how many stay and what follows them.</param>
    /// <param name="cancellationToken">Gives up waiting for another writer.</param>
    /// <exception cref="IOException">Not writable, not on the disk, or held by another writer for half a minute.</exception>
    /// <exception cref="UnauthorizedAccessException">Not writable.</exception>
    internal static async Task AppendAsync(
        string path, Func<byte[], (int Whole, byte[] Line)> extend, CancellationToken cancellationToken)
    {
        var file = await FileLock.TakeAsync(path, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            var bytes = new byte[file.Length];
            await file.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
            var (whole, line) = extend(bytes);
            file.SetLength(whole);
            file.Position = whole;
            await file.WriteAsync(line, CancellationToken.None).ConfigureAwait(false);
            await file.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            DurableFile.Sync(file.SafeFileHandle, path);
        }
    }

    /// <summary>Its bytes; none when it is not there or not to be read.</summary>
    internal static byte[] Read(string path)
    {
        for (var polling = new Polling(FileLock.Patience, TimeSpan.FromMilliseconds(20)); ;)
        {
            try
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var copy = new MemoryStream();
                stream.CopyTo(copy);
                return copy.ToArray();
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
            {
                return [];
            }
            catch (IOException error) when (FileLock.IsHeld(error) && !polling.IsOver)
            {
                // A writer holds it for a moment.
                polling.Pause();
            }
        }
    }
}
