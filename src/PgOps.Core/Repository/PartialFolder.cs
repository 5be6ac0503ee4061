using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Repository;

/// <summary>A backup's folder while it is written: its name ends in <c>.partial</c>, and it goes away unless it is finished.</summary>
internal sealed class PartialFolder : IDisposable
{
    private static readonly TimeSpan RemovalPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RemovalPause = TimeSpan.FromMilliseconds(100);

    private bool _finished;

    private PartialFolder(string path, string finalPath)
    {
        Path = path;
        FinalPath = finalPath;
    }

    /// <summary>Where to write.</summary>
    internal string Path { get; }

    /// <summary>What it will be called.</summary>
    internal string FinalPath { get; }

    /// <summary>Makes the folder <c>&lt;database&gt;_&lt;yyyyMMdd-HHmmssZ&gt;.partial</c>.</summary>
    /// <param name="parent">The folder of backups.</param>
    /// <param name="database">The database.</param>
    /// <param name="snapshotAt">When its snapshot was taken.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PartialFolder> CreateAsync(
        string parent, string database, DateTime snapshotAt, CancellationToken cancellationToken)
    {
        DurableFile.CreateFolder(parent);
        var name = string.Create(CultureInfo.InvariantCulture, $"{SafeName(database)}_{snapshotAt:yyyyMMdd-HHmmss}Z");
        for (var attempt = 1; ; attempt++)
        {
            var final = System.IO.Path.Combine(
                parent, attempt == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}_{attempt}"));
            var path = final + FileEndings.Partial;
            if (System.IO.Path.Exists(final) || System.IO.Path.Exists(path))
            {
                continue;
            }

            DurableFile.CreateFolder(path);
            try
            {
                // The owner file is created, never overwritten: of two that meet in one folder, one goes on to the next name.
                await DurableFile.WriteAsync(
                    System.IO.Path.Combine(path, OwnerFile.FileName), OwnerFile.Own(), cancellationToken).ConfigureAwait(false);
                return new PartialFolder(path, final);
            }
            catch (IOException error) when (DurableFile.IsTaken(error) && attempt < 1000)
            {
                continue;
            }
            catch
            {
                Directory.Delete(path, recursive: true);
                throw;
            }
        }
    }

    /// <summary>
    /// Makes the unfinished folder of a backup whose name is given, or takes over the one that a dead process left, with what is in it.
    /// </summary>
    /// <param name="parent">The folder of backups.</param>
    /// <param name="name">The backup's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PartialFolder> ResumeAsync(string parent, string name, CancellationToken cancellationToken)
    {
        DurableFile.CreateFolder(parent);
        var path = System.IO.Path.Combine(
            parent, string.Create(CultureInfo.InvariantCulture, $"{name}.{Environment.ProcessId}{FileEndings.Partial}"));
        var ownerFile = System.IO.Path.Combine(path, OwnerFile.FileName);
        var stray = Directory.EnumerateDirectories(parent, $"{name}.*{FileEndings.Partial}").FirstOrDefault(OwnerFile.IsDead);
        if (stray is not null && stray != path)
        {
            // Of two that want it, one can rename it; the other fails here and may be run again.
            Directory.Move(stray, path);
        }
        else
        {
            DurableFile.CreateFolder(path);
        }

        File.Delete(ownerFile);
        await DurableFile.WriteAsync(ownerFile, OwnerFile.Own(), cancellationToken).ConfigureAwait(false);
        return new PartialFolder(path, System.IO.Path.Combine(parent, name));
    }

    /// <summary>Removes what dead processes left behind.</summary>
    /// <param name="parent">The folder of backups.</param>
    /// <param name="log">Is told about each.</param>
    internal static void Sweep(string parent, ILogger log)
    {
        if (!Directory.Exists(parent))
        {
            return;
        }

        foreach (var stray in Directory.EnumerateDirectories(parent, "*" + FileEndings.Partial).Where(OwnerFile.IsDead))
        {
            try
            {
                Directory.Delete(stray, recursive: true);
                log.StrayPartialRemoved(stray);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                log.StrayPartialKept(stray, error.Message);
            }
        }
    }

    /// <summary>Makes the folder final: synced, then renamed, then the rename synced.</summary>
    internal void Finish()
    {
        File.Delete(System.IO.Path.Combine(Path, OwnerFile.FileName));
        foreach (var folder in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories))
        {
            DurableFile.SyncFolder(folder);
        }

        DurableFile.SyncFolder(Path);
        Directory.Move(Path, FinalPath);
        try
        {
            DurableFile.SyncFolder(System.IO.Path.GetDirectoryName(FinalPath)!);
        }
        catch (IOException)
        {
            // A name that a crash may take back is none: it fails, and so it goes.
            Directory.Move(FinalPath, Path);
            throw;
        }

        _finished = true;
    }

    /// <summary>Removes the folder unless it was finished.</summary>
    public void Dispose()
    {
        // A killed pg_dump's worker may write for a moment longer. What cannot be removed keeps its ending and its owner file, so
        // the next backup sweeps it; an error here would only hide the one that brought us here.
        for (var polling = new Polling(RemovalPatience, RemovalPause); !_finished && Directory.Exists(Path) && !polling.IsOver;)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                polling.Pause();
            }
        }
    }

    /// <summary>A database's name as folders begin with it.</summary>
    internal static string SafeName(string database)
    {
        var safe = new StringBuilder(database.Length);
        foreach (var rune in database.EnumerateRunes())
        {
            var keep = Rune.IsLetterOrDigit(rune) || rune.Value is '_' or '-' || (rune.Value == '.' && safe.Length > 0);
            safe.Append(keep ? rune.ToString() : "_");
        }

        return safe.ToString();
    }
}
