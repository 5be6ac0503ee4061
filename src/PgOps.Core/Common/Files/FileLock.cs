using PgOps.Core.Common.Operations;

namespace PgOps.Core.Common.Files;

/// <summary>Files that one process at a time may hold. The operating system frees them when the process ends, however it ends.</summary>
internal static class FileLock
{
    /// <summary>How long to wait for another holder.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Opens a private file for this process alone, and makes it when it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="IOException">Held by another for half a minute, or not to be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">Not writable.</exception>
    internal static Task<FileStream> TakeAsync(string path, CancellationToken cancellationToken)
        => TakeAsync(path, Patience, cancellationToken);

    /// <summary>Opens a private file for this process alone, and makes it when it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="patience">How long to wait for another holder.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="IOException">Held by another all that time, or not to be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">Not writable.</exception>
    internal static async Task<FileStream> TakeAsync(string path, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var polling = new Polling(patience, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(60)); ;)
        {
            try
            {
                var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
                if (!OperatingSystem.IsWindows())
                {
                    options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                }

                return new FileStream(path, options);
            }
            catch (IOException error) when (IsHeld(error) && !polling.IsOver)
            {
                await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether a file could not be opened because another holds it.</summary>
    // EWOULDBLOCK of flock on Linux and macOS, the sharing and lock violations of Windows.
    internal static bool IsHeld(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) is 32 or 33
        : error.HResult is 11 or 35;
}
