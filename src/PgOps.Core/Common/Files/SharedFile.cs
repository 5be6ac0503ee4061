using PgOps.Core.Common.Operations;

namespace PgOps.Core.Common.Files;

/// <summary>Small files that others may be writing.</summary>
internal static class SharedFile
{
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
