using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>A store that is no folder of this machine: nothing can be renamed in it, so the list of hashes goes last and says complete.</summary>
internal abstract class RemoteStore : BackupStore
{
    /// <summary>Names the place.</summary>
    protected RemoteStore(StoreUri uri)
        : base(uri)
    {
    }

    /// <summary>Opens a store.</summary>
    /// <param name="uri">The place.</param>
    /// <param name="throttle">Limits what is sent; what is fetched is limited by the reader.</param>
    /// <exception cref="PgOpsException">StoreInvalid; ToolMissing for rclone.</exception>
    internal static RemoteStore Open(StoreUri uri, Throttle throttle)
        => uri.Kind == StoreKind.S3 ? new S3Store(uri, throttle) : new RcloneStore(uri);

    /// <summary>Writes a small file, replacing what is there.</summary>
    internal abstract Task WriteAsync(string name, byte[] content, CancellationToken cancellationToken);

    /// <summary>
    /// Sends files of a backup. One that was begun before goes on where it stopped, where the service can. After a failure there may be
    /// files of a backup that has no list of hashes, and parts that the next run takes up.
    /// </summary>
    /// <param name="source">Where they come from.</param>
    /// <param name="backup">The backup's name, the same on both sides.</param>
    /// <param name="files">The files with their right hashes.</param>
    /// <param name="meter">Counts what was sent.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="PgOpsException">StoreFailed; BackupDamaged when a source's file is not what its hash says.</exception>
    internal abstract Task SendAsync(
        BackupStore source, string backup, IReadOnlyList<HashedFile> files, TransferMeter meter, CancellationToken cancellationToken);

    /// <summary>Which files of a backup are there with exactly these hashes: by the service's own SHA-256, or else by reading them back.</summary>
    /// <returns>The names of those.</returns>
    internal abstract Task<IReadOnlySet<string>> MatchingAsync(
        string backup, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken);

    /// <summary>Removes files; one that is not there is no error.</summary>
    internal abstract Task DeleteAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>
    /// Removes a backup: its list of hashes first, so that whatever interrupts never leaves a valid one; and with a mark until all is gone,
    /// so that the next removal finishes it.
    /// </summary>
    /// <param name="backup">The backup's name.</param>
    /// <param name="cancellationToken">Stops; a second call removes the rest.</param>
    internal virtual async Task DeleteBackupAsync(string backup, CancellationToken cancellationToken)
    {
        var files = await ListAsync(backup, cancellationToken).ConfigureAwait(false);
        var list = StoreUri.Join(backup, HashList.FileName);
        var mark = StoreUri.Join(backup, FileEndings.Removing);
        await DeleteAsync([list], cancellationToken).ConfigureAwait(false);
        await WriteAsync(mark, "This backup is being removed.\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        await DeleteAsync(
            [.. files.Select(file => StoreUri.Join(backup, file.Name)).Where(name => name != list && name != mark)],
            cancellationToken).ConfigureAwait(false);
        await DeleteAsync([mark], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Compares by reading every byte back.</summary>
    protected async Task<IEnumerable<string>> ReadBackAsync(
        string backup, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken)
    {
        var read = await HashAsync(
            backup, [.. files.Select(file => new StoredFile(file.Name, file.Bytes, default))], TransferMeter.Silent, cancellationToken).ConfigureAwait(false);
        return read.Where(files.Contains).Select(file => file.Name);
    }

    /// <summary>The error about a source's file that is not what its hash says.</summary>
    protected static PgOpsException DamagedSource(BackupStore source, string backup, string name) => new(
        PgErrorCode.BackupDamaged,
        $"{source.Uri.Child(backup)}: {name} is not what {HashList.FileName} says.",
        "The backup was not copied; what was sent of it is incomplete and is not listed as a backup.",
        "Test-PgBackup says what is damaged. Copy another backup, or another copy of this one.");
}
