namespace PgOps.Core.Backups.Encryption;

/// <summary>A folder below the system's temporary one that only its owner may enter, and that goes away whatever happens.</summary>
internal sealed class PrivateFolder : IDisposable
{
    private const string Prefix = "pgops-opened-";

    private PrivateFolder(string path)
    {
        Path = path;
    }

    /// <summary>Where it is.</summary>
    internal string Path { get; }

    /// <summary>Makes one, and removes those of dead processes.</summary>
    internal static async Task<PrivateFolder> CreateAsync(CancellationToken cancellationToken)
    {
        Sweep();
        var folder = new PrivateFolder(Directory.CreateTempSubdirectory(Prefix).FullName);
        try
        {
            await DurableFile.WriteAsync(System.IO.Path.Combine(folder.Path, OwnerMark.FileName), OwnerMark.Own(), cancellationToken).ConfigureAwait(false);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Remove(Path);

    private static void Sweep()
    {
        foreach (var stray in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*").Where(OwnerMark.IsDead))
        {
            Remove(stray);
        }
    }

    private static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another user's, or held for a moment by a program that ends: the next one sweeps it.
        }
    }
}
