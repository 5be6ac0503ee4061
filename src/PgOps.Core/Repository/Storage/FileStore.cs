using System.Collections.Concurrent;
using System.Security.Cryptography;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>A place for files, to read from. Names are paths below it, with forward slashes. What the files are it does not know.</summary>
internal abstract class FileStore : IDisposable
{
    /// <summary>Files that are moved side by side.</summary>
    protected const int FilesAtOnce = 4;

    private const int BufferSize = 256 * 1024;

    /// <summary>Names the place.</summary>
    protected FileStore(StoreUri uri)
    {
        Uri = uri;
    }

    /// <summary>The place.</summary>
    internal StoreUri Uri { get; }

    /// <summary>Opens a place for reading.</summary>
    /// <exception cref="PgOpsException">StoreInvalid; ToolMissing for rclone.</exception>
    internal static FileStore Open(StoreUri uri)
        => uri.Kind == StoreKind.Folder ? new FolderStore(uri) : RemoteStore.Open(uri, new Throttle(null));

    /// <summary>All files below a folder; none when there is no such folder.</summary>
    /// <param name="folder">The folder; empty lists everything.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal abstract Task<IReadOnlyList<StoredFile>> ListAsync(string folder, CancellationToken cancellationToken);

    /// <summary>Whether a listing may lag behind what was written and removed; <see cref="SeekAsync"/> asks for files by name.</summary>
    internal virtual bool ListsLate => false;

    /// <summary>Asks one by one for files, which <see cref="ListAsync"/> may show too late.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="names">The files.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Those that are there; none where no listing is late.</returns>
    internal virtual Task<IReadOnlyList<StoredFile>> SeekAsync(
        string folder, IReadOnlyList<string> names, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<StoredFile>>([]);

    /// <summary>Opens a file for reading, forward only.</summary>
    internal abstract Task<Stream> OpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>Reads small files.</summary>
    /// <returns>Content by name; a file that is not there is left out.</returns>
    internal virtual async Task<IReadOnlyDictionary<string, byte[]>> ReadAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var contents = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        await SideBySideAsync(names, async (name, token) =>
        {
            try
            {
                var stream = await OpenAsync(name, token).ConfigureAwait(false);
                await using var closing = stream.ConfigureAwait(false);
                using var copy = new MemoryStream();
                await stream.CopyToAsync(copy, token).ConfigureAwait(false);
                contents[name] = copy.ToArray();
            }
            catch (PgOpsException error) when (error.Code == PgErrorCode.PathNotFound)
            {
                // Gone since it was listed, or never there.
            }
        }, cancellationToken).ConfigureAwait(false);
        return contents;
    }

    /// <summary>
    /// Brings files of a folder into a local one, private, not yet synced. What stands there under their names is replaced.
    /// </summary>
    /// <param name="folder">The folder in the store.</param>
    /// <param name="files">Its files.</param>
    /// <param name="local">The local folder.</param>
    /// <param name="meter">Counts and limits.</param>
    /// <param name="cancellationToken">Stops.</param>
    internal virtual Task FetchAsync(
        string folder, IReadOnlyList<StoredFile> files, string local, TransferMeter meter, CancellationToken cancellationToken)
        => SideBySideAsync(files.OrderByDescending(file => file.Bytes), async (file, token) =>
        {
            var path = Path.Combine(local, file.Name);
            DurableFile.CreateFolder(Path.GetDirectoryName(path)!);
            var source = await ReadPacedAsync(StoreUri.Join(folder, file.Name), meter, token).ConfigureAwait(false);
            await using var sourceClosing = source.ConfigureAwait(false);
            var target = DurableFile.Create(path);
            await using var targetClosing = target.ConfigureAwait(false);
            await source.CopyToAsync(target, BufferSize, token).ConfigureAwait(false);
        }, cancellationToken);

    /// <summary>Reads every byte of files of a folder and hashes it.</summary>
    internal virtual async Task<IReadOnlyList<HashedFile>> HashAsync(
        string folder, IReadOnlyList<StoredFile> files, TransferMeter meter, CancellationToken cancellationToken)
    {
        var hashed = new ConcurrentBag<HashedFile>();
        await SideBySideAsync(files.OrderByDescending(file => file.Bytes), async (file, token) =>
        {
            var stream = await ReadPacedAsync(StoreUri.Join(folder, file.Name), meter, token).ConfigureAwait(false);
            await using var closing = stream.ConfigureAwait(false);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[BufferSize];
            long bytes = 0;
            int read;
            while ((read = await stream.ReadAsync(buffer, token).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                bytes += read;
            }

            hashed.Add(new HashedFile(file.Name, bytes, Hex.Of(hash.GetHashAndReset())));
        }, cancellationToken).ConfigureAwait(false);
        return [.. hashed.OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees connections.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Does something for each item, several at a time; the first failure stops the rest.</summary>
    protected static Task SideBySideAsync<T>(
        IEnumerable<T> items, Func<T, CancellationToken, Task> work, CancellationToken cancellationToken)
        => Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = FilesAtOnce, CancellationToken = cancellationToken },
            async (item, token) => await work(item, token).ConfigureAwait(false));

    /// <summary>The error about a file or folder that is not there.</summary>
    protected PgOpsException NotFound(string name, Exception? cause = null) => new(
        PgErrorCode.PathNotFound, $"There is nothing at {Uri.Child(name)}.", nextStep: "Get-PgBackup lists the backups of a store.",
        innerException: cause);

    private async Task<Stream> ReadPacedAsync(string name, TransferMeter meter, CancellationToken cancellationToken)
        => new ThrottledStream(await OpenAsync(name, cancellationToken).ConfigureAwait(false), meter.Throttle, meter.Add);
}
