namespace PgOps.Core.Repository.Storage;

/// <summary>A folder or share.</summary>
internal sealed class FolderStore : FileStore
{
    internal FolderStore(StoreUri uri)
        : base(uri)
    {
    }

    /// <summary>The full path of a file or folder.</summary>
    internal string PathOf(string name) => Path.Combine(Uri.Path, name);

    /// <inheritdoc/>
    internal override Task<IReadOnlyList<StoredFile>> ListAsync(string folder, CancellationToken cancellationToken)
    {
        var root = new DirectoryInfo(PathOf(folder));
        return Task.FromResult<IReadOnlyList<StoredFile>>(!root.Exists ? [] :
        [
            .. root.EnumerateFiles("*", SearchOption.AllDirectories).Select(file => new StoredFile(
                Path.GetRelativePath(root.FullName, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file.Length,
                file.LastWriteTimeUtc)),
        ]);
    }

    /// <inheritdoc/>
    internal override Task<Stream> OpenAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult<Stream>(new FileStream(
                PathOf(name), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw NotFound(name, error);
        }
    }
}
