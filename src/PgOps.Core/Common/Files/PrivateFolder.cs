using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace PgOps.Core.Common.Files;

/// <summary>
/// A temporary folder that nobody else can enter, with its owner's mark; gone when disposed of, and swept by the next one when its
/// owner was killed.
/// </summary>
internal sealed class PrivateFolder : IDisposable
{
    private const string Prefix = "pgops-private-";

    /// <summary>Makes one, and removes those of dead owners.</summary>
    internal PrivateFolder(ILogger? log = null)
    {
        Sweep(log ?? NullLogger.Instance);
        Path = Directory.CreateTempSubdirectory(Prefix).FullName;
        File.WriteAllBytes(System.IO.Path.Combine(Path, OwnerFile.FileName), OwnerFile.Own());
    }

    /// <summary>Its full path.</summary>
    internal string Path { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It keeps its owner's mark, so the next command sweeps it.
        }
    }

    private static void Sweep(ILogger log)
    {
        foreach (var stray in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*").Where(OwnerFile.IsDead))
        {
            try
            {
                Directory.Delete(stray, recursive: true);
                log.StrayPrivateFolderRemoved(stray);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                log.StrayPrivateFolderKept(stray, error.Message);
            }
        }
    }
}
