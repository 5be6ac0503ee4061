using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// Removes one backup. In a folder it gets a name that ends in <c>.removing</c> first, in one step, so that at no moment a folder looks
/// complete and lacks files; whatever ends the removal in the middle, the next one finishes it. A store renames nothing: there the list of
/// hashes goes first, and a mark says until the end that the rest is to go.
/// </summary>
internal static class BackupEraser
{
    /// <summary>Removes it.</summary>
    /// <param name="place">The backup's folder, its URI, or a foreign dump's file.</param>
    /// <returns>False when somebody reads it: then it was not touched. A reader of a store is not seen; its hashes will not
    /// agree.</returns>
    /// <exception cref="IOException">It was not removed, or not wholly; what is left ends in <c>.removing</c>.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    /// <exception cref="PgOpsException">The store failed or refused.</exception>
    internal static async Task<bool> TryEraseAsync(string place)
    {
        if (!StoreUri.IsRemote(place))
        {
            return TryErase(place);
        }

        await StoredBackups.DeleteAsync(place, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>
    /// Removes a backup from a store: its list of hashes first, so that whatever interrupts never leaves a valid one; and with a mark
    /// until all is gone, so that the next removal finishes it.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="backup">The backup's name.</param>
    /// <param name="cancellationToken">Stops; a second call removes the rest.</param>
    internal static async Task EraseAsync(RemoteStore store, string backup, CancellationToken cancellationToken)
    {
        // A late listing may lack files that the backup has: its own list names them.
        var listed = await store.ListAsync(backup, cancellationToken).ConfigureAwait(false);
        var named = StoredFiles.Named(await StoredFiles.ListOfAsync(store, backup, cancellationToken).ConfigureAwait(false));
        var list = StoreUri.Join(backup, HashList.FileName);
        var mark = StoreUri.Join(backup, FileEndings.Removing);
        await store.DeleteAsync([list], cancellationToken).ConfigureAwait(false);
        await store.WriteAsync(mark, "This backup is being removed.\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        await store.DeleteAsync(
            [
                .. listed.Select(file => file.Name).Union(named, StringComparer.Ordinal).Select(name => StoreUri.Join(backup, name))
                    .Where(name => name != list && name != mark),
            ],
            cancellationToken).ConfigureAwait(false);
        await store.DeleteAsync([mark], cancellationToken).ConfigureAwait(false);
        await store.RemoveFolderAsync(backup, cancellationToken).ConfigureAwait(false);
    }

    private static bool TryErase(string path)
    {
        if (!BackupReadLock.TryClaim(path, out var claim))
        {
            return false;
        }

        // Windows renames no folder with an open file in it, which keeps readers safe by itself.
        if (OperatingSystem.IsWindows())
        {
            claim?.Dispose();
        }

        using (claim)
        {
            Erase(path);
            return true;
        }
    }

    private static void Erase(string path)
    {
        var parent = Path.GetDirectoryName(path)!;
        var doomed = path;
        if (!path.EndsWith(FileEndings.Removing, StringComparison.Ordinal))
        {
            doomed = path + FileEndings.Removing;
            Rename(path, doomed);
            DurableFile.SyncFolder(parent);
        }

        if (Directory.Exists(doomed))
        {
            Directory.Delete(doomed, recursive: true);
        }
        else
        {
            // The dump's own hash goes first: the marked dump is what brings the next run back here.
            File.Delete(doomed[..^FileEndings.Removing.Length] + ForeignHash.Ending);
            File.Delete(doomed);
        }

        DurableFile.SyncFolder(parent);
    }

    private static void Rename(string path, string doomed)
    {
        if (Directory.Exists(path))
        {
            Directory.Move(path, doomed);
        }
        else
        {
            File.Move(path, doomed);
        }
    }
}
