using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>A store that is not a folder of this machine. Nothing can be renamed in it.</summary>
internal abstract class RemoteStore : FileStore
{
    /// <summary>
    /// How long to go on asking for what a service has accepted and does not show yet: not each of them is consistent at once.
    /// </summary>
    internal static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Names the place.</summary>
    protected RemoteStore(StoreUri uri)
        : base(uri)
    {
    }

    /// <summary>Opens a store.</summary>
    /// <param name="uri">The place.</param>
    /// <param name="throttle">Limits what is sent; what is fetched is limited by the reader.</param>
    /// <param name="log">Receives what is to be known of the service; null for nobody.</param>
    /// <exception cref="PgOpsException">StoreInvalid; ToolMissing for rclone.</exception>
    internal static RemoteStore Open(StoreUri uri, Throttle throttle, ILogger? log = null)
        => uri.Kind == StoreKind.S3 ? new S3Store(uri, throttle, log) : new RcloneStore(uri);

    /// <summary>Begins to wait for what the service shows late.</summary>
    /// <param name="patience">How long.</param>
    internal static Polling Waiting(TimeSpan patience) => new(patience, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5));

    /// <summary>Writes a small file, replacing what is there.</summary>
    internal abstract Task WriteAsync(string name, byte[] content, CancellationToken cancellationToken);

    /// <summary>
    /// Sends files of a folder. One that was begun before goes on where it stopped, where the service can. After a failure some files may
    /// be there, and parts that the next run takes up.
    /// </summary>
    /// <param name="source">Where they come from.</param>
    /// <param name="folder">The folder's name, the same on both sides.</param>
    /// <param name="files">The files with their right hashes.</param>
    /// <param name="meter">Counts what was sent.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="PgOpsException">StoreFailed.</exception>
    /// <exception cref="WrongHashException">A source's file is not what its hash says; it is not there.</exception>
    internal abstract Task SendAsync(
        FileStore source, string folder, IReadOnlyList<HashedFile> files, TransferMeter meter, CancellationToken cancellationToken);

    /// <summary>
    /// Which files of a folder are there with exactly these hashes: by the service's own SHA-256, or else by reading them back.
    /// </summary>
    internal abstract Task<MatchedFiles> MatchingAsync(
        string folder, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken);

    /// <summary>Removes files; one that is not there is no error.</summary>
    internal abstract Task DeleteAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Removes what is left of a folder without files: the folder where the service has such, uploads that were begun.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops.</param>
    internal abstract Task RemoveFolderAsync(string folder, CancellationToken cancellationToken);

    /// <summary>Compares by reading every byte back.</summary>
    protected async Task<IEnumerable<string>> ReadBackAsync(
        string folder, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken)
    {
        var read = await HashAsync(
            folder, [.. files.Select(file => new StoredFile(file.Name, file.Bytes, default))], TransferMeter.Silent,
            cancellationToken).ConfigureAwait(false);
        return read.Where(files.Contains).Select(file => file.Name);
    }
}
