using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Repository;

/// <summary>
/// Says that a backup is being read, so that it is not removed meanwhile: a shared lock of the operating system on its list of hashes,
/// or on a foreign dump itself. Nothing is written, so a reader needs no right to write, and a killed reader's lock goes with it.
/// </summary>
internal sealed class BackupReadLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly FileStream? _file;

    private BackupReadLock(FileStream? file)
    {
        _file = file;
    }

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The backup.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lock; an empty one when the backup lacks the file, which whoever reads it will find out.</returns>
    /// <exception cref="PgOpsException">BackupDamaged: it is being removed.</exception>
    internal static async Task<BackupReadLock> TakeAsync(string path, CancellationToken cancellationToken)
    {
        for (var polling = new Polling(Patience, TimeSpan.FromMilliseconds(50)); ;)
        {
            try
            {
                return new BackupReadLock(new FileStream(FileOf(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1));
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
            {
                return new BackupReadLock(null);
            }
            catch (IOException error)
            {
                if (!FileLock.IsHeld(error))
                {
                    return new BackupReadLock(null);
                }

                if (polling.IsOver)
                {
                    throw new PgOpsException(
                        PgErrorCode.BackupDamaged, $"{path} is being removed.", "It was not read.",
                        "Take another backup: Get-PgBackup lists them.", error);
                }

                // Whoever only looks whether it is in use holds it for a moment.
                await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Keeps readers out while a backup is removed.</summary>
    /// <param name="path">The backup.</param>
    /// <param name="claim">The claim; null when there is no file to lock, and so no reader either.</param>
    /// <returns>False when somebody reads the backup.</returns>
    internal static bool TryClaim(string path, out IDisposable? claim)
    {
        claim = null;
        try
        {
            var file = FileOf(path);
            if (File.Exists(file))
            {
                // Opened for writing, for some network file systems lock nothing else exclusively.
                claim = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            }

            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (IOException error) when (FileLock.IsHeld(error))
        {
            return false;
        }
    }

    /// <summary>Whether somebody reads a backup. One that may not be written cannot be removed either, and counts as unread.</summary>
    internal static bool IsHeld(string path)
    {
        try
        {
            var free = TryClaim(path, out var claim);
            claim?.Dispose();
            return !free;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Releases the lock.</summary>
    public void Dispose() => _file?.Dispose();

    private static string FileOf(string path)
    {
        if (!Directory.Exists(path))
        {
            return path;
        }

        var list = Path.Combine(path, HashList.FileName);
        return File.Exists(list) ? list : Path.Combine(path, "toc.dat");
    }
}
